// Plain C: the reference for all other instruction sets, and the fallback for processors that have none of them. It
// defines the bits: see the top of ctensor.h.
#pragma STDC FP_CONTRACT OFF
#include "../canonical.h"
#include "../quantized_block.h"

static void quantize_q8(const float *x, int64_t columns, void *out) {
    char *base = out;
    int8_t *quants = (int8_t *)base;
    float *scales = (float *)(base + ct_q8_scales(columns));
    float *weighted = (float *)(base + ct_q8_weighted(columns));
    int32_t *sums = (int32_t *)(base + ct_q8_sums(columns));
    for (int64_t b = 0; b < ct_blocks(columns); b++) {
        float greatest = 0;
        for (int j = 0; j < CT_BLOCK; j++) {
            float magnitude = fabsf(x[b * CT_BLOCK + j]);
            greatest = magnitude > greatest ? magnitude : greatest;
        }
        ct_q8_scale scale = ct_q8_scale_of(greatest);
        int32_t halves[2] = {0, 0};
        for (int j = 0; j < CT_BLOCK; j++) {
            float scaled = x[b * CT_BLOCK + j] * scale.inverse;
            int32_t q = scaled == scaled ? (int32_t)nearbyintf(fminf(fmaxf(scaled, -127.0f), 127.0f)) : 0;
            quants[b * CT_BLOCK + j] = (int8_t)q;
            halves[j / 16] += q;
        }
        scales[b] = scale.d;
        weighted[b] = scale.d * (float)(halves[0] + halves[1]);
        sums[2 * b] = halves[0];
        sums[2 * b + 1] = halves[1];
    }
}

static void matmul_q8(const ct_matrix *w, const void *x, int32_t tokens, float *y, int64_t y_stride, int32_t row_begin,
                      int32_t row_end, bool accumulate) {
    ct_type type = w->type;
    ct_panel_layout layout = ct_layout(type, w->columns);
    int32_t unit = ct_unit(type), offset = ct_offset(type);
    for (int32_t row = row_begin; row < row_end; row++) {
        const uint8_t *panel = (const uint8_t *)w->data + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
        for (int32_t token = 0; token < tokens; token++) {
            ct_q8_view a = ct_q8((const char *)x + (size_t)token * ct_q8_bytes(w->columns), w->columns);
            float sum = 0;
            for (int64_t u = 0; u < w->columns / unit; u++) {
                ct_quantized_block quantized;
                ct_quantized_block_from_panel(type, &layout, panel, row % CT_PANEL_ROWS, u, &quantized);
                float d = ct_half_to_float(quantized.d);
                for (int32_t i = 0; i < unit / CT_BLOCK; i++) {
                    int64_t b = u * (unit / CT_BLOCK) + i;
                    int32_t halves[2] = {-offset * a.sums[2 * b], -offset * a.sums[2 * b + 1]};
                    for (int32_t j = 0; j < CT_BLOCK; j++) {
                        halves[j / 16] += (int32_t)quantized.values[i * CT_BLOCK + j] * a.quants[b * CT_BLOCK + j];
                    }
                    if (type == CT_Q6_K) {
                        for (int32_t h = 0; h < 2; h++) {
                            float scale = d * (float)(int8_t)quantized.scales[2 * i + h];
                            sum = fmaf((float)halves[h], scale * a.scales[b], sum);
                        }
                        continue;
                    }
                    float scale = type >= CT_Q4_K ? d * (float)quantized.scales[i] : d;
                    sum = fmaf((float)(halves[0] + halves[1]), scale * a.scales[b], sum);
                    if (ct_has_minimum(type)) {
                        float m = ct_half_to_float(quantized.m);
                        if (type >= CT_Q4_K) m = -(m * (float)quantized.minimums[i]);
                        sum = fmaf(m, a.weighted[b], sum);
                    }
                }
            }
            float *target = y + token * y_stride + row;
            *target = accumulate ? *target + sum : sum;
        }
    }
}

static void matmul_f32(const ct_matrix *w, const float *x, int64_t x_stride, int32_t tokens, float *y, int64_t y_stride,
                       int32_t row_begin, int32_t row_end, bool accumulate) {
    enum { piece = 256 };  // columns dequantized at a time: the largest unit
    int64_t columns = w->columns;
    for (int32_t row = row_begin; row < row_end; row++) {
        for (int32_t token = 0; token < tokens; token++) {
            float lanes[16] = {0};
            for (int64_t begin = 0; begin < columns; begin += piece) {
                int64_t count = columns - begin < piece ? columns - begin : piece;
                float weights[piece];
                ct_dequantize_piece(w, row, begin, count, weights);
                for (int64_t k = 0; k < count; k++) {
                    lanes[k % 16] = fmaf(weights[k], x[token * x_stride + begin + k], lanes[k % 16]);
                }
            }
            float sum = ct_reduce16(lanes);
            float *target = y + token * y_stride + row;
            *target = accumulate ? *target + sum : sum;
        }
    }
}

