// Sixteen float lanes as two AVX2 registers: the vector type that simd_float.h and simd_attention.h use.
#ifndef CT_SIMD_AVX2_H
#define CT_SIMD_AVX2_H

#include "../internal.h"

#define CT_INLINE static inline __attribute__((always_inline))

typedef struct v16 {
    __m256 low;   // lanes 0–7
    __m256 high;  // lanes 8–15
} v16;

CT_INLINE v16 v16_set1(float x) { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
CT_INLINE v16 v16_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
CT_INLINE v16 v16_load_half(const uint16_t *p) {
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
CT_INLINE __m256 widen_bfloat(const uint16_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
CT_INLINE v16 v16_load_bfloat(const uint16_t *p) { return (v16){widen_bfloat(p), widen_bfloat(p + 8)}; }
CT_INLINE void v16_store(float *p, v16 v) {
    _mm256_storeu_ps(p, v.low);
    _mm256_storeu_ps(p + 8, v.high);
}
CT_INLINE v16 v16_add(v16 a, v16 b) { return (v16){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
CT_INLINE v16 v16_sub(v16 a, v16 b) { return (v16){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
CT_INLINE v16 v16_mul(v16 a, v16 b) { return (v16){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
CT_INLINE v16 v16_div(v16 a, v16 b) { return (v16){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
/// a · b + c, rounded once.
CT_INLINE v16 v16_fma(v16 a, v16 b, v16 c) {
    return (v16){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
/// The greater of each pair; `b` if either is NaN.
CT_INLINE v16 v16_max(v16 a, v16 b) { return (v16){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
CT_INLINE v16 v16_negate(v16 a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (v16){_mm256_xor_ps(a.low, sign), _mm256_xor_ps(a.high, sign)};
}
CT_INLINE v16 v16_round(v16 a) {
    return (v16){_mm256_round_ps(a.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                 _mm256_round_ps(a.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

CT_INLINE __m256 power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
CT_INLINE __m256 scale_by_power(__m256 p, __m256 n) {
    __m256i whole = _mm256_cvtps_epi32(n);
    __m256i first = _mm256_srai_epi32(whole, 1), second = _mm256_sub_epi32(whole, first);
    return _mm256_mul_ps(_mm256_mul_ps(p, power_of_two(first)), power_of_two(second));
}
/// p · 2^n for integers n in [-126, 128], in two factors.
CT_INLINE v16 v16_scale(v16 p, v16 n) { return (v16){scale_by_power(p.low, n.low), scale_by_power(p.high, n.high)}; }

CT_INLINE __m256 limit_exp(__m256 x, __m256 p, float low, float high) {
    p = _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(low), _CMP_LT_OQ), p);
    p = _mm256_blendv_ps(p, _mm256_set1_ps(INFINITY), _mm256_cmp_ps(x, _mm256_set1_ps(high), _CMP_GT_OQ));
    return _mm256_blendv_ps(p, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
/// `p`, but 0 where x < low, infinity where x > high, and x where x is NaN.
CT_INLINE v16 v16_limit_exp(v16 x, v16 p, float low, float high) {
    return (v16){limit_exp(x.low, p.low, low, high), limit_exp(x.high, p.high, low, high)};
}

/// The sum of the lanes in the order of ct_reduce16.
CT_INLINE float v16_reduce(v16 v) {
    __m256 eight = _mm256_add_ps(v.low, v.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
/// The greatest lane.
CT_INLINE float v16_reduce_max(v16 v) {
    __m256 eight = _mm256_max_ps(v.low, v.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// A mask with a bit for each lane with low <= a < high.
CT_INLINE uint32_t v16_between(v16 a, float low, float high) {
    __m256 l = _mm256_set1_ps(low), h = _mm256_set1_ps(high);
    __m256 first = _mm256_and_ps(_mm256_cmp_ps(a.low, l, _CMP_GE_OQ), _mm256_cmp_ps(a.low, h, _CMP_LT_OQ));
    __m256 second = _mm256_and_ps(_mm256_cmp_ps(a.high, l, _CMP_GE_OQ), _mm256_cmp_ps(a.high, h, _CMP_LT_OQ));
    return (uint32_t)_mm256_movemask_ps(first) | (uint32_t)_mm256_movemask_ps(second) << 8;
}

/// A vector of doubles, which simd_sampling.h uses.
typedef __m256d vd;
#define VD_LANES 4
CT_INLINE vd vd_set1(double x) { return _mm256_set1_pd(x); }
/// maximum - x, rounded to floats and widened.
CT_INLINE vd vd_distance(const float *x, float maximum) {
    return _mm256_cvtps_pd(_mm_sub_ps(_mm_set1_ps(maximum), _mm_loadu_ps(x)));
}
CT_INLINE void vd_store(double *p, vd v) { _mm256_storeu_pd(p, v); }
CT_INLINE vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
CT_INLINE vd vd_sub(vd a, vd b) { return _mm256_sub_pd(a, b); }
CT_INLINE vd vd_mul(vd a, vd b) { return _mm256_mul_pd(a, b); }
CT_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
/// p · 2^n, where the lowest bits of `shifted` hold n.
CT_INLINE vd vd_scale(vd p, vd shifted) {
    __m256i power = _mm256_slli_epi64(_mm256_castpd_si256(shifted), 52);
    return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(p), power));
}
/// `p`, but 0 where x < low.
CT_INLINE vd vd_zero_below(vd x, vd p, double low) {
    return _mm256_andnot_pd(_mm256_cmp_pd(x, _mm256_set1_pd(low), _CMP_LT_OQ), p);
}

#endif
