// Norm, activation and float products in sixteen lanes. Included once by each instruction set, after its simd_*.h.

/// ct_exp on every lane.
CT_INLINE v16 v16_exp(v16 x) {
    v16 n = v16_round(v16_mul(x, v16_set1(CT_LOG2E)));
    v16 r = v16_fma(n, v16_set1(-CT_LN2_HIGH), x);
    r = v16_fma(n, v16_set1(-CT_LN2_LOW), r);
    v16 p = v16_set1(CT_EXP_C7);
    p = v16_fma(p, r, v16_set1(CT_EXP_C6));
    p = v16_fma(p, r, v16_set1(CT_EXP_C5));
    p = v16_fma(p, r, v16_set1(CT_EXP_C4));
    p = v16_fma(p, r, v16_set1(CT_EXP_C3));
    p = v16_fma(p, r, v16_set1(0.5f));
    p = v16_fma(p, r, v16_set1(1.0f));
    p = v16_fma(p, r, v16_set1(1.0f));
    return v16_limit_exp(x, v16_scale(p, n), CT_EXP_LOW, CT_EXP_HIGH);
}

static void rms_norm(const float *x, const float *weight, int64_t n, float epsilon, float *out) {
    v16 squares = v16_set1(0);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 v = v16_load(x + i);
        squares = v16_fma(v, v, squares);
    }
    float lanes[16];
    v16_store(lanes, squares);
    for (; i < n; i++) lanes[i % 16] = fmaf(x[i], x[i], lanes[i % 16]);
    float scale = ct_rms_scale(ct_reduce16(lanes), n, epsilon);
    for (i = 0; i + 16 <= n; i += 16) {
        v16_store(out + i, v16_mul(v16_mul(v16_load(x + i), v16_set1(scale)), v16_load(weight + i)));
    }
    for (; i < n; i++) {
        float scaled = x[i] * scale;
        out[i] = scaled * weight[i];
    }
}

static void layer_norm(const float *x, const float *weight, const float *bias, int64_t n, float epsilon, float *out) {
    v16 sum = v16_set1(0), squares = v16_set1(0);
    float lanes[16];
    int64_t i = 0, whole = n / 16 * 16;
    for (; i < whole; i += 16) sum = v16_add(sum, v16_load(x + i));
    v16_store(lanes, sum);
    for (; i < n; i++) lanes[i % 16] += x[i];
    float mean = ct_reduce16(lanes) / (float)n;
    for (i = 0; i < whole; i += 16) {
        v16 centred = v16_sub(v16_load(x + i), v16_set1(mean));
        squares = v16_fma(centred, centred, squares);
    }
    v16_store(lanes, squares);
    for (; i < n; i++) {
        float centred = x[i] - mean;
        lanes[i % 16] = fmaf(centred, centred, lanes[i % 16]);
    }
    float scale = ct_rms_scale(ct_reduce16(lanes), n, epsilon);
    for (i = 0; i < whole; i += 16) {
        v16 scaled = v16_mul(v16_sub(v16_load(x + i), v16_set1(mean)), v16_set1(scale));
        v16_store(out + i, v16_fma(scaled, v16_load(weight + i), v16_load(bias + i)));
    }
    for (; i < n; i++) {
        float scaled = (x[i] - mean) * scale;
        out[i] = fmaf(scaled, weight[i], bias[i]);
    }
}

/// ct_gelu on every lane.
CT_INLINE v16 v16_gelu(v16 x) {
    v16 magnitude = v16_max(v16_negate(x), x);
    v16 t = v16_div(v16_set1(1.0f), v16_fma(v16_set1(CT_PHI_P), magnitude, v16_set1(1.0f)));
    v16 p = v16_set1(CT_PHI_C5);
    p = v16_fma(p, t, v16_set1(CT_PHI_C4));
    p = v16_fma(p, t, v16_set1(CT_PHI_C3));
    p = v16_fma(p, t, v16_set1(CT_PHI_C2));
    p = v16_fma(p, t, v16_set1(CT_PHI_C1));
    p = v16_mul(p, t);
    v16 half = v16_mul(magnitude, v16_set1(0.5f));
    v16 tail = v16_mul(p, v16_exp(v16_negate(v16_mul(half, magnitude))));
    return v16_fma(v16_negate(magnitude), tail, v16_max(v16_set1(0), x));
}

/// ct_times_sigmoid on every lane.
CT_INLINE v16 v16_times_sigmoid(v16 x, v16 u) {
    return v16_div(x, v16_add(v16_set1(1.0f), v16_exp(v16_negate(u))));
}

CT_INLINE v16 v16_activate(ct_activation f, v16 x) {
    switch (f) {
        case CT_GELU: return v16_gelu(x);
        case CT_GELU_TANH: {
            v16 slope = v16_fma(v16_set1(CT_GELU_TANH_C3), v16_mul(x, x), v16_set1(CT_GELU_TANH_C1));
            return v16_times_sigmoid(x, v16_mul(slope, x));
        }
        case CT_GELU_QUICK: return v16_times_sigmoid(x, v16_mul(v16_set1(1.702f), x));
        default: return v16_times_sigmoid(x, x);
    }
}

static void activate(ct_activation f, const float *x, const float *bias, int64_t n, float *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 v = v16_load(x + i);
        v16_store(out + i, v16_activate(f, bias ? v16_add(v, v16_load(bias + i)) : v));
    }
    for (; i < n; i++) out[i] = ct_activate(f, bias ? x[i] + bias[i] : x[i]);
}

