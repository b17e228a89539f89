// CTensor: the C floor of EMLLM: packed weights, SIMD kernels, threads, BLAS.
//
// Contract for every function here: pointers are valid and correctly sized because Swift has checked them against the
// file or buffer they came from. Nothing here allocates (except pools), reads files, prints or aborts.
//
// Dimension letters:  N tokens in the batch   K columns of a weight (inputs)   M rows of a weight (outputs)
//                     D head dimension        S keys visible to a query        B = K / 32 quantization blocks per row
//
// Bits: every kernel gives the same bits on every ISA, for any number of threads and any batch, because
//   * integer sums are exact;
//   * a quantized product accumulates its blocks in ascending order into one float with fused multiply-adds;
//   * a float reduction over K uses 16 partial sums (element i goes to lane i % 16), then the fixed tree of
//     ct_reduce16: (l, l+8), then (l, l+4), (l, l+2), (l, l+1);
//   * exp, silu and softmax use one polynomial, evaluated with the same fused operations everywhere.
// The exception is ct_gemm_f32, which hands large float products to OpenBLAS, or to Accelerate on Apple's systems.
#ifndef CTENSOR_H
#define CTENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Element types

/// Storage types of weights. The numbers are written into `.emllm` files: never renumber, only append.
typedef enum ct_type {
    CT_F32 = 0,
    CT_F16 = 1,
    CT_BF16 = 2,
    CT_Q8_0 = 3,
    CT_Q4_0 = 4,
    CT_Q4_1 = 5,
    CT_Q5_0 = 6,
    CT_Q5_1 = 7,
    CT_Q4_K = 8,
    CT_Q5_K = 9,
    CT_Q6_K = 10,
} ct_type;
#define CT_TYPE_COUNT 11

/// The number of rows that a packed quantized weight interleaves; the last panel is padded with zero rows.
#define CT_PANEL_ROWS 16
/// Columns in a quantization block; K-quants group eight of them into a super-block of 256.
#define CT_BLOCK 32
/// Keys interleaved in one group of the key cache.
#define CT_KEY_GROUP 16
/// Alignment of packed weights, activations and cache pages, in bytes.
#define CT_ALIGNMENT 64

/// The number that columns must be a multiple of (1, 32 or 256); 0 for an unknown type.
int32_t ct_type_block_columns(ct_type type);
/// Bytes of one row of `columns` elements in GGUF's row-major block layout; 0 when type or columns are invalid.
size_t ct_type_row_bytes(ct_type type, int64_t columns);
/// Bytes of a packed matrix (see weights-format.md); 0 when invalid or when the size overflows.
size_t ct_packed_bytes(ct_type type, int64_t rows, int64_t columns);

/// Repacks rows [row_begin, row_end) from GGUF's block layout (all rows of `source`, row-major) into `packed`.
/// `row_begin` is a multiple of CT_PANEL_ROWS; `row_end` likewise or `rows`. Lossless. Float types are copied.
void ct_pack(ct_type type, int64_t rows, int64_t columns, const void *source, void *packed, int64_t row_begin,
             int64_t row_end);
/// The inverse of `ct_pack` for one row: GGUF blocks, bit for bit.
void ct_unpack_row(ct_type type, int64_t rows, int64_t columns, const void *packed, int64_t row, void *blocks);
/// One row of a packed matrix as floats. out: [K]
void ct_dequantize_row(ct_type type, int64_t rows, int64_t columns, const void *packed, int64_t row, float *out);
/// Quantizes one row of floats into GGUF blocks, with ggml's reference rounding for each format.
/// Returns false for types this build can read but not write (the K-quants).
bool ct_quantize_row(ct_type type, const float *source, int64_t columns, void *blocks);

// ---------------------------------------------------------------------------------------------------------------------
// Instruction sets

typedef enum ct_isa { CT_ISA_SCALAR = 0, CT_ISA_AVX2 = 1, CT_ISA_AVX512 = 2 } ct_isa;
#define CT_ISA_COUNT 3

/// A weight matrix as the kernels see it: y[M] = W[M, K] · x[K].
typedef struct ct_matrix {
    ct_type type;
    int32_t rows;      // M
    int32_t columns;   // K
    const void *data;  // packed, CT_ALIGNMENT-aligned
} ct_matrix;

/// A run of consecutive cached positions for one layer and one key/value head.
typedef struct ct_kv_span {
    const float *keys;    // [ceil(count / 16), D, 16]: 16 keys side by side, so that a score needs no horizontal sum
    const float *values;  // [count, D]
    int32_t count;
} ct_kv_span;

