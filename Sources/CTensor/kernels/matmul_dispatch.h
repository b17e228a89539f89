// A switch over types, which passes them as constants to get specialized code. Included after matmul_typed.

static void matmul_q8(const ct_matrix *w, const void *x, int32_t tokens, float *y, int64_t y_stride, int32_t row_begin,
                      int32_t row_end, bool accumulate) {
#define CT_CASE(TYPE) \
    case TYPE: matmul_typed(TYPE, w, x, tokens, y, y_stride, row_begin, row_end, accumulate); break;
    switch (w->type) {
        CT_CASE(CT_Q8_0)
        CT_CASE(CT_Q4_0)
        CT_CASE(CT_Q4_1)
        CT_CASE(CT_Q5_0)
        CT_CASE(CT_Q5_1)
        CT_CASE(CT_Q4_K)
        CT_CASE(CT_Q5_K)
        CT_CASE(CT_Q6_K)
        default: break;
    }
#undef CT_CASE
}
