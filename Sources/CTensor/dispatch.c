// Which kernels this processor can run.
#include "internal.h"

size_t ct_q8_bytes(int64_t columns) { return ct_q8_sums(columns) + ct_align((size_t)ct_blocks(columns) * 8); }

void ct_store_key(float *keys, int32_t head_dim, int32_t slot, const float *key) {
    float *group = keys + (int64_t)(slot / CT_KEY_GROUP) * head_dim * CT_KEY_GROUP;
    for (int32_t d = 0; d < head_dim; d++) group[d * CT_KEY_GROUP + slot % CT_KEY_GROUP] = key[d];
}

const ct_kernels *ct_kernels_for(ct_isa isa) {
    switch (isa) {
        case CT_ISA_SCALAR: return &ct_scalar_kernels;
#if defined(__x86_64__)
        case CT_ISA_AVX2:
            if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
                return &ct_avx2_kernels;
            }
            return NULL;
        case CT_ISA_AVX512:
            if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vnni") && ct_kernels_for(CT_ISA_AVX2)) {
                return &ct_avx512_kernels;
            }
            return NULL;
#endif
        default: return NULL;
    }
}

bool ct_isa_supported(ct_isa isa) { return ct_kernels_for(isa) != NULL; }

ct_isa ct_isa_best(void) {
    for (int isa = CT_ISA_COUNT - 1; isa > CT_ISA_SCALAR; isa--) {
        if (ct_isa_supported((ct_isa)isa)) return (ct_isa)isa;
    }
    return CT_ISA_SCALAR;
}
