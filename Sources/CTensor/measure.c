// Reads memory as fast as the loads allow, to measure the bandwidth that a product could reach.
#include "internal.h"

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t ct_read_avx2(const uint8_t *data, size_t bytes) {
    __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i + 128 <= bytes; i += 128) {
        for (int j = 0; j < 4; j++) {
            sums[j] = _mm256_add_epi64(sums[j], _mm256_loadu_si256((const __m256i *)(data + i + (size_t)j * 32)));
        }
    }
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes,
                        _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3])));
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}
#endif

uint64_t ct_read_memory(ct_isa isa, const void *data, size_t bytes) {
    const uint8_t *at = data;
#if defined(__x86_64__)
    if (isa != CT_ISA_SCALAR) return ct_read_avx2(at, bytes);
#else
    (void)isa;
#endif
    uint64_t sums[4] = {0, 0, 0, 0};
    for (size_t i = 0; i + 32 <= bytes; i += 32) {
        uint64_t words[4];
        memcpy(words, at + i, sizeof words);
        for (int j = 0; j < 4; j++) sums[j] += words[j];
    }
    return sums[0] + sums[1] + sums[2] + sums[3];
}
