// One quantization unit (a block of 32, or a super-block of 256) unpacked into plain integers, from either layout.
#ifndef CT_QUANTIZED_BLOCK_H
#define CT_QUANTIZED_BLOCK_H

#include "internal.h"

typedef struct ct_quantized_block {
    uint8_t values[256];   // unsigned integers, as stored
    uint8_t scales[16];    // K-quants: per 32 (Q4_K, Q5_K) or per 16 (Q6_K, two's complement)
    uint8_t minimums[8];   // Q4_K, Q5_K
    uint16_t d;            // fp16
    uint16_t m;            // fp16: m, or dmin
} ct_quantized_block;

/// The number of elements in a unit.
static inline int32_t ct_unit(ct_type type) { return type >= CT_Q4_K ? 256 : 32; }

/// The size of a unit in GGUF's layout, in bytes.
static inline size_t ct_unit_bytes(ct_type type) {
    switch (type) {
        case CT_Q8_0: return 34;
        case CT_Q4_0: return 18;
        case CT_Q4_1: return 20;
        case CT_Q5_0: return 22;
        case CT_Q5_1: return 24;
        case CT_Q4_K: return 144;
        case CT_Q5_K: return 176;
        case CT_Q6_K: return 210;
        default: return 0;
    }
}

static inline bool ct_has_minimum(ct_type type) {
    return type == CT_Q4_1 || type == CT_Q5_1 || type == CT_Q4_K || type == CT_Q5_K;
}

void ct_quantized_block_from_gguf(ct_type type, const uint8_t *block, ct_quantized_block *quantized);
void ct_quantized_block_to_gguf(ct_type type, const ct_quantized_block *quantized, uint8_t *block);
void ct_quantized_block_to_panel(ct_type type, const ct_panel_layout *layout, uint8_t *panel, int32_t lane, int64_t unit,
                                 const ct_quantized_block *quantized);
/// `count` dequantized elements of a row from column `begin` on; both must be whole units, except for float types.
void ct_dequantize_piece(const ct_matrix *w, int64_t row, int64_t begin, int64_t count, float *out);

static inline uint16_t ct_load16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static inline void ct_store16(uint8_t *p, uint16_t value) {
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

/// Unpacks unit `unit` of row `lane` of a panel. Element k of a block belongs to group k / 4; a group vector of 64
/// bytes holds four elements of each row. Inlined, so that a caller with a constant type runs only the code of that
/// type.
static inline __attribute__((always_inline)) void ct_quantized_block_from_panel(ct_type type, const ct_panel_layout *layout,
                                                                                const uint8_t *panel, int32_t lane,
                                                                                int64_t unit,
                                                                                ct_quantized_block *quantized) {
    int blocks = ct_unit(type) / CT_BLOCK;
    for (int i = 0; i < blocks; i++) {
        int64_t b = unit * blocks + i;
        uint8_t *values = quantized->values + i * CT_BLOCK;
        // Four elements of a row are adjacent: whole words, which are unpacked in parallel.
        for (int group = 0; group < 8; group++) {
            uint32_t word, high;
            if (type == CT_Q8_0) {
                memcpy(&word, panel + b * 512 + group * 64 + lane * 4, 4);
            } else {
                memcpy(&word, panel + b * 256 + group % 4 * 64 + lane * 4, 4);
                word = word >> (group / 4 * 4) & 0x0f0f0f0f;
            }
            if (type == CT_Q6_K) {
                memcpy(&high, panel + layout->high + (size_t)(b * 128 + group / 4 * 64 + lane * 4), 4);
                word |= (high >> (group % 4 * 2) & 0x03030303) << 4;
            } else if (type == CT_Q5_0 || type == CT_Q5_1 || type == CT_Q5_K) {
                memcpy(&high, panel + layout->high + (size_t)(b * 64 + lane * 4), 4);
                word |= (high >> group & 0x01010101) << 4;
            }
            memcpy(values + group * 4, &word, 4);
        }
        if (type == CT_Q6_K) {
            quantized->scales[2 * i] = panel[layout->scales + (size_t)(b * 32 + lane)];
            quantized->scales[2 * i + 1] = panel[layout->scales + (size_t)(b * 32 + 16 + lane)];
        } else if (type >= CT_Q4_K) {
            quantized->scales[i] = panel[layout->scales + (size_t)(b * 16 + lane)];
            quantized->minimums[i] = panel[layout->minimums + (size_t)(b * 16 + lane)];
        }
    }
    size_t at = (size_t)(unit * 32 + lane * 2);
    quantized->d = ct_load16(panel + (type >= CT_Q4_K ? layout->super : layout->scales) + at);
    if (ct_has_minimum(type)) quantized->m = ct_load16(panel + (type >= CT_Q4_K ? layout->super_minimum : layout->minimums) + at);
}

#endif
