// Softmax attention in sixteen lanes. Included once by each instruction set, after simd_float.h.

/// Scores of up to four query rows against one group of 16 keys, a key in each lane.
CT_INLINE void score_group(const float *const *q, int rows, int32_t head_dim, const float *keys, v16 *sums) {
    for (int r = 0; r < rows; r++) sums[r] = v16_set1(0);
    for (int32_t d = 0; d < head_dim; d++) {
        v16 k = v16_load(keys + d * CT_KEY_GROUP);
        for (int r = 0; r < rows; r++) sums[r] = v16_fma(v16_set1(q[r][d]), k, sums[r]);
    }
}

/// Scores of up to four rows against every key that any of them sees.
CT_INLINE void score_rows(const float *const *q, int rows, int32_t limit, int32_t head_dim, float scale,
                              const ct_kv_span *spans, float *scores, int64_t stride) {
    int32_t position = 0;
    for (int32_t s = 0; position < limit; s++) {
        for (int32_t j = 0; j < spans[s].count && position < limit; j += CT_KEY_GROUP) {
            v16 sums[4];
            score_group(q, rows, head_dim, spans[s].keys + (int64_t)j * head_dim, sums);
            int32_t count = spans[s].count - j < CT_KEY_GROUP ? spans[s].count - j : CT_KEY_GROUP;
            if (count > limit - position) count = limit - position;
            for (int r = 0; r < rows; r++) {
                float group[CT_KEY_GROUP];
                float *target = count == CT_KEY_GROUP ? scores + r * stride + position : group;
                v16_store(target, v16_mul(sums[r], v16_set1(scale)));
                if (count < CT_KEY_GROUP) memcpy(scores + r * stride + position, group, (size_t)count * sizeof(float));
            }
            position += count;
        }
    }
}

/// Turns a row of scores into unnormalized weights; returns one over their sum.
CT_INLINE float softmax_row(float *row, int32_t limit) {
    v16 greatest = v16_set1(row[0]);
    int32_t i = 0;
    for (; i + 16 <= limit; i += 16) greatest = v16_max(v16_load(row + i), greatest);
    float extreme = v16_reduce_max(greatest);
    for (; i < limit; i++) extreme = row[i] > extreme ? row[i] : extreme;
    v16 sum = v16_set1(0);
    for (i = 0; i + 16 <= limit; i += 16) {
        v16 e = v16_exp(v16_sub(v16_load(row + i), v16_set1(extreme)));
        v16_store(row + i, e);
        sum = v16_add(sum, e);
    }
    float lanes[16];
    v16_store(lanes, sum);
    for (; i < limit; i++) {
        row[i] = ct_exp(row[i] - extreme);
        lanes[i % 16] += row[i];
    }
    return 1.0f / ct_reduce16(lanes);
}

/// sums[r] += Σ weights[r][p] · values[p] over positions [begin, end), for 16 dimensions from `d` on.
CT_INLINE void mix_values(const float *weights, int64_t stride, int rows, int32_t begin, int32_t end, int32_t d,
                              int32_t head_dim, const ct_kv_span *spans, v16 *sums) {
    int32_t first = 0;
    for (int32_t s = 0; first < end; first += spans[s].count, s++) {
        int32_t from = begin > first ? begin - first : 0;
        int32_t to = end - first < spans[s].count ? end - first : spans[s].count;
        for (int32_t j = from; j < to; j++) {
            v16 v = v16_load(spans[s].values + (int64_t)j * head_dim + d);
            for (int r = 0; r < rows; r++) sums[r] = v16_fma(v16_set1(weights[r * stride + first + j]), v, sums[r]);
        }
    }
}

/// The dimensions that do not fill 16 lanes, one by one.
CT_INLINE float mix_one(const float *weights, int32_t limit, int32_t d, int32_t head_dim, const ct_kv_span *spans) {
    float sum = 0;
    int32_t position = 0;
    for (int32_t s = 0; position < limit; s++) {
        for (int32_t j = 0; j < spans[s].count && position < limit; j++, position++) {
            sum = fmaf(weights[position], spans[s].values[(int64_t)j * head_dim + d], sum);
        }
    }
    return sum;
}

CT_INLINE void attend_rows(const float *const *q, float *const *out, const int32_t *limits, int rows, int32_t head_dim,
                               float scale, const ct_kv_span *spans, float *scores, int64_t stride) {
    int32_t farthest = limits[0], nearest = limits[0];
    for (int r = 1; r < rows; r++) {
        farthest = limits[r] > farthest ? limits[r] : farthest;
        nearest = limits[r] < nearest ? limits[r] : nearest;
    }
    score_rows(q, rows, farthest, head_dim, scale, spans, scores, stride);
    float inverse[4];
    for (int r = 0; r < rows; r++) inverse[r] = softmax_row(scores + r * stride, limits[r]);
    int32_t d = 0;
    for (; d + 16 <= head_dim; d += 16) {
        v16 sums[4];
        for (int r = 0; r < rows; r++) sums[r] = v16_set1(0);
        mix_values(scores, stride, rows, 0, nearest, d, head_dim, spans, sums);
        for (int r = 0; r < rows; r++) {
            // The keys that this row sees, but the row with the lowest limit does not.
            if (limits[r] > nearest) {
                mix_values(scores + r * stride, stride, 1, nearest, limits[r], d, head_dim, spans, &sums[r]);
            }
            v16_store(out[r] + d, v16_mul(sums[r], v16_set1(inverse[r])));
        }
    }
    for (; d < head_dim; d++) {
        for (int r = 0; r < rows; r++) {
            float sum = mix_one(scores + r * stride, limits[r], d, head_dim, spans);
            out[r][d] = sum * inverse[r];
        }
    }
}

static void attention(const float *const *q_rows, float *const *out_rows, const int32_t *limits, int32_t rows,
                      int32_t head_dim, float scale, const ct_kv_span *spans, int32_t span_count, float *scores,
                      int64_t score_stride) {
    (void)span_count;  // the limits end every loop over the spans
    int32_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        attend_rows(q_rows + r, out_rows + r, limits + r, 4, head_dim, scale, spans, scores, score_stride);
    }
    switch (rows - r) {
        case 3: attend_rows(q_rows + r, out_rows + r, limits + r, 3, head_dim, scale, spans, scores, score_stride); break;
        case 2: attend_rows(q_rows + r, out_rows + r, limits + r, 2, head_dim, scale, spans, scores, score_stride); break;
        case 1: attend_rows(q_rows + r, out_rows + r, limits + r, 1, head_dim, scale, spans, scores, score_stride); break;
        default: break;
    }
}
