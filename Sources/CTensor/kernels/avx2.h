// Kernels of AVX2 that AVX-512 uses as they are: they are never what a forward pass waits for.
#ifndef CT_AVX2_H
#define CT_AVX2_H

#include "../canonical.h"
#include "../quantized_block.h"

void ct_avx2_quantize_q8(const float *x, int64_t columns, void *out);
void ct_avx2_rope(float *x, int32_t heads, int32_t head_dim, int32_t rotary, ct_rope_layout layout, const float *cosine,
                  const float *sine);

#endif