/// Rotary embedding: which elements form a pair.
typedef enum ct_rope_layout {
    CT_ROPE_INTERLEAVED = 0,  // (0,1) (2,3) …   GGUF's Llama files, the original Llama
    CT_ROPE_HALF = 1,         // (0,R/2) (1,R/2+1) …   Hugging Face checkpoints
} ct_rope_layout;

/// Activations of feed-forward layers. (Hendrycks & Gimpel 2016, arXiv 1606.08415)
typedef enum ct_activation {
    CT_GELU = 0,        // x · Φ(x), Φ the normal distribution
    CT_GELU_TANH = 1,   // x · sigmoid(2 √(2/π) (x + 0.044715 x³)), the approximation with tanh
    CT_GELU_QUICK = 2,  // x · sigmoid(1.702 x)
    CT_SILU = 3,        // x · sigmoid(x)
} ct_activation;

/// One instruction set's kernels. A call works on the caller's share; the caller splits the work.
typedef struct ct_kernels {
    ct_isa isa;
    const char *name;  // "scalar", "avx2", "avx512"

    /// Quantizes one token's activations to 8 bits in blocks of 32. x: [K], K a multiple of 32; out: ct_q8_bytes(K).
    /// Per block: d = max|x| / 127, q = round-to-nearest-even(x / d); sums of q are stored for weights with an offset.
    void (*quantize_q8)(const float *x, int64_t columns, void *out);

    /// y[n, row] (+)= Σ_k W[row, k] · x[n, k] for rows [row_begin, row_end), all n. Quantized weights × q8 activations.
    /// x: [N] tokens, ct_q8_bytes(K) apart. y: [N, y_stride]. row_begin is a multiple of CT_PANEL_ROWS.
    /// `accumulate` adds to y (a residual) instead of overwriting it.
    void (*matmul_q8)(const ct_matrix *w, const void *x, int32_t tokens, float *y, int64_t y_stride, int32_t row_begin,
                      int32_t row_end, bool accumulate);

    /// The same with float activations and any weight type. x: [N, x_stride].
    /// Weights are widened exactly; quantized ones are dequantized to float first (d·q + m, one rounding each).
    void (*matmul_f32)(const ct_matrix *w, const float *x, int64_t x_stride, int32_t tokens, float *y,
                       int64_t y_stride, int32_t row_begin, int32_t row_end, bool accumulate);

    /// out = x / sqrt(mean(x²) + epsilon) · weight. All [n]. (Zhang & Sennrich 2019, arXiv 1910.07467)
    void (*rms_norm)(const float *x, const float *weight, int64_t n, float epsilon, float *out);

    /// out = (x - mean(x)) / sqrt(variance(x) + epsilon) · weight + bias. All [n]. (Ba et al. 2016, arXiv 1607.06450)
    void (*layer_norm)(const float *x, const float *weight, const float *bias, int64_t n, float epsilon, float *out);

    /// out = f(x + bias). All [n]; `bias` may be NULL, out may alias x.
    void (*activate)(ct_activation f, const float *x, const float *bias, int64_t n, float *out);

    /// Rotates `heads` heads in place. x: [heads, head_dim]; cosine, sine: [rotary / 2]. (Su et al., arXiv 2104.09864)
    void (*rope)(float *x, int32_t heads, int32_t head_dim, int32_t rotary, ct_rope_layout layout, const float *cosine,
                 const float *sine);

    /// out = gate · sigmoid(gate) · up. All [n]; out may alias gate. (Shazeer 2020, arXiv 2002.05202)
    void (*swiglu)(const float *gate, const float *up, int64_t n, float *out);

    /// Softmax attention of R query rows (tokens × the heads that share one key/value head) over one list of spans.
    /// row r sees the first limits[r] keys of the concatenated spans (limits[r] >= 1).
    /// q: R rows, [D] each, q_rows[r]; out: out_rows[r], [D]; scores: scratch, [R, score_stride],
    /// score_stride >= the largest limit rounded up to a multiple of 16.
    void (*attention)(const float *const *q_rows, float *const *out_rows, const int32_t *limits, int32_t rows,
                      int32_t head_dim, float scale, const ct_kv_span *spans, int32_t span_count, float *scores,
                      int64_t score_stride);

    /// The maximum of x: [n], n >= 1; NaN if any of them is NaN, and never -0, so that distances from it never have the
    /// sign bit set.
    float (*maximum)(const float *x, int64_t n);

    /// out = exp((x - maximum) · scale) in double precision, within two units in the last place; 0 where the exponent
    /// is below -708. All [n]; no x exceeds the maximum. The difference is rounded to a float.
    void (*exp_weights)(const float *x, int64_t n, float maximum, double scale, double *out);

    /// The indices i with low <= maximum - x[i] < high, ascending; returns how many. out: must have room for all of
    /// them.
    int64_t (*collect)(const float *x, int64_t n, float maximum, float low, float high, int32_t *out);
} ct_kernels;

