// AVX2 kernels that AVX-512 uses unchanged, since they are never the bottleneck of a forward pass.
#ifndef CT_AVX2_H
#define CT_AVX2_H

#include "../canonical.h"
#include "../quantized_block.h"

void ct_avx2_quantize_q8(const float *x, int64_t columns, void *out);
void ct_avx2_rope(float *x, int32_t heads, int32_t head_dim, int32_t rotary, ct_rope_layout layout, const float *cosine,
                  const float *sine);

#endif
