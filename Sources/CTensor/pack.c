// Sizes, packing, unpacking and dequantizing of weights.
#include "quantized_block.h"

static size_t ct_float_bytes(ct_type type) {
    switch (type) {
        case CT_F32: return 4;
        case CT_F16:
        case CT_BF16: return 2;
        default: return 0;
    }
}

int32_t ct_type_block_columns(ct_type type) {
    if (ct_float_bytes(type)) return 1;
    return ct_unit_bytes(type) ? ct_unit(type) : 0;
}

size_t ct_type_row_bytes(ct_type type, int64_t columns) {
    int32_t unit = ct_type_block_columns(type);
    if (unit == 0 || columns <= 0 || columns > INT32_MAX || columns % unit) return 0;
    size_t bytes = unit == 1 ? ct_float_bytes(type) : ct_unit_bytes(type);
    return (size_t)(columns / unit) * bytes;
}

size_t ct_packed_bytes(ct_type type, int64_t rows, int64_t columns) {
    size_t row = ct_type_row_bytes(type, columns);
    if (row == 0 || rows <= 0 || rows > INT32_MAX) return 0;
    size_t count = ct_float_bytes(type) ? (size_t)rows : (size_t)ct_panels(rows);
    size_t bytes = ct_float_bytes(type) ? row : ct_layout(type, columns).stride;
    return bytes > (size_t)PTRDIFF_MAX / count ? 0 : bytes * count;
}

void ct_pack(ct_type type, int64_t rows, int64_t columns, const void *source, void *packed, int64_t row_begin,
             int64_t row_end) {
    size_t row_bytes = ct_type_row_bytes(type, columns);
    const uint8_t *from = source;
    uint8_t *to = packed;
    if (ct_float_bytes(type)) {
        memcpy(to + (size_t)row_begin * row_bytes, from + (size_t)row_begin * row_bytes,
               (size_t)(row_end - row_begin) * row_bytes);
        return;
    }
    (void)rows;
    ct_panel_layout layout = ct_layout(type, columns);
    int64_t units = columns / ct_unit(type);
    for (int64_t row = row_begin; row < row_end; row++) {
        uint8_t *panel = to + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
        if (row % CT_PANEL_ROWS == 0) memset(panel, 0, layout.stride);
        for (int64_t unit = 0; unit < units; unit++) {
            ct_quantized_block quantized;
            ct_quantized_block_from_gguf(type, from + (size_t)row * row_bytes + (size_t)unit * ct_unit_bytes(type), &quantized);
            ct_quantized_block_to_panel(type, &layout, panel, (int32_t)(row % CT_PANEL_ROWS), unit, &quantized);
        }
    }
}

void ct_unpack_row(ct_type type, int64_t rows, int64_t columns, const void *packed, int64_t row, void *blocks) {
    (void)rows;
    size_t row_bytes = ct_type_row_bytes(type, columns);
    if (ct_float_bytes(type)) {
        memcpy(blocks, (const uint8_t *)packed + (size_t)row * row_bytes, row_bytes);
        return;
    }
    ct_panel_layout layout = ct_layout(type, columns);
    const uint8_t *panel = (const uint8_t *)packed + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
    int64_t units = columns / ct_unit(type);
    for (int64_t unit = 0; unit < units; unit++) {
        ct_quantized_block quantized;
        ct_quantized_block_from_panel(type, &layout, panel, (int32_t)(row % CT_PANEL_ROWS), unit, &quantized);
        ct_quantized_block_to_gguf(type, &quantized, (uint8_t *)blocks + (size_t)unit * ct_unit_bytes(type));
    }
}

static inline __attribute__((always_inline)) void ct_dequantize_block(ct_type type,
                                                                      const ct_quantized_block *quantized,
                                                                      float *out) {
    float d = ct_half_to_float(quantized->d);
    float m = ct_has_minimum(type) ? ct_half_to_float(quantized->m) : 0;
    int32_t offset = ct_offset(type);
    for (int32_t j = 0; j < ct_unit(type); j++) {
        float q = (float)((int32_t)quantized->values[j] - offset);
        float scale = d, minimum = m;
        if (type == CT_Q6_K) {
            scale = d * (float)(int8_t)quantized->scales[j / 16];
        } else if (type >= CT_Q4_K) {
            scale = d * (float)quantized->scales[j / 32];
            minimum = -(m * (float)quantized->minimums[j / 32]);
        }
        // Two roundings, as in the reference dequantizers; the product is not fused with the sum.
        float product = q * scale;
        out[j] = ct_has_minimum(type) ? product + minimum : product;
    }
}

static inline __attribute__((always_inline)) void ct_dequantize_units(ct_type type, const ct_matrix *w, int64_t row,
                                                                      int64_t begin, int64_t count, float *out) {
    ct_panel_layout layout = ct_layout(type, w->columns);
    const uint8_t *panel = (const uint8_t *)w->data + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
    int32_t unit = ct_unit(type);
    for (int64_t at = 0; at < count; at += unit) {
        ct_quantized_block quantized;
        ct_quantized_block_from_panel(type, &layout, panel, (int32_t)(row % CT_PANEL_ROWS), (begin + at) / unit, &quantized);
        ct_dequantize_block(type, &quantized, out + at);
    }
}

void ct_dequantize_piece(const ct_matrix *w, int64_t row, int64_t begin, int64_t count, float *out) {
    ct_type type = w->type;
    if (type == CT_F32) {
        memcpy(out, (const float *)w->data + row * w->columns + begin, (size_t)count * 4);
        return;
    }
    if (ct_float_bytes(type)) {
        const uint16_t *halves = (const uint16_t *)w->data + row * w->columns + begin;
        for (int64_t k = 0; k < count; k++) {
            out[k] = type == CT_F16 ? ct_half_to_float(halves[k]) : ct_bfloat_to_float(halves[k]);
        }
        return;
    }
    switch (type) {
        case CT_Q8_0: ct_dequantize_units(CT_Q8_0, w, row, begin, count, out); break;
        case CT_Q4_0: ct_dequantize_units(CT_Q4_0, w, row, begin, count, out); break;
        case CT_Q4_1: ct_dequantize_units(CT_Q4_1, w, row, begin, count, out); break;
        case CT_Q5_0: ct_dequantize_units(CT_Q5_0, w, row, begin, count, out); break;
        case CT_Q5_1: ct_dequantize_units(CT_Q5_1, w, row, begin, count, out); break;
        case CT_Q4_K: ct_dequantize_units(CT_Q4_K, w, row, begin, count, out); break;
        case CT_Q5_K: ct_dequantize_units(CT_Q5_K, w, row, begin, count, out); break;
        case CT_Q6_K: ct_dequantize_units(CT_Q6_K, w, row, begin, count, out); break;
        default: break;
    }
}

void ct_dequantize_row(ct_type type, int64_t rows, int64_t columns, const void *packed, int64_t row, float *out) {
    ct_matrix matrix = {.type = type, .rows = (int32_t)rows, .columns = (int32_t)columns, .data = packed};
    ct_dequantize_piece(&matrix, row, 0, columns, out);
}
