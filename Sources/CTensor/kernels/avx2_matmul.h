// Products of packed weights with 8-bit activations on AVX2, specialized by type and tile through inlining. Included
// only by avx2.c.

/// How far ahead of the current block memory is prefetched, in bytes.
#define CT_PREFETCH 4096

/// Eight half-precision numbers as floats.
CT_INLINE __m256 load_halves(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }

/// Eight bytes as floats.
CT_INLINE __m256 load_bytes(const uint8_t *p, bool is_signed) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)p);
    return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes));
}

/// Four activations, repeated for each of eight rows.
CT_INLINE __m256i load_group(const int8_t *quants) {
    int32_t four;
    memcpy(&four, quants, 4);
    return _mm256_set1_epi32(four);
}

/// Adds the 16-bit pair sums to 32-bit ones.
CT_INLINE __m256i widen(__m256i sum, __m256i pairs) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/// The integer dot products of one block: `low[c]` over its first 16 columns, `high[c]` over the others, for eight rows
/// and `tokens` columns of activations. Types whose scale covers the whole block put everything into `low`.
///
/// vpmaddubsw adds two products of an unsigned and a signed byte with saturation at 16 bits. The largest stored integer
/// determines how many of its results may be added before widening.
CT_INLINE void block_dot(ct_type type, const uint8_t *quants, const uint8_t *high_bits, const ct_q8_view *a, int64_t b,
                             int tokens, __m256i *low, __m256i *high) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const bool split = type == CT_Q6_K;
    for (int t = 0; t < tokens; t++) low[t] = high[t] = _mm256_setzero_si256();
    if (type == CT_Q8_0) {
        // Values are stored as q + 128. |q| times the activation with q's sign fits into 16 bits; q + 128 times the
        // activation would not.
        for (int g = 0; g < 8; g++) {
            __m256i w = _mm256_xor_si256(_mm256_load_si256((const __m256i *)(quants + g * 64)), _mm256_set1_epi8(-128));
            __m256i magnitude = _mm256_abs_epi8(w);
            for (int t = 0; t < tokens; t++) {
                __m256i x = _mm256_sign_epi8(load_group(a[t].quants + b * CT_BLOCK + g * 4), w);
                low[t] = widen(low[t], _mm256_maddubs_epi16(magnitude, x));
            }
        }
        return;
    }
    const int groups_before_widening = type == CT_Q6_K ? 2 : type == CT_Q5_0 || type == CT_Q5_1 || type == CT_Q5_K ? 4 : 8;
    const int vectors = split ? groups_before_widening : groups_before_widening / 2;  // per widening
    __m256i bits = _mm256_setzero_si256(), more_bits = bits;
    if (groups_before_widening == 4) bits = _mm256_load_si256((const __m256i *)high_bits);
    if (split) {
        bits = _mm256_load_si256((const __m256i *)high_bits);
        more_bits = _mm256_load_si256((const __m256i *)(high_bits + 64));
    }
    for (int first = 0; first < 4; first += vectors) {
        __m256i low_pairs[4], high_pairs[4];
        for (int t = 0; t < tokens; t++) low_pairs[t] = high_pairs[t] = _mm256_setzero_si256();
        for (int v = first; v < first + vectors; v++) {
            __m256i packed = _mm256_load_si256((const __m256i *)(quants + v * 64));
            __m256i w0 = _mm256_and_si256(packed, nibble);
            __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(packed, 4), nibble);
            if (groups_before_widening == 4) {
                // Bit v of each byte is the fifth bit of group v; bit v + 4 of group v + 4.
                const __m256i fifth = _mm256_set1_epi8(16);
                w0 = _mm256_or_si256(w0, _mm256_and_si256(_mm256_slli_epi16(_mm256_srli_epi16(bits, v), 4), fifth));
                w1 = _mm256_or_si256(w1, _mm256_and_si256(_mm256_srli_epi16(bits, v), fifth));
            } else if (split) {
                const __m256i top = _mm256_set1_epi8(0x30);
                w0 = _mm256_or_si256(w0, _mm256_and_si256(_mm256_slli_epi16(_mm256_srli_epi16(bits, 2 * v), 4), top));
                w1 = _mm256_or_si256(w1, _mm256_and_si256(_mm256_slli_epi16(_mm256_srli_epi16(more_bits, 2 * v), 4), top));
            }
            for (int t = 0; t < tokens; t++) {
                const int8_t *x = a[t].quants + b * CT_BLOCK;
                low_pairs[t] = _mm256_add_epi16(low_pairs[t], _mm256_maddubs_epi16(w0, load_group(x + v * 4)));
                __m256i product = _mm256_maddubs_epi16(w1, load_group(x + 16 + v * 4));
                if (split) {
                    high_pairs[t] = _mm256_add_epi16(high_pairs[t], product);
                } else {
                    low_pairs[t] = _mm256_add_epi16(low_pairs[t], product);
                }
            }
        }
        for (int t = 0; t < tokens; t++) {
            low[t] = widen(low[t], low_pairs[t]);
            if (split) high[t] = widen(high[t], high_pairs[t]);
        }
    }
}

