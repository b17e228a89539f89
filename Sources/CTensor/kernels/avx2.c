// AVX2, FMA and F16C. Gives the same bits as kernels/scalar.c.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// clang-format off: the order matters
#include "simd_avx2.h"
#include "simd_float.h"
#include "simd_attention.h"
#include "simd_sampling.h"
#include "avx2_matmul.h"
#include "avx2_quantize.h"
// clang-format on

#pragma clang attribute pop

const ct_kernels ct_avx2_kernels = {
    .isa = CT_ISA_AVX2,
    .name = "avx2",
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
