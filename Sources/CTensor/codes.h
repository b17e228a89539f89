// One quantization unit (a block of 32, or a super-block of 256) taken apart into plain integers, in either layout.
#ifndef CT_CODES_H
#define CT_CODES_H

#include "internal.h"

typedef struct ct_codes {
    uint8_t values[256];   // unsigned integers, as stored
    uint8_t scales[16];    // K-quants: per 32 (Q4_K, Q5_K) or per 16 (Q6_K, two's complement)
    uint8_t minimums[8];   // Q4_K, Q5_K
    uint16_t d;            // fp16
    uint16_t m;            // fp16: m, or dmin
} ct_codes;

/// Elements in a unit.
static inline int32_t ct_unit(ct_type type) { return type >= CT_Q4_K ? 256 : 32; }

/// Bytes of a unit in GGUF's layout.
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

void ct_codes_from_gguf(ct_type type, const uint8_t *block, ct_codes *codes);
void ct_codes_to_gguf(ct_type type, const ct_codes *codes, uint8_t *block);
/// `strip`: the strip's first byte; `lane`: the row within it; `unit`: which unit of the row.
void ct_codes_from_strip(ct_type type, const ct_strip_layout *layout, const uint8_t *strip, int32_t lane, int64_t unit,
                         ct_codes *codes);
void ct_codes_to_strip(ct_type type, const ct_strip_layout *layout, uint8_t *strip, int32_t lane, int64_t unit,
                       const ct_codes *codes);
/// `count` dequantized elements of a row from column `begin` on; both whole units, or anything for float types.
void ct_dequantize_piece(const ct_matrix *w, int64_t row, int64_t begin, int64_t count, float *out);

#endif
