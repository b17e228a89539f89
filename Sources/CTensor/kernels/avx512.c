// AVX-512 F, BW, VL, DQ and VNNI. Gives the same bits as kernels/scalar.c.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "avx2.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)

// clang-format off: the order matters
#include "simd_avx512.h"
#include "simd_float.h"
#include "simd_attention.h"
#include "simd_sampling.h"
#include "avx512_matmul.h"
// clang-format on

#pragma clang attribute pop

const ct_kernels ct_avx512_kernels = {
    .isa = CT_ISA_AVX512,
    .name = "avx512",
    .quantize_q8 = ct_avx2_quantize_q8,
    .matmul_q8 = matmul_q8,
    .matmul_f32 = matmul_f32,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .activate = activate,
    .rope = ct_avx2_rope,
    .swiglu = swiglu,
    .attention = attention,
    .maximum = maximum,
    .exp_weights = exp_weights,
    .collect = collect,
};
#endif
