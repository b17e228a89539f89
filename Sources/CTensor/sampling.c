// Sums over a vocabulary's weights. The weights come from the kernels; the order of the sums is fixed here.
#pragma STDC FP_CONTRACT OFF
#include <math.h>

#include "internal.h"

enum {
    piece = 512,           // weights at a time, so that they stay in the L1 cache
    dropped_bits = 17,     // of a distance as a float; six bits of the mantissa are left
    first_binade = 127 - 10,
};

/// Distances are not negative, so their bit patterns have the same order as their values.
static inline int32_t bucket_of(float distance) {
    uint32_t bits;
    memcpy(&bits, &distance, sizeof bits);
    int32_t bucket = (int32_t)(bits >> dropped_bits) - (first_binade << (23 - dropped_bits));
    bucket = bucket < 0 ? 0 : bucket;
    return bucket >= CT_MASS_BUCKETS ? CT_MASS_BUCKETS - 1 : bucket;
}

float ct_mass_bucket_start(int32_t bucket) {
    if (bucket <= 0) return 0;
    if (bucket >= CT_MASS_BUCKETS) return INFINITY;
    uint32_t bits = (uint32_t)(bucket + (first_binade << (23 - dropped_bits))) << dropped_bits;
    float start;
    memcpy(&start, &bits, sizeof start);
    return start;
}

void ct_mass_histogram(const ct_kernels *kernels, const float *x, int64_t n, float maximum, double scale,
                       ct_mass_bucket *buckets) {
    memset(buckets, 0, CT_MASS_BUCKETS * sizeof *buckets);
    double weights[piece];
    for (int64_t begin = 0; begin < n; begin += piece) {
        int64_t count = n - begin < piece ? n - begin : piece;
        kernels->exp_weights(x + begin, count, maximum, scale, weights);
        for (int64_t i = 0; i < count; i++) {
            if (!(weights[i] > 0)) continue;
            ct_mass_bucket *bucket = buckets + bucket_of(maximum - x[begin + i]);
            bucket->mass += weights[i];
            bucket->count++;
        }
    }
}

double ct_exp_sum(const ct_kernels *kernels, const float *x, int64_t n, float maximum, double scale) {
    double sums[8] = {0}, weights[piece];
    for (int64_t begin = 0; begin < n; begin += piece) {
        int64_t count = n - begin < piece ? n - begin : piece, i = 0;
        kernels->exp_weights(x + begin, count, maximum, scale, weights);
        for (; i + 8 <= count; i += 8) {
            for (int lane = 0; lane < 8; lane++) sums[lane] += weights[i + lane];
        }
        for (; i < count; i++) sums[i % 8] += weights[i];
    }
    for (int width = 4; width >= 1; width /= 2) {
        for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
    }
    return sums[0];
}
