// Sixteen float lanes as one AVX-512 register: the vector type that simd_float.h and simd_attention.h use.
#ifndef CT_SIMD_AVX512_H
#define CT_SIMD_AVX512_H

#include "../internal.h"

#define CT_INLINE static inline __attribute__((always_inline))

typedef __m512 v16;

CT_INLINE v16 v16_set1(float x) { return _mm512_set1_ps(x); }
CT_INLINE v16 v16_load(const float *p) { return _mm512_loadu_ps(p); }
CT_INLINE v16 v16_load_half(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
CT_INLINE v16 v16_load_bfloat(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
CT_INLINE void v16_store(float *p, v16 v) { _mm512_storeu_ps(p, v); }
CT_INLINE v16 v16_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
CT_INLINE v16 v16_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
CT_INLINE v16 v16_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
CT_INLINE v16 v16_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
/// a · b + c, rounded once.
CT_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
/// The greater of each pair; `b` if either is NaN.
CT_INLINE v16 v16_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
CT_INLINE v16 v16_negate(v16 a) {
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN)));
}
CT_INLINE v16 v16_round(v16 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

CT_INLINE __m512 power_of_two(__m512i n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}
/// p · 2^n for integers n in [-126, 128], in two factors.
CT_INLINE v16 v16_scale(v16 p, v16 n) {
    __m512i whole = _mm512_cvtps_epi32(n);
    __m512i first = _mm512_srai_epi32(whole, 1), second = _mm512_sub_epi32(whole, first);
    return _mm512_mul_ps(_mm512_mul_ps(p, power_of_two(first)), power_of_two(second));
}
/// `p`, but 0 where x < low, infinity where x > high, and x where x is NaN.
CT_INLINE v16 v16_limit_exp(v16 x, v16 p, float low, float high) {
    p = _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, _mm512_set1_ps(low), _CMP_LT_OQ), _mm512_setzero_ps());
    p = _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, _mm512_set1_ps(high), _CMP_GT_OQ), _mm512_set1_ps(INFINITY));
    return _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
}

CT_INLINE __m256 upper_half(v16 v) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)); }
/// The sum of the lanes in the order of ct_reduce16.
CT_INLINE float v16_reduce(v16 v) {
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), upper_half(v));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
/// The greatest lane.
CT_INLINE float v16_reduce_max(v16 v) {
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), upper_half(v));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// A mask with a bit for each lane with low <= a < high.
CT_INLINE uint32_t v16_between(v16 a, float low, float high) {
    __mmask16 from = _mm512_cmp_ps_mask(a, _mm512_set1_ps(low), _CMP_GE_OQ);
    return _mm512_mask_cmp_ps_mask(from, a, _mm512_set1_ps(high), _CMP_LT_OQ);
}

/// A vector of doubles, which simd_sampling.h uses.
typedef __m512d vd;
#define VD_LANES 8
CT_INLINE vd vd_set1(double x) { return _mm512_set1_pd(x); }
/// maximum - x, rounded to floats and widened.
CT_INLINE vd vd_distance(const float *x, float maximum) {
    return _mm512_cvtps_pd(_mm256_sub_ps(_mm256_set1_ps(maximum), _mm256_loadu_ps(x)));
}
CT_INLINE void vd_store(double *p, vd v) { _mm512_storeu_pd(p, v); }
CT_INLINE vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
CT_INLINE vd vd_sub(vd a, vd b) { return _mm512_sub_pd(a, b); }
CT_INLINE vd vd_mul(vd a, vd b) { return _mm512_mul_pd(a, b); }
CT_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
/// p · 2^n, where the lowest bits of `shifted` hold n.
CT_INLINE vd vd_scale(vd p, vd shifted) {
    __m512i power = _mm512_slli_epi64(_mm512_castpd_si512(shifted), 52);
    return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(p), power));
}
/// `p`, but 0 where x < low.
CT_INLINE vd vd_zero_below(vd x, vd p, double low) {
    return _mm512_mask_mov_pd(p, _mm512_cmp_pd_mask(x, _mm512_set1_pd(low), _CMP_LT_OQ), _mm512_setzero_pd());
}

#endif
