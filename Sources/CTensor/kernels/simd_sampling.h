// The operations over the whole vocabulary that choosing a token needs. Included once by each instruction set, after
// its simd_*.h.

static float maximum(const float *x, int64_t n) {
    float greatest = x[0], positive = 0;
    int64_t i = 0;
    if (n >= 16) {
        // The sum of positive parts detects NaN: v16_max returns its second operand then, but a sum stays NaN. Nothing
        // else makes the sum NaN, since infinities of the same sign have a sum.
        v16 most = v16_load(x), sum = v16_set1(0);
        for (; i + 16 <= n; i += 16) {
            v16 v = v16_load(x + i);
            most = v16_max(v, most);
            sum = v16_add(sum, v16_max(v16_set1(0), v));
        }
        positive = v16_reduce(sum);
        greatest = v16_reduce_max(most);
    }
    for (; i < n; i++) {
        if (x[i] != x[i]) return NAN;
        greatest = x[i] > greatest ? x[i] : greatest;
    }
    return positive != positive ? NAN : greatest + 0.0f;
}

/// ct_exp_weight on every lane.
CT_INLINE vd vd_exp_weight(vd distance, double scale) {
    vd exponent = vd_mul(distance, vd_set1(-scale));
    vd shifted = vd_add(vd_mul(exponent, vd_set1(CT_LOG2E_D)), vd_set1(CT_ROUNDING));
    vd n = vd_sub(shifted, vd_set1(CT_ROUNDING));
    vd r = vd_fma(n, vd_set1(-CT_LN2_HIGH_D), exponent);
    r = vd_fma(n, vd_set1(-CT_LN2_LOW_D), r);
    vd p = vd_set1(ct_expd_coefficients[0]);
    for (int i = 1; i < CT_EXPD_TERMS; i++) p = vd_fma(p, r, vd_set1(ct_expd_coefficients[i]));
    p = vd_fma(p, r, vd_set1(1.0));
    p = vd_fma(p, r, vd_set1(1.0));
    return vd_zero_below(exponent, vd_scale(p, shifted), CT_EXPD_LOW);
}

static void exp_weights(const float *x, int64_t n, float maximum, double scale, double *out) {
    int64_t i = 0;
    for (; i + VD_LANES <= n; i += VD_LANES) vd_store(out + i, vd_exp_weight(vd_distance(x + i, maximum), scale));
    for (; i < n; i++) out[i] = ct_exp_weight(x[i], maximum, scale);
}

static int64_t collect(const float *x, int64_t n, float maximum, float low, float high, int32_t *out) {
    int64_t count = 0, i = 0;
    for (; i + 16 <= n; i += 16) {
        uint32_t inside = v16_between(v16_sub(v16_set1(maximum), v16_load(x + i)), low, high);
        for (; inside; inside &= inside - 1) out[count++] = (int32_t)(i + __builtin_ctz(inside));
    }
    for (; i < n; i++) {
        float distance = maximum - x[i];
        if (low <= distance && distance < high) out[count++] = (int32_t)i;
    }
    return count;
}
