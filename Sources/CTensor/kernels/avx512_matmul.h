// Products of packed weights with 8-bit activations on AVX-512 VNNI, specialized by type and tile through inlining.
// Included only by avx512.c.

/// The maximum number of tokens in a tile: eight float sums, eight integer sums (twice as many for Q6_K) and two weight
/// vectors fit into the 32 registers.
#define CT_TILE 8

/// Sixteen half-precision numbers as floats.
CT_INLINE __m512 load_halves(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }

/// Sixteen bytes as floats.
CT_INLINE __m512 load_bytes(const uint8_t *p, bool is_signed) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
}

/// Four activations, repeated for each of sixteen rows.
CT_INLINE __m512i load_group(const int8_t *quants) {
    int32_t four;
    memcpy(&four, quants, 4);
    return _mm512_set1_epi32(four);
}

/// The integer dot products of one block: `low[t]` over its first 16 columns, `high[t]` over the others, for sixteen
/// rows. Types whose scale covers the whole block put everything into `low`.
CT_INLINE void block_dot(ct_type type, const uint8_t *quants, const uint8_t *high_bits, const ct_q8_view *a, int64_t b,
                         int tokens, __m512i *low, __m512i *high) {
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int t = 0; t < tokens; t++) low[t] = high[t] = _mm512_setzero_si512();
    if (type == CT_Q8_0) {
        for (int g = 0; g < 8; g++) {
            __m512i w = _mm512_loadu_si512(quants + g * 64);
            for (int t = 0; t < tokens; t++) {
                low[t] = _mm512_dpbusd_epi32(low[t], w, load_group(a[t].quants + b * CT_BLOCK + g * 4));
            }
        }
        return;
    }
    const bool five = type == CT_Q5_0 || type == CT_Q5_1 || type == CT_Q5_K;
    const bool six = type == CT_Q6_K;
    __m512i bits = _mm512_setzero_si512(), more_bits = bits;
    if (five || six) bits = _mm512_loadu_si512(high_bits);
    if (six) more_bits = _mm512_loadu_si512(high_bits + 64);
    for (int v = 0; v < 4; v++) {
        __m512i packed = _mm512_loadu_si512(quants + v * 64);
        __m512i w0 = _mm512_and_si512(packed, nibble);
        __m512i w1 = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble);
        if (five) {
            // Bit v of each byte is the fifth bit of group v; bit v + 4 of group v + 4.
            const __m512i fifth = _mm512_set1_epi8(16);
            __m512i shifted = _mm512_srli_epi16(bits, (unsigned)v);
            w0 = _mm512_or_si512(w0, _mm512_and_si512(_mm512_slli_epi16(shifted, 4), fifth));
            w1 = _mm512_or_si512(w1, _mm512_and_si512(shifted, fifth));
        } else if (six) {
            const __m512i top = _mm512_set1_epi8(0x30);
            __m512i first = _mm512_slli_epi16(_mm512_srli_epi16(bits, (unsigned)(2 * v)), 4);
            __m512i second = _mm512_slli_epi16(_mm512_srli_epi16(more_bits, (unsigned)(2 * v)), 4);
            w0 = _mm512_or_si512(w0, _mm512_and_si512(first, top));
            w1 = _mm512_or_si512(w1, _mm512_and_si512(second, top));
        }
        for (int t = 0; t < tokens; t++) {
            const int8_t *x = a[t].quants + b * CT_BLOCK;
            low[t] = _mm512_dpbusd_epi32(low[t], w0, load_group(x + v * 4));
            if (six) {
                high[t] = _mm512_dpbusd_epi32(high[t], w1, load_group(x + 16 + v * 4));
            } else {
                low[t] = _mm512_dpbusd_epi32(low[t], w1, load_group(x + 16 + v * 4));
            }
        }
    }
}

/// sum += (dot − offset · Σa) · (scale · d_a), one rounding for the scale, one for the sum.
CT_INLINE __m512 add_scaled(__m512 sum, __m512i dot, int32_t correction, __m512 scale, float activation_scale) {
    dot = _mm512_sub_epi32(dot, _mm512_set1_epi32(correction));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(scale, _mm512_set1_ps(activation_scale)), sum);
}

