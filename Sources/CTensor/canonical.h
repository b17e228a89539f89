// The float operations whose order and rounding every instruction set must reproduce, in plain C.
#ifndef CT_CANONICAL_H
#define CT_CANONICAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "ctensor.h"

/// The sum of 16 partial sums, in the fixed order of every float reduction. Overwrites `lanes`.
static inline float ct_reduce16(float *lanes) {
    for (int width = 8; width >= 1; width /= 2) {
        for (int lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
}

// exp(x) = 2^n · p(r), with n = round(x / ln 2) and r = x − n · ln 2, ln 2 in two pieces so that r is exact enough; p is
// the Taylor polynomial of degree 7, whose remainder on |r| <= ln(2) / 2 is below a unit in the last place.
// (Cody & Waite 1980, "Software Manual for the Elementary Functions".)
#define CT_EXP_LOW -87.33654f
#define CT_EXP_HIGH 88.72283f
#define CT_LOG2E 1.44269504f
#define CT_LN2_HIGH 0.693359375f
#define CT_LN2_LOW -2.12194440e-4f
#define CT_EXP_C7 1.98412698e-4f
#define CT_EXP_C6 1.38888889e-3f
#define CT_EXP_C5 8.33333333e-3f
#define CT_EXP_C4 4.16666667e-2f
#define CT_EXP_C3 1.66666667e-1f

/// exp(x); 0 if the result would be below the least normal number, infinity if above the greatest, NaN for NaN.
static inline float ct_exp(float x) {
    if (x != x) return x;
    if (x < CT_EXP_LOW) return 0.0f;
    if (x > CT_EXP_HIGH) return INFINITY;
    float n = nearbyintf(x * CT_LOG2E);
    float r = fmaf(n, -CT_LN2_HIGH, x);
    r = fmaf(n, -CT_LN2_LOW, r);
    float p = CT_EXP_C7;
    p = fmaf(p, r, CT_EXP_C6);
    p = fmaf(p, r, CT_EXP_C5);
    p = fmaf(p, r, CT_EXP_C4);
    p = fmaf(p, r, CT_EXP_C3);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    // 2^n in two factors: n can be 128, and 2^128 is not a float.
    int32_t first = (int32_t)n >> 1, second = (int32_t)n - first;
    int32_t bits[2] = {(first + 127) << 23, (second + 127) << 23};
    float powers[2];
    memcpy(powers, bits, sizeof powers);
    float scaled = p * powers[0];
    return scaled * powers[1];
}

// The same in double precision, for sampling: the Taylor polynomial of degree 13, and 2^n added to the exponent of p.
// Adding CT_ROUNDING, 1.5 · 2^52, rounds to an integer, which is then in the lowest bits of the sum.
#define CT_EXPD_LOW -708.0
#define CT_ROUNDING 0x1.8p52
#define CT_LOG2E_D 1.44269504088896338700
#define CT_LN2_HIGH_D 6.93147180369123816490e-01
#define CT_LN2_LOW_D 1.90821492927058770002e-10
#define CT_EXPD_TERMS 12
/// 1/13!, 1/12!, … 1/2!
static const double ct_expd_coefficients[CT_EXPD_TERMS] = {
    1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
    1.0 / 5040.0,       1.0 / 720.0,       1.0 / 120.0,      1.0 / 24.0,      1.0 / 6.0,      1.0 / 2.0,
};

/// exp((x - maximum) · scale) for x <= maximum; 0 where the exponent is below -708. The difference is rounded to a float.
static inline double ct_exp_weight(float x, float maximum, double scale) {
    float distance = maximum - x;
    double exponent = (double)distance * -scale;
    if (exponent < CT_EXPD_LOW) return 0.0;
    double scaled = exponent * CT_LOG2E_D;
    double shifted = scaled + CT_ROUNDING;
    double n = shifted - CT_ROUNDING;
    double r = fma(n, -CT_LN2_HIGH_D, exponent);
    r = fma(n, -CT_LN2_LOW_D, r);
    double p = ct_expd_coefficients[0];
    for (int i = 1; i < CT_EXPD_TERMS; i++) p = fma(p, r, ct_expd_coefficients[i]);
    p = fma(p, r, 1.0);
    p = fma(p, r, 1.0);
    uint64_t bits, power;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    bits += power << 52;
    memcpy(&p, &bits, sizeof p);
    return p;
}

/// x · sigmoid(x) · up.
static inline float ct_swiglu(float gate, float up) {
    float denominator = 1.0f + ct_exp(-gate);
    float silu = gate / denominator;
    return silu * up;
}

// Φ(-|x|) = poly(t) · exp(-x² / 2) with t = 1 / (1 + p |x| / √2), within 1e-7: half of erfc as Abramowitz & Stegun
// approximate it ("Handbook of Mathematical Functions", 7.1.26). P and the coefficients include the √2 and the half.
#define CT_PHI_P 0.23164189f
#define CT_PHI_C1 0.127414796f
#define CT_PHI_C2 -0.142248368f
#define CT_PHI_C3 0.7107068705f
#define CT_PHI_C4 -0.7265760135f
#define CT_PHI_C5 0.5307027145f
// 2 √(2/π), and 0.044715 times that.
#define CT_GELU_TANH_C1 1.59576912f
#define CT_GELU_TANH_C3 0.0713548163f

/// x · Φ(x) = max(x, 0) - |x| Φ(-|x|).
static inline float ct_gelu(float x) {
    float magnitude = x < 0 ? -x : x;
    float t = 1.0f / fmaf(CT_PHI_P, magnitude, 1.0f);
    float p = CT_PHI_C5;
    p = fmaf(p, t, CT_PHI_C4);
    p = fmaf(p, t, CT_PHI_C3);
    p = fmaf(p, t, CT_PHI_C2);
    p = fmaf(p, t, CT_PHI_C1);
    p *= t;
    float half = magnitude * 0.5f;
    float tail = p * ct_exp(-(half * magnitude));
    return fmaf(-magnitude, tail, x < 0 ? 0.0f : x);
}

/// x · sigmoid(u).
static inline float ct_times_sigmoid(float x, float u) {
    float denominator = 1.0f + ct_exp(-u);
    return x / denominator;
}

static inline float ct_activate(ct_activation f, float x) {
    switch (f) {
        case CT_GELU: return ct_gelu(x);
        case CT_GELU_TANH: {
            float square = x * x;
            return ct_times_sigmoid(x, fmaf(CT_GELU_TANH_C3, square, CT_GELU_TANH_C1) * x);
        }
        case CT_GELU_QUICK: return ct_times_sigmoid(x, 1.702f * x);
        default: return ct_times_sigmoid(x, x);
    }
}

/// The scale of a block of 8-bit activations, computed from the greatest magnitude in it.
typedef struct ct_q8_scale {
    float d;
    float inverse;
} ct_q8_scale;

static inline ct_q8_scale ct_q8_scale_of(float greatest) {
    float d = greatest / 127.0f;
    float inverse = d > 0 ? 1.0f / d : 0.0f;
    // The reciprocal of a subnormal d may overflow; such a block is treated as zero.
    if (inverse > 3.4028235e38f) inverse = d = 0;
    return (ct_q8_scale){.d = d, .inverse = inverse};
}

/// 1 / sqrt(mean(x²) + epsilon).
static inline float ct_rms_scale(float squares, int64_t n, float epsilon) {
    return 1.0f / sqrtf(squares / (float)n + epsilon);
}

/// Rotates one pair of a head.
static inline void ct_rotate(float *head, ct_rope_layout layout, int32_t pairs, int32_t pair, float cosine, float sine) {
    float *first = layout == CT_ROPE_HALF ? head + pair : head + 2 * pair;
    float *second = layout == CT_ROPE_HALF ? first + pairs : first + 1;
    float a = *first, b = *second;
    float bs = b * sine, as = a * sine;
    *first = fmaf(a, cosine, -bs);
    *second = fmaf(b, cosine, as);
}

#endif
