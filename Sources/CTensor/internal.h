// Internal declarations that the C files of this target share.
#ifndef CT_INTERNAL_H
#define CT_INTERNAL_H

#include <string.h>

#include "ctensor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline void ct_pause(void) {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// ---------------------------------------------------------------------------------------------------------------------
// Half precision

static inline float ct_half_to_float(uint16_t half) {
    // Shift the exponent and mantissa into place, then let a multiplication rescale; it is exact, subnormals included.
    uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    float value;
    if ((half & 0x7c00) == 0x7c00) {
        uint32_t bits = sign | 0x7f800000 | magnitude | ((half & 0x3ff) ? 0x400000 : 0);
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    memcpy(&value, &magnitude, sizeof value);
    value *= 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint16_t ct_float_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return sign | 0x7e00;                  // not a number
    if (bits >= 0x477ff000) return sign | 0x7c00;                 // rounds to 65520 or more: infinity
    if (bits < 0x38800000) {                                      // below 2^-14: subnormal
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        // Adding 0.5 leaves the mantissa in units of 2^-24, rounded to nearest even by the addition itself.
        float shifted = magnitude + 0.5f;
        uint32_t result;
        memcpy(&result, &shifted, sizeof result);
        return sign | (uint16_t)(result - 0x3f000000);
    }
    uint32_t odd = bits >> 13 & 1;
    return sign | (uint16_t)((bits - 0x38000000 + 0xfff + odd) >> 13);
}

static inline float ct_bfloat_to_float(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline uint16_t ct_float_to_bfloat(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// ---------------------------------------------------------------------------------------------------------------------
// Packed layout

/// The offsets of the planes in a panel of 16 rows, in bytes from the panel's start. See weights-format.md.
typedef struct ct_panel_layout {
    size_t high;      // fifth and sixth bits
    size_t scales;    // per block: fp16 d (simple types), or small integers (K-quants)
    size_t minimums;  // per block: fp16 m (simple types), or small integers (K-quants)
    size_t super;     // K-quants: fp16 d per super-block
    size_t super_minimum;
    size_t stride;    // to the next panel
} ct_panel_layout;

/// The number of quantization blocks in a row.
static inline int64_t ct_blocks(int64_t columns) { return columns / CT_BLOCK; }

static inline int64_t ct_panels(int64_t rows) { return (rows + CT_PANEL_ROWS - 1) / CT_PANEL_ROWS; }

static inline size_t ct_align(size_t bytes) { return (bytes + CT_ALIGNMENT - 1) / CT_ALIGNMENT * CT_ALIGNMENT; }

static inline ct_panel_layout ct_layout(ct_type type, int64_t columns) {
    size_t blocks = (size_t)ct_blocks(columns);
    size_t supers = blocks / 8;
    size_t quants = blocks * (type == CT_Q8_0 ? 512 : 256);
    size_t high = type == CT_Q5_0 || type == CT_Q5_1 || type == CT_Q5_K ? blocks * 64
                  : type == CT_Q6_K                                    ? blocks * 128
                                                                       : 0;
    size_t scales = type == CT_Q4_K || type == CT_Q5_K ? blocks * 16 : blocks * 32;
    size_t minimums = type == CT_Q4_1 || type == CT_Q5_1 ? blocks * 32
                      : type == CT_Q4_K || type == CT_Q5_K ? blocks * 16
                                                           : 0;
    bool k = type == CT_Q4_K || type == CT_Q5_K || type == CT_Q6_K;
    ct_panel_layout layout;
    layout.high = quants;
    layout.scales = layout.high + high;
    layout.minimums = layout.scales + scales;
    layout.super = layout.minimums + minimums;
    layout.super_minimum = layout.super + (k ? supers * 32 : 0);
    layout.stride = ct_align(layout.super_minimum + (type == CT_Q4_K || type == CT_Q5_K ? supers * 32 : 0));
    return layout;
}

// ---------------------------------------------------------------------------------------------------------------------
// Quantized activations of one token: int8 q[K] | float d[B] | float ds[B] | int32 sums[2B], each plane aligned

typedef struct ct_q8_view {
    const int8_t *quants;   // [K]
    const float *scales;    // [B] d
    const float *weighted;  // [B] d · Σq
    const int32_t *sums;    // [B, 2] Σq of each half
} ct_q8_view;

static inline size_t ct_q8_scales(int64_t columns) { return ct_align((size_t)columns); }
static inline size_t ct_q8_weighted(int64_t columns) {
    return ct_q8_scales(columns) + ct_align((size_t)ct_blocks(columns) * 4);
}
static inline size_t ct_q8_sums(int64_t columns) {
    return ct_q8_weighted(columns) + ct_align((size_t)ct_blocks(columns) * 4);
}

static inline ct_q8_view ct_q8(const void *data, int64_t columns) {
    const char *base = data;
    return (ct_q8_view){
        .quants = (const int8_t *)base,
        .scales = (const float *)(base + ct_q8_scales(columns)),
        .weighted = (const float *)(base + ct_q8_weighted(columns)),
        .sums = (const int32_t *)(base + ct_q8_sums(columns)),
    };
}

/// The zero point of a type's stored unsigned integers.
static inline int32_t ct_offset(ct_type type) {
    switch (type) {
        case CT_Q8_0: return 128;
        case CT_Q4_0: return 8;
        case CT_Q5_0: return 16;
        case CT_Q6_K: return 32;
        default: return 0;
    }
}

extern const ct_kernels ct_scalar_kernels;
#if defined(__x86_64__)
extern const ct_kernels ct_avx2_kernels;
extern const ct_kernels ct_avx512_kernels;
#endif

#endif