static void swiglu(const float *gate, const float *up, int64_t n, float *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 g = v16_load(gate + i);
        v16 silu = v16_div(g, v16_add(v16_set1(1.0f), v16_exp(v16_negate(g))));
        v16_store(out + i, v16_mul(silu, v16_load(up + i)));
    }
    for (; i < n; i++) out[i] = ct_swiglu(gate[i], up[i]);
}

/// Sixteen weights of any float type, widened.
CT_INLINE v16 load_weights(ct_type type, const void *row, int64_t k) {
    if (type == CT_F16) return v16_load_half((const uint16_t *)row + k);
    if (type == CT_BF16) return v16_load_bfloat((const uint16_t *)row + k);
    return v16_load((const float *)row + k);
}

/// sums[r][t] += rows[r] · x[t] over `count` elements, a multiple of 16.
CT_INLINE void dot_float(ct_type type, const void *const *rows, int row_count, int64_t count, const float *x,
                         int64_t x_stride, int tokens, v16 (*sums)[4]) {
    for (int64_t k = 0; k < count; k += 16) {
        for (int r = 0; r < row_count; r++) {
            v16 w = load_weights(type, rows[r], k);
            for (int t = 0; t < tokens; t++) sums[r][t] = v16_fma(w, v16_load(x + t * x_stride + k), sums[r][t]);
        }
    }
}

/// One or two rows of weights against `tokens` tokens.
CT_INLINE void matmul_rows(ct_type type, const ct_matrix *w, int32_t row, int row_count, const float *x, int64_t x_stride,
                           int tokens, float *y, int64_t y_stride, bool accumulate) {
    enum { piece = 256 };  // columns dequantized at a time: the largest unit
    int64_t columns = w->columns, whole = columns / 16 * 16;
    v16 sums[2][4];
    for (int r = 0; r < row_count; r++) {
        for (int t = 0; t < tokens; t++) sums[r][t] = v16_set1(0);
    }
    float weights[2][piece];
    const void *rows[2];
    if (type >= CT_Q8_0) {
        for (int64_t begin = 0; begin < columns; begin += piece) {
            int64_t count = columns - begin < piece ? columns - begin : piece;
            for (int r = 0; r < row_count; r++) {
                ct_dequantize_piece(w, row + r, begin, count, weights[r]);
                rows[r] = weights[r];
            }
            dot_float(CT_F32, rows, row_count, count, x + begin, x_stride, tokens, sums);
        }
    } else {
        size_t row_bytes = (size_t)columns * (type == CT_F32 ? 4 : 2);
        for (int r = 0; r < row_count; r++) {
            rows[r] = (const char *)w->data + (size_t)(row + r) * row_bytes;
            if (whole < columns) ct_dequantize_piece(w, row + r, whole, columns - whole, weights[r]);
        }
        dot_float(type, rows, row_count, whole, x, x_stride, tokens, sums);
    }
    for (int r = 0; r < row_count; r++) {
        for (int t = 0; t < tokens; t++) {
            float lanes[16];
            float sum;
            if (whole == columns) {
                sum = v16_reduce(sums[r][t]);
            } else {
                v16_store(lanes, sums[r][t]);
                for (int64_t k = whole; k < columns; k++) {
                    lanes[k - whole] = fmaf(weights[r][k - whole], x[t * x_stride + k], lanes[k - whole]);
                }
                sum = ct_reduce16(lanes);
            }
            float *target = y + t * y_stride + row + r;
            *target = accumulate ? *target + sum : sum;
        }
    }
}

CT_INLINE void matmul_float_typed(ct_type type, const ct_matrix *w, const float *x, int64_t x_stride, int32_t tokens, float *y,
                                  int64_t y_stride, int32_t row_begin, int32_t row_end, bool accumulate) {
    for (int32_t row = row_begin; row < row_end; row += 2) {
        int row_count = row_end - row < 2 ? 1 : 2;
        for (int32_t token = 0; token < tokens;) {
            const float *from = x + token * x_stride;
            float *to = y + token * y_stride;
            if (row_count == 2 && tokens - token >= 2) {
                matmul_rows(type, w, row, 2, from, x_stride, 2, to, y_stride, accumulate);
                token += 2;
            } else if (row_count == 2) {
                matmul_rows(type, w, row, 2, from, x_stride, 1, to, y_stride, accumulate);
                token += 1;
            } else {
                matmul_rows(type, w, row, 1, from, x_stride, 1, to, y_stride, accumulate);
                token += 1;
            }
        }
    }
}

static void matmul_f32(const ct_matrix *w, const float *x, int64_t x_stride, int32_t tokens, float *y, int64_t y_stride,
                       int32_t row_begin, int32_t row_end, bool accumulate) {
    switch (w->type) {
        case CT_F32:
            matmul_float_typed(CT_F32, w, x, x_stride, tokens, y, y_stride, row_begin, row_end, accumulate);
            break;
        case CT_F16:
            matmul_float_typed(CT_F16, w, x, x_stride, tokens, y, y_stride, row_begin, row_end, accumulate);
            break;
        case CT_BF16:
            matmul_float_typed(CT_BF16, w, x, x_stride, tokens, y, y_stride, row_begin, row_end, accumulate);
            break;
        default:
            // All quantized types use the same code, through ct_dequantize_piece.
            matmul_float_typed(CT_Q8_0, w, x, x_stride, tokens, y, y_stride, row_begin, row_end, accumulate);
            break;
    }
}
