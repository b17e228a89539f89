// Activations to 8 bits, and rotary embedding. Included only by avx2.c; AVX-512 calls these functions.

void ct_avx2_quantize_q8(const float *x, int64_t columns, void *out) {
    char *base = out;
    int8_t *quants = (int8_t *)base;
    float *scales = (float *)(base + ct_q8_scales(columns));
    float *weighted = (float *)(base + ct_q8_weighted(columns));
    int32_t *sums = (int32_t *)(base + ct_q8_sums(columns));
    const __m256 sign = _mm256_set1_ps(-0.0f);
    for (int64_t b = 0; b < ct_blocks(columns); b++) {
        __m256 v[4], greatest = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + b * CT_BLOCK + i * 8);
            // vmaxps returns its second operand if either is NaN, so NaN elements are ignored.
            greatest = _mm256_max_ps(_mm256_andnot_ps(sign, v[i]), greatest);
        }
        __m128 four = _mm_max_ps(_mm256_castps256_ps128(greatest), _mm256_extractf128_ps(greatest, 1));
        four = _mm_max_ps(four, _mm_movehl_ps(four, four));
        float extreme = _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
        ct_q8_scale scale = ct_q8_scale_of(extreme);
        __m256i q[4];
        for (int i = 0; i < 4; i++) {
            __m256 scaled = _mm256_mul_ps(v[i], _mm256_set1_ps(scale.inverse));
            scaled = _mm256_and_ps(scaled, _mm256_cmp_ps(scaled, scaled, _CMP_ORD_Q));
            scaled = _mm256_min_ps(_mm256_max_ps(scaled, _mm256_set1_ps(-127)), _mm256_set1_ps(127));
            q[i] = _mm256_cvtps_epi32(scaled);
        }
        int32_t halves[2];
        for (int h = 0; h < 2; h++) {
            __m256i pair = _mm256_add_epi32(q[2 * h], q[2 * h + 1]);
            __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
            sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
            halves[h] = _mm_cvtsi128_si32(sum);
        }
        // Packing works within 128-bit halves; the permutation puts the groups of four back in order.
        __m256i words0 = _mm256_packs_epi32(q[0], q[1]), words1 = _mm256_packs_epi32(q[2], q[3]);
        __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words0, words1),
                                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)(quants + b * CT_BLOCK), bytes);
        scales[b] = scale.d;
        weighted[b] = scale.d * (float)(halves[0] + halves[1]);
        sums[2 * b] = halves[0];
        sums[2 * b + 1] = halves[1];
    }
}

void ct_avx2_rope(float *x, int32_t heads, int32_t head_dim, int32_t rotary, ct_rope_layout layout, const float *cosine,
                  const float *sine) {
    int32_t pairs = rotary / 2;
    for (int32_t head = 0; head < heads; head++) {
        float *h = x + (int64_t)head * head_dim;
        int32_t pair = 0;
        if (layout == CT_ROPE_HALF) {
            for (; pair + 8 <= pairs; pair += 8) {
                __m256 c = _mm256_loadu_ps(cosine + pair), s = _mm256_loadu_ps(sine + pair);
                __m256 a = _mm256_loadu_ps(h + pair), b = _mm256_loadu_ps(h + pairs + pair);
                _mm256_storeu_ps(h + pair, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
                _mm256_storeu_ps(h + pairs + pair, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
            }
        } else {
            for (; pair + 4 <= pairs; pair += 4) {
                const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
                __m256 c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cosine + pair)), twice);
                __m256 s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sine + pair)), twice);
                __m256 v = _mm256_loadu_ps(h + 2 * pair);
                __m256 turned = _mm256_mul_ps(_mm256_permute_ps(v, 0xb1), s);
                // Even lanes subtract, odd lanes add.
                _mm256_storeu_ps(h + 2 * pair, _mm256_fmaddsub_ps(v, c, turned));
            }
        }
        for (; pair < pairs; pair++) {
            ct_rotate(h, layout, pairs, pair, cosine[pair], sine[pair]);
        }
    }
}