/// The sixteen rows of a panel × `tokens` columns.
CT_INLINE void whole_panel(ct_type type, const ct_panel_layout *layout, const uint8_t *panel, int64_t blocks,
                           const ct_q8_view *a, int tokens, __m512 *sums) {
    const bool is_k = type >= CT_Q4_K;
    const int block_bytes = type == CT_Q8_0 ? 512 : 256;
    const int high_bytes = type == CT_Q6_K ? 128 : 64;
    const int32_t offset = ct_offset(type);
    for (int t = 0; t < tokens; t++) sums[t] = _mm512_setzero_ps();
    for (int64_t b = 0; b < blocks; b++) {
        __m512i low[CT_TILE], high[CT_TILE];
        block_dot(type, panel + b * block_bytes, panel + layout->high + b * high_bytes, a, b, tokens, low, high);
        __m512 d, m = _mm512_setzero_ps(), second = m;
        if (is_k) {
            __m512 super = load_halves(panel + layout->super + b / 8 * 32);
            if (type == CT_Q6_K) {
                d = _mm512_mul_ps(super, load_bytes(panel + layout->scales + b * 32, true));
                second = _mm512_mul_ps(super, load_bytes(panel + layout->scales + b * 32 + 16, true));
            } else {
                d = _mm512_mul_ps(super, load_bytes(panel + layout->scales + b * 16, false));
                m = _mm512_mul_ps(load_halves(panel + layout->super_minimum + b / 8 * 32),
                                  load_bytes(panel + layout->minimums + b * 16, false));
            }
        } else {
            d = load_halves(panel + layout->scales + b * 32);
            if (ct_has_minimum(type)) m = load_halves(panel + layout->minimums + b * 32);
        }
        for (int t = 0; t < tokens; t++) {
            float scale = a[t].scales[b];
            if (type == CT_Q6_K) {
                sums[t] = add_scaled(sums[t], low[t], offset * a[t].sums[2 * b], d, scale);
                sums[t] = add_scaled(sums[t], high[t], offset * a[t].sums[2 * b + 1], second, scale);
                continue;
            }
            int32_t correction = offset ? offset * (a[t].sums[2 * b] + a[t].sums[2 * b + 1]) : 0;
            sums[t] = add_scaled(sums[t], low[t], correction, d, scale);
            if (ct_has_minimum(type)) {
                __m512 weighted = _mm512_set1_ps(a[t].weighted[b]);
                sums[t] = is_k ? _mm512_fnmadd_ps(m, weighted, sums[t]) : _mm512_fmadd_ps(m, weighted, sums[t]);
            }
        }
    }
}

/// One tile of tokens against one panel, stored under a mask of the rows that exist.
CT_INLINE void tile(ct_type type, const ct_panel_layout *layout, const uint8_t *panel, const ct_matrix *w, const void *x,
                    int tokens, float *y, int64_t y_stride, __mmask16 rows, bool accumulate) {
    size_t token_bytes = ct_q8_bytes(w->columns);
    ct_q8_view a[CT_TILE];
    __m512 sums[CT_TILE];
    for (int t = 0; t < tokens; t++) a[t] = ct_q8((const char *)x + (size_t)t * token_bytes, w->columns);
    whole_panel(type, layout, panel, ct_blocks(w->columns), a, tokens, sums);
    for (int t = 0; t < tokens; t++) {
        float *target = y + t * y_stride;
        if (accumulate) sums[t] = _mm512_add_ps(_mm512_maskz_loadu_ps(rows, target), sums[t]);
        _mm512_mask_storeu_ps(target, rows, sums[t]);
    }
}

/// All tokens against rows [row_begin, row_end), eight tokens at a time, then four, two and one.
CT_INLINE void matmul_typed(ct_type type, const ct_matrix *w, const void *x, int32_t tokens, float *y, int64_t y_stride,
                            int32_t row_begin, int32_t row_end, bool accumulate) {
    ct_panel_layout layout = ct_layout(type, w->columns);
    size_t token_bytes = ct_q8_bytes(w->columns);
    for (int32_t row = row_begin; row < row_end; row += CT_PANEL_ROWS) {
        const uint8_t *panel = (const uint8_t *)w->data + (size_t)(row / CT_PANEL_ROWS) * layout.stride;
        int32_t left = row_end - row;
        __mmask16 rows = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
        for (int32_t token = 0; token < tokens;) {
            const char *from = (const char *)x + (size_t)token * token_bytes;
            float *to = y + token * y_stride + row;
            int32_t remaining = tokens - token;
            if (remaining >= 8) {
                tile(type, &layout, panel, w, from, 8, to, y_stride, rows, accumulate);
                token += 8;
            } else if (remaining >= 4) {
                tile(type, &layout, panel, w, from, 4, to, y_stride, rows, accumulate);
                token += 4;
            } else if (remaining >= 2) {
                tile(type, &layout, panel, w, from, 2, to, y_stride, rows, accumulate);
                token += 2;
            } else {
                tile(type, &layout, panel, w, from, 1, to, y_stride, rows, accumulate);
                token += 1;
            }
        }
    }
}

#include "matmul_dispatch.h"
