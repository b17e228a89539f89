// Unpacks and packs quantization units, in GGUF's layout and in ours. GGUF's block formats: ggml's specification of its
// quantized types.
#include "quantized_block.h"

// ---------------------------------------------------------------------------------------------------------------------
// GGUF, simple types: d [m] [32 high bits] then nibbles: element j in the low half of byte j, j + 16 in the high half

static void ct_simple_from_gguf(ct_type type, const uint8_t *block, ct_quantized_block *quantized) {
    quantized->d = ct_load16(block);
    block += 2;
    if (type == CT_Q8_0) {
        for (int j = 0; j < 32; j++) quantized->values[j] = block[j] ^ 0x80;
        return;
    }
    if (ct_has_minimum(type)) {
        quantized->m = ct_load16(block);
        block += 2;
    }
    const uint8_t *high = block;
    bool five = type == CT_Q5_0 || type == CT_Q5_1;
    if (five) block += 4;
    for (int j = 0; j < 32; j++) {
        uint8_t value = j < 16 ? block[j] & 15 : block[j - 16] >> 4;
        if (five) value |= (uint8_t)((high[j / 8] >> (j % 8) & 1) << 4);
        quantized->values[j] = value;
    }
}

static void ct_simple_to_gguf(ct_type type, const ct_quantized_block *quantized, uint8_t *block) {
    ct_store16(block, quantized->d);
    block += 2;
    if (type == CT_Q8_0) {
        for (int j = 0; j < 32; j++) block[j] = quantized->values[j] ^ 0x80;
        return;
    }
    if (ct_has_minimum(type)) {
        ct_store16(block, quantized->m);
        block += 2;
    }
    if (type == CT_Q5_0 || type == CT_Q5_1) {
        memset(block, 0, 4);
        for (int j = 0; j < 32; j++) block[j / 8] |= (uint8_t)((quantized->values[j] >> 4 & 1) << (j % 8));
        block += 4;
    }
    for (int j = 0; j < 16; j++) block[j] = (uint8_t)((quantized->values[j] & 15) | (quantized->values[j + 16] & 15) << 4);
}

// ---------------------------------------------------------------------------------------------------------------------
// GGUF, Q4_K and Q5_K: d, dmin, 8 pairs of 6-bit scale and minimum in 12 bytes, [32 bytes of fifth bits], nibbles.
// Bytes 0–3: low six bits of scales 0–3, and above them the top two bits of scales 4–7; bytes 4–7: the same for
// minimums; bytes 8–11: low nibbles of scales 4–7 below, of minimums 4–7 above.

static void ct_k_from_gguf(ct_type type, const uint8_t *block, ct_quantized_block *quantized) {
    quantized->d = ct_load16(block);
    quantized->m = ct_load16(block + 2);
    const uint8_t *packed = block + 4;
    for (int j = 0; j < 4; j++) {
        quantized->scales[j] = packed[j] & 63;
        quantized->minimums[j] = packed[j + 4] & 63;
        quantized->scales[j + 4] = (uint8_t)((packed[j + 8] & 15) | packed[j] >> 6 << 4);
        quantized->minimums[j + 4] = (uint8_t)(packed[j + 8] >> 4 | packed[j + 4] >> 6 << 4);
    }
    const uint8_t *high = block + 16;
    const uint8_t *nibbles = type == CT_Q5_K ? block + 48 : block + 16;
    for (int j = 0; j < 256; j++) {
        int sub = j / 32, l = j % 32;
        uint8_t byte = nibbles[sub / 2 * 32 + l];
        uint8_t value = sub % 2 ? byte >> 4 : byte & 15;
        if (type == CT_Q5_K) value |= (uint8_t)((high[l] >> sub & 1) << 4);
        quantized->values[j] = value;
    }
}

