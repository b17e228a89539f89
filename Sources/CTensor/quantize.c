// From floats to GGUF blocks, with the rounding of ggml's reference quantizers: the same floats give the same bytes.
#pragma STDC FP_CONTRACT OFF
#include <math.h>

#include "quantized_block.h"

static int32_t ct_clamp(int32_t value, int32_t high) { return value < 0 ? 0 : value > high ? high : value; }

/// Truncates any float toward zero, including infinities and NaN.
static int32_t ct_truncate(float value) { return value > -1e6f && value < 1e6f ? (int32_t)value : 0; }

/// Symmetric: the element of greatest magnitude maps to the end of the range.
static void ct_quantize_symmetric(const float *x, int32_t levels, ct_quantized_block *quantized) {
    float extreme = 0;
    for (int j = 0; j < CT_BLOCK; j++) {
        if (fabsf(x[j]) > fabsf(extreme)) extreme = x[j];
    }
    float half = (float)(levels / 2);
    float d = extreme / -half;
    float inverse = d != 0 ? 1.0f / d : 0;
    quantized->d = ct_float_to_half(d);
    for (int j = 0; j < CT_BLOCK; j++) {
        float scaled = x[j] * inverse;
        quantized->values[j] = (uint8_t)ct_clamp(ct_truncate(scaled + (half + 0.5f)), levels - 1);
    }
}

/// Affine: the least element maps to 0, the greatest to the top of the range.
static void ct_quantize_affine(const float *x, int32_t levels, ct_quantized_block *quantized) {
    float low = x[0], high = x[0];
    for (int j = 1; j < CT_BLOCK; j++) {
        if (x[j] < low) low = x[j];
        if (x[j] > high) high = x[j];
    }
    float d = (high - low) / (float)(levels - 1);
    float inverse = d != 0 ? 1.0f / d : 0;
    quantized->d = ct_float_to_half(d);
    quantized->m = ct_float_to_half(low);
    for (int j = 0; j < CT_BLOCK; j++) {
        float scaled = (x[j] - low) * inverse;
        quantized->values[j] = (uint8_t)ct_clamp(ct_truncate(scaled + 0.5f), levels - 1);
    }
}

static void ct_quantize_8(const float *x, ct_quantized_block *quantized) {
    float greatest = 0;
    for (int j = 0; j < CT_BLOCK; j++) greatest = fmaxf(greatest, fabsf(x[j]));
    float d = greatest / 127;
    float inverse = d != 0 ? 1.0f / d : 0;
    quantized->d = ct_float_to_half(d);
    for (int j = 0; j < CT_BLOCK; j++) {
        quantized->values[j] = (uint8_t)ct_clamp(ct_truncate(roundf(x[j] * inverse)) + 128, 255);
    }
}

bool ct_quantize_row(ct_type type, const float *source, int64_t columns, void *blocks) {
    if (type == CT_F32) {
        memcpy(blocks, source, (size_t)columns * 4);
        return true;
    }
    if (type == CT_F16 || type == CT_BF16) {
        uint16_t *out = blocks;
        for (int64_t k = 0; k < columns; k++) {
            out[k] = type == CT_F16 ? ct_float_to_half(source[k]) : ct_float_to_bfloat(source[k]);
        }
        return true;
    }
    for (int64_t b = 0; b < ct_blocks(columns); b++) {
        const float *x = source + b * CT_BLOCK;
        ct_quantized_block quantized;
        switch (type) {
            case CT_Q8_0: ct_quantize_8(x, &quantized); break;
            case CT_Q4_0: ct_quantize_symmetric(x, 16, &quantized); break;
            case CT_Q5_0: ct_quantize_symmetric(x, 32, &quantized); break;
            case CT_Q4_1: ct_quantize_affine(x, 16, &quantized); break;
            case CT_Q5_1: ct_quantize_affine(x, 32, &quantized); break;
            default: return false;
        }
        ct_quantized_block_to_gguf(type, &quantized, (uint8_t *)blocks + (size_t)b * ct_unit_bytes(type));
    }
    return true;
}