/// Whether this CPU (and this build) can run `isa`.
bool ct_isa_supported(ct_isa isa);
/// The fastest supported instruction set.
ct_isa ct_isa_best(void);
/// The kernels of `isa`, or NULL when it is not supported here.
const ct_kernels *ct_kernels_for(ct_isa isa);

/// Bytes of one token's quantized activations (a multiple of CT_ALIGNMENT).
size_t ct_q8_bytes(int64_t columns);

/// Stores one key into a span's interleaved layout. keys: [.., D, 16]; slot: its index in the span; key: [D].
void ct_store_key(float *keys, int32_t head_dim, int32_t slot, const float *key);

// ---------------------------------------------------------------------------------------------------------------------
// Sampling

/// Tokens whose logits are about equally far below the greatest logit.
typedef struct ct_mass_bucket {
    double mass;    // the sum of their weights, exp((x - maximum) · scale)
    int64_t count;  // how many have a weight above 0
} ct_mass_bucket;
#define CT_MASS_BUCKETS 1024

/// The least distance, maximum - x, of a bucket. Buckets are parts of a binade: 64 from each power of two to the next,
/// from 2^-10 to 2^6. The first begins at 0; for `CT_MASS_BUCKETS`, this is the end of the last one, infinity.
float ct_mass_bucket_start(int32_t bucket);
/// Sorts weights into buckets: [CT_MASS_BUCKETS], ascending by distance. Weights of one bucket are added in the order of x.
void ct_mass_histogram(const ct_kernels *kernels, const float *x, int64_t n, float maximum, double scale,
                       ct_mass_bucket *buckets);
/// Σ exp((x - maximum) · scale): eight partial sums, element i in sum i % 8, then the tree (l, l+4), (l, l+2), (l, l+1).
double ct_exp_sum(const ct_kernels *kernels, const float *x, int64_t n, float maximum, double scale);

// ---------------------------------------------------------------------------------------------------------------------
// BLAS

/// y[N, M'] (+)= x[N, K] · W[M', K]ᵀ through cblas_sgemm, on the calling thread only. Row-major.
void ct_gemm_f32(const float *w, int32_t rows, int32_t columns, const float *x, int64_t x_stride, int32_t tokens,
                 float *y, int64_t y_stride, bool accumulate);
/// Must be called once before the first ct_gemm_f32: restricts the BLAS to the calling thread.
void ct_blas_initialize(void);
/// The core type OpenBLAS chose, e.g. "Zen" ("OPENBLAS_CORETYPE" overrides it); "Accelerate" on Apple's systems.
const char *ct_blas_core_name(void);

// ---------------------------------------------------------------------------------------------------------------------
// Threads

/// A fixed set of worker threads; the caller of `ct_pool_run` is worker 0.
typedef struct ct_pool ct_pool;
typedef void (*ct_pool_function)(void *context, int32_t worker, int32_t workers);

/// The number of CPUs this process may run on (its affinity mask), at least 1.
int32_t ct_cpu_count(void);
/// A pool of `threads` workers (>= 1), or NULL when the threads cannot be created.
ct_pool *ct_pool_create(int32_t threads);
void ct_pool_destroy(ct_pool *pool);
int32_t ct_pool_threads(const ct_pool *pool);
/// Runs `function` once on every worker and returns when all have finished. One run at a time.
void ct_pool_run(ct_pool *pool, ct_pool_function function, void *context);
/// Inside a run: waits until every worker has called it. Spins for a bounded time, then sleeps.
void ct_pool_barrier(ct_pool *pool);

// ---------------------------------------------------------------------------------------------------------------------
// Measurement

/// Reads `bytes` of memory (a multiple of 128) once with the loads of `isa` and returns a checksum (to measure read bandwidth).
uint64_t ct_read_memory(ct_isa isa, const void *data, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