/// sum += (dot − offset · Σa) · (scale · d_a), one rounding for the scale, one for the sum.
CT_INLINE __m256 add_scaled(__m256 sum, __m256i dot, int32_t correction, __m256 scale, float activation_scale) {
    if (correction != 0) dot = _mm256_sub_epi32(dot, _mm256_set1_epi32(correction));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(scale, _mm256_set1_ps(activation_scale)), sum);
}

/// The scales of eight rows in one block.
typedef struct block_scales {
    __m256 d;
    __m256 second;  // Q6_K: of the block's second half
    __m256 m;       // types with a minimum
} block_scales;

CT_INLINE block_scales load_scales(ct_type type, const ct_panel_layout *layout, const uint8_t *panel, int half, int64_t b) {
    block_scales scales = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    if (type < CT_Q4_K) {
        scales.d = load_halves(panel + layout->scales + b * 32 + half * 16);
        if (ct_has_minimum(type)) scales.m = load_halves(panel + layout->minimums + b * 32 + half * 16);
        return scales;
    }
    __m256 super = load_halves(panel + layout->super + b / 8 * 32 + half * 16);
    if (type == CT_Q6_K) {
        scales.d = _mm256_mul_ps(super, load_bytes(panel + layout->scales + b * 32 + half * 8, true));
        scales.second = _mm256_mul_ps(super, load_bytes(panel + layout->scales + b * 32 + 16 + half * 8, true));
        return scales;
    }
    scales.d = _mm256_mul_ps(super, load_bytes(panel + layout->scales + b * 16 + half * 8, false));
    scales.m = _mm256_mul_ps(load_halves(panel + layout->super_minimum + b / 8 * 32 + half * 16),
                             load_bytes(panel + layout->minimums + b * 16 + half * 8, false));
    return scales;
}

