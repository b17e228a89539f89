// Large float products, through OpenBLAS, or on Apple's systems through Accelerate (not built or tested yet).
#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif
#include <pthread.h>

#include "ctensor.h"

#if defined(__APPLE__)
typedef __LAPACK_int blasint;

static void ct_blas_use_one_thread(void) { BLASSetThreading(BLAS_THREADING_SINGLE_THREADED); }

const char *ct_blas_core_name(void) { return "Accelerate"; }
#else
static void ct_blas_use_one_thread(void) { openblas_set_num_threads(1); }

const char *ct_blas_core_name(void) { return openblas_get_corename(); }
#endif

void ct_blas_initialize(void) {
    // The engine splits the work itself; a second pool would compete with ours for the same CPUs.
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ct_blas_use_one_thread);
}

void ct_gemm_f32(const float *w, int32_t rows, int32_t columns, const float *x, int64_t x_stride, int32_t tokens,
                 float *y, int64_t y_stride, bool accumulate) {
#if defined(__APPLE__)
    // Unlike OpenBLAS's, this setting applies only to the calling thread.
    ct_blas_use_one_thread();
#endif
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tokens, rows, columns, 1.0f, x, (blasint)x_stride, w, columns,
                accumulate ? 1.0f : 0.0f, y, (blasint)y_stride);
}