static void rms_norm(const float *x, const float *weight, int64_t n, float epsilon, float *out) {
    float lanes[16] = {0};
    for (int64_t i = 0; i < n; i++) lanes[i % 16] = fmaf(x[i], x[i], lanes[i % 16]);
    float scale = ct_rms_scale(ct_reduce16(lanes), n, epsilon);
    for (int64_t i = 0; i < n; i++) {
        float scaled = x[i] * scale;
        out[i] = scaled * weight[i];
    }
}

static void layer_norm(const float *x, const float *weight, const float *bias, int64_t n, float epsilon, float *out) {
    float lanes[16] = {0};
    for (int64_t i = 0; i < n; i++) lanes[i % 16] += x[i];
    float mean = ct_reduce16(lanes) / (float)n;
    memset(lanes, 0, sizeof lanes);
    for (int64_t i = 0; i < n; i++) {
        float centred = x[i] - mean;
        lanes[i % 16] = fmaf(centred, centred, lanes[i % 16]);
    }
    float scale = ct_rms_scale(ct_reduce16(lanes), n, epsilon);
    for (int64_t i = 0; i < n; i++) {
        float scaled = (x[i] - mean) * scale;
        out[i] = fmaf(scaled, weight[i], bias[i]);
    }
}

static void activate(ct_activation f, const float *x, const float *bias, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i++) out[i] = ct_activate(f, bias ? x[i] + bias[i] : x[i]);
}

static void rope(float *x, int32_t heads, int32_t head_dim, int32_t rotary, ct_rope_layout layout, const float *cosine,
                 const float *sine) {
    for (int32_t head = 0; head < heads; head++) {
        for (int32_t pair = 0; pair < rotary / 2; pair++) {
            ct_rotate(x + (int64_t)head * head_dim, layout, rotary / 2, pair, cosine[pair], sine[pair]);
        }
    }
}

static void swiglu(const float *gate, const float *up, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i++) out[i] = ct_swiglu(gate[i], up[i]);
}

static void attention(const float *const *q_rows, float *const *out_rows, const int32_t *limits, int32_t rows,
                      int32_t head_dim, float scale, const ct_kv_span *spans, int32_t span_count, float *scores,
                      int64_t score_stride) {
    for (int32_t r = 0; r < rows; r++) {
        float *row = scores + r * score_stride;
        int32_t limit = limits[r], position = 0;
        for (int32_t s = 0; s < span_count && position < limit; s++) {
            for (int32_t j = 0; j < spans[s].count && position < limit; j++, position++) {
                const float *key = spans[s].keys + (int64_t)(j / CT_KEY_GROUP) * head_dim * CT_KEY_GROUP;
                float sum = 0;
                for (int32_t d = 0; d < head_dim; d++) sum = fmaf(q_rows[r][d], key[d * CT_KEY_GROUP + j % CT_KEY_GROUP], sum);
                row[position] = sum * scale;
            }
        }
        float greatest = row[0];
        for (int32_t i = 1; i < limit; i++) greatest = row[i] > greatest ? row[i] : greatest;
        float lanes[16] = {0};
        for (int32_t i = 0; i < limit; i++) {
            row[i] = ct_exp(row[i] - greatest);
            lanes[i % 16] += row[i];
        }
        float inverse = 1.0f / ct_reduce16(lanes);
        float *out = out_rows[r];
        for (int32_t d = 0; d < head_dim; d++) out[d] = 0;
        position = 0;
        for (int32_t s = 0; s < span_count && position < limit; s++) {
            for (int32_t j = 0; j < spans[s].count && position < limit; j++, position++) {
                const float *value = spans[s].values + (int64_t)j * head_dim;
                for (int32_t d = 0; d < head_dim; d++) out[d] = fmaf(row[position], value[d], out[d]);
            }
        }
        for (int32_t d = 0; d < head_dim; d++) out[d] *= inverse;
    }
}

static float maximum(const float *x, int64_t n) {
    float greatest = x[0];
    for (int64_t i = 0; i < n; i++) {
        if (x[i] != x[i]) return NAN;
        greatest = x[i] > greatest ? x[i] : greatest;
    }
    return greatest + 0.0f;
}

static void exp_weights(const float *x, int64_t n, float maximum, double scale, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] = ct_exp_weight(x[i], maximum, scale);
}

static int64_t collect(const float *x, int64_t n, float maximum, float low, float high, int32_t *out) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        float distance = maximum - x[i];
        if (low <= distance && distance < high) out[count++] = (int32_t)i;
    }
    return count;
}

const ct_kernels ct_scalar_kernels = {
    .isa = CT_ISA_SCALAR,
    .name = "scalar",
    .quantize_q8 = quantize_q8,
    .matmul_q8 = matmul_q8,
    .matmul_f32 = matmul_f32,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .activate = activate,
    .rope = rope,
    .swiglu = swiglu,
    .attention = attention,
    .maximum = maximum,
    .exp_weights = exp_weights,
    .collect = collect,
};