/// `halves` times eight rows of a panel, from `half` on, × `tokens` columns. sums: [halves][tokens].
///
/// A single token processes both halves in one pass, which reads each cache line of the weights once. Several tokens
/// process one half at a time, which keeps everything in the sixteen registers.
CT_INLINE void panel_dot(ct_type type, const ct_panel_layout *layout, const uint8_t *panel, int half, int halves,
                         int64_t blocks, const ct_q8_view *a, int tokens, __m256 (*sums)[4]) {
    const int block_bytes = type == CT_Q8_0 ? 512 : 256;
    const int high_bytes = type == CT_Q6_K ? 128 : 64;
    // Q8_0 is multiplied as signed numbers and needs no correction.
    const int32_t offset = type == CT_Q8_0 ? 0 : ct_offset(type);
    for (int h = 0; h < halves; h++) {
        for (int t = 0; t < tokens; t++) sums[h][t] = _mm256_setzero_ps();
    }
    for (int64_t b = 0; b < blocks; b++) {
        if (tokens == 1) {
            // A single token is limited by memory, so prefetch the next blocks. Beyond the matrix, a prefetch does
            // nothing.
            for (int line = 0; line < block_bytes; line += 64) {
                _mm_prefetch((const char *)panel + b * block_bytes + line + CT_PREFETCH, _MM_HINT_T0);
            }
        }
        for (int h = 0; h < halves; h++) {
            __m256i low[4], high[4];
            block_dot(type, panel + b * block_bytes + (half + h) * 32,
                      panel + layout->high + b * high_bytes + (half + h) * 32, a, b, tokens, low, high);
            block_scales scales = load_scales(type, layout, panel, half + h, b);
            for (int t = 0; t < tokens; t++) {
                float d = a[t].scales[b];
                if (type == CT_Q6_K) {
                    sums[h][t] = add_scaled(sums[h][t], low[t], offset * a[t].sums[2 * b], scales.d, d);
                    sums[h][t] = add_scaled(sums[h][t], high[t], offset * a[t].sums[2 * b + 1], scales.second, d);
                    continue;
                }
                int32_t correction = offset ? offset * (a[t].sums[2 * b] + a[t].sums[2 * b + 1]) : 0;
                sums[h][t] = add_scaled(sums[h][t], low[t], correction, scales.d, d);
                if (ct_has_minimum(type)) {
                    __m256 weighted = _mm256_set1_ps(a[t].weighted[b]);
                    sums[h][t] = type >= CT_Q4_K ? _mm256_fnmadd_ps(scales.m, weighted, sums[h][t])
                                                 : _mm256_fmadd_ps(scales.m, weighted, sums[h][t]);
                }
            }
        }
    }
}

CT_INLINE void store_rows(__m256 sum, float *y, int32_t rows, bool accumulate) {
    if (rows >= 8) {
        _mm256_storeu_ps(y, accumulate ? _mm256_add_ps(_mm256_loadu_ps(y), sum) : sum);
        return;
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    for (int32_t row = 0; row < rows; row++) y[row] = accumulate ? y[row] + lanes[row] : lanes[row];
}

/// One tile of tokens against a whole panel.
CT_INLINE void tile(ct_type type, const ct_panel_layout *layout, const uint8_t *panel, const ct_matrix *w, const void *x,
                    int tokens, float *y, int64_t y_stride, int32_t rows, bool accumulate) {
    size_t token_bytes = ct_q8_bytes(w->columns);
    ct_q8_view a[4];
    for (int t = 0; t < tokens; t++) a[t] = ct_q8((const char *)x + (size_t)t * token_bytes, w->columns);
    const int halves = tokens == 1 ? 2 : 1;
    for (int half = 0; half < 2; half += halves) {
        __m256 sums[2][4];
        panel_dot(type, layout, panel, half, halves, ct_blocks(w->columns), a, tokens, sums);
        for (int h = 0; h < halves; h++) {
            int32_t left = rows - (half + h) * 8;
            for (int t = 0; t < tokens && left > 0; t++) {
                store_rows(sums[h][t], y + t * y_stride + (half + h) * 8, left, accumulate);
            }
        }
    }
}

/// All tokens against rows [row_begin, row_end), four tokens at a time, then two, then one.
CT_INLINE void matmul_typed(ct_type type, const ct_matrix *w, const void *x, int32_t tokens, float *y, int64_t y_stride,
                            int32_t row_begin, int32_t row_end, bool accumulate) {
    ct_panel_layout layout = ct_layout(type, w->columns);
    size_t token_bytes = ct_q8_bytes(w->columns);
    for (int32_t row = row_begin; row < row_end; row += CT_PANEL_ROWS) {
        const uint8_t *panel = (const uint8_t *)w->data + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
        for (int32_t token = 0; token < tokens;) {
            const char *from = (const char *)x + (size_t)token * token_bytes;
            float *to = y + token * y_stride + row;
            int32_t remaining = tokens - token;
            if (remaining >= 4) {
                tile(type, &layout, panel, w, from, 4, to, y_stride, row_end - row, accumulate);
                token += 4;
            } else if (remaining >= 2) {
                tile(type, &layout, panel, w, from, 2, to, y_stride, row_end - row, accumulate);
                token += 2;
            } else {
                tile(type, &layout, panel, w, from, 1, to, y_stride, row_end - row, accumulate);
                token += 1;
            }
        }
    }
}

#include "matmul_dispatch.h"