static void ct_k_to_gguf(ct_type type, const ct_quantized_block *quantized, uint8_t *block) {
    ct_store16(block, quantized->d);
    ct_store16(block + 2, quantized->m);
    uint8_t *packed = block + 4;
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)((quantized->scales[j] & 63) | quantized->scales[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)((quantized->minimums[j] & 63) | quantized->minimums[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((quantized->scales[j + 4] & 15) | (quantized->minimums[j + 4] & 15) << 4);
    }
    uint8_t *high = block + 16;
    uint8_t *nibbles = type == CT_Q5_K ? block + 48 : block + 16;
    memset(high, 0, type == CT_Q5_K ? 160 : 128);
    for (int j = 0; j < 256; j++) {
        int sub = j / 32, l = j % 32;
        nibbles[sub / 2 * 32 + l] |= (uint8_t)((quantized->values[j] & 15) << (sub % 2 * 4));
        if (type == CT_Q5_K) high[l] |= (uint8_t)((quantized->values[j] >> 4 & 1) << sub);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// GGUF, Q6_K: low nibbles [128], high bit pairs [64], 16 signed scales, d. Each half of 128 elements has 64 bytes of
// nibbles and 32 of pairs; element (quarter, l) of a half is nibble (quarter / 2) of byte l + 32 · (quarter % 2).

static void ct_q6_from_gguf(const uint8_t *block, ct_quantized_block *quantized) {
    memcpy(quantized->scales, block + 192, 16);
    quantized->d = ct_load16(block + 208);
    for (int j = 0; j < 256; j++) {
        int half = j / 128, quarter = j % 128 / 32, l = j % 32;
        uint8_t low = block[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
        uint8_t high = block[128 + half * 32 + l] >> (quarter * 2) & 3;
        quantized->values[j] = (uint8_t)(low | high << 4);
    }
}

static void ct_q6_to_gguf(const ct_quantized_block *quantized, uint8_t *block) {
    memset(block, 0, 192);
    memcpy(block + 192, quantized->scales, 16);
    ct_store16(block + 208, quantized->d);
    for (int j = 0; j < 256; j++) {
        int half = j / 128, quarter = j % 128 / 32, l = j % 32;
        block[half * 64 + quarter % 2 * 32 + l] |= (uint8_t)((quantized->values[j] & 15) << (quarter / 2 * 4));
        block[128 + half * 32 + l] |= (uint8_t)((quantized->values[j] >> 4 & 3) << (quarter * 2));
    }
}

void ct_quantized_block_from_gguf(ct_type type, const uint8_t *block, ct_quantized_block *quantized) {
    if (type == CT_Q6_K) {
        ct_q6_from_gguf(block, quantized);
    } else if (type >= CT_Q4_K) {
        ct_k_from_gguf(type, block, quantized);
    } else {
        ct_simple_from_gguf(type, block, quantized);
    }
}

void ct_quantized_block_to_gguf(ct_type type, const ct_quantized_block *quantized, uint8_t *block) {
    if (type == CT_Q6_K) {
        ct_q6_to_gguf(quantized, block);
    } else if (type >= CT_Q4_K) {
        ct_k_to_gguf(type, quantized, block);
    } else {
        ct_simple_to_gguf(type, quantized, block);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Panels

void ct_quantized_block_to_panel(ct_type type, const ct_panel_layout *layout, uint8_t *panel, int32_t lane, int64_t unit,
                                 const ct_quantized_block *quantized) {
    int blocks = ct_unit(type) / CT_BLOCK;
    for (int i = 0; i < blocks; i++) {
        int64_t b = unit * blocks + i;
        const uint8_t *values = quantized->values + i * CT_BLOCK;
        for (int k = 0; k < CT_BLOCK; k++) {
            int group = k / 4, byte = lane * 4 + k % 4;
            if (type == CT_Q8_0) {
                panel[b * 512 + group * 64 + byte] = values[k];
                continue;
            }
            panel[b * 256 + group % 4 * 64 + byte] |= (uint8_t)((values[k] & 15) << (group / 4 * 4));
            if (type == CT_Q6_K) {
                panel[layout->high + (size_t)(b * 128 + group / 4 * 64 + byte)] |= (uint8_t)((values[k] >> 4) << (group % 4 * 2));
            } else if (layout->scales > layout->high) {
                panel[layout->high + (size_t)(b * 64 + byte)] |= (uint8_t)((values[k] >> 4) << group);
            }
        }
        if (type == CT_Q6_K) {
            panel[layout->scales + (size_t)(b * 32 + lane)] = quantized->scales[2 * i];
            panel[layout->scales + (size_t)(b * 32 + 16 + lane)] = quantized->scales[2 * i + 1];
        } else if (type >= CT_Q4_K) {
            panel[layout->scales + (size_t)(b * 16 + lane)] = quantized->scales[i];
            panel[layout->minimums + (size_t)(b * 16 + lane)] = quantized->minimums[i];
        }
    }
    size_t at = (size_t)(unit * 32 + lane * 2);
    ct_store16(panel + (type >= CT_Q4_K ? layout->super : layout->scales) + at, quantized->d);
    if (ct_has_minimum(type)) ct_store16(panel + (type >= CT_Q4_K ? layout->super_minimum : layout->minimums) + at, quantized->m);
}
