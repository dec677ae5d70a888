// The loops that are measurably faster in C than in Swift.
//
// Every function runs on the calling thread and keeps no state. `level` picks the instructions: 0
// portable, 1 AVX2 with FMA and F16C, 2 AVX-512; all levels give the same bits, except where noted,
// because sums run in one fixed order and fused operations are written out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a number of a matrix is stored.
typedef enum { CK_FLOAT32 = 0, CK_BFLOAT16 = 1, CK_FLOAT16 = 2 } ck_type;

/// A matrix in memory. `outer_contiguous` false: element (k, n) lies at `k * stride + n`;
/// true: at `n * stride + k`.
typedef struct {
    const void *data;
    ck_type type;
    bool transposed;
    long stride;
} ck_matrix;

/// The best level of this machine.
int ck_best_level(void);

/// Columns of a packed panel of the right factor at a level.
long ck_panel_width(int level);

/// Rows of a packed panel of the left factor.
#define CK_PANEL_ROWS 8

/// Steps of the inner axis that one slice of the right factor covers.
#define CK_SLICE 256

// MARK: Products (Pack.c, Product.c, Micro*.c)

/// Widens and rearranges `count` columns from `first` and steps `k0 ..< k0 + steps` of a matrix
/// into panels
/// `[panel][step][width]`; missing columns of the last panel become 0. `subtract`, when not null,
/// is indexed by step and subtracted from every column.
void ck_pack(int level, ck_matrix source, long width, long first, long count, long k0, long steps,
             long panel_stride, const float *subtract, float *destination);

/// Floats of scratch that `ck_product` needs for a number of columns.
long ck_product_scratch(int level, long columns);

/// `c[row][column] = Σ_k a[row][k] · b[k][first_column + column]`: chains of CK_SLICE fused
/// multiply-adds in ascending k, added one after the other, so that a result depends on its row and
/// column alone. `packed_rows` is the left factor from `ck_pack` with width CK_PANEL_ROWS and all
/// `inner` steps.
void ck_product(int level, const float *packed_rows, long rows, long inner, ck_matrix b,
                long first_column, long columns, float *c, long c_stride, float *scratch);

/// The part of a product that one packed slice contributes: steps `k0 ..< k0 + steps` of `inner`,
/// all columns. Panels of the slice lie `panel_stride` apart.
void ck_product_slice(int level, const float *packed_rows, long rows, long inner, long k0,
                      long steps, const float *slice, long panel_stride, long columns, float *c,
                      long c_stride, bool accumulate);

// MARK: Encoding (SparseCodes.h, Select.c)

/// What keeps a latent; the same cases as the Swift enumeration.
typedef enum { CK_RELU = 0, CK_TOP_K = 1, CK_JUMP_RELU = 2, CK_GATED = 3 } ck_activation;

/// The vectors of an activation, already moved to the first latent of the piece; unused ones are
/// null.
typedef struct {
    ck_activation kind;
    const float *bias;   // added to the product for the comparison
    const float *second; // rank scale, threshold or magnitude scale
    const float *third;  // magnitude bias
    const float *scale;  // factor on the kept value
    float floor;         // top-k: ranked values must be above it
} ck_activation_vectors;

/// Appends the kept latents of one row piece; returns how many, or -1 - i when the pre-activation
/// of element i is not below infinity. `indices` and `values` need room for `count`.
long ck_scan(int level, const float *products, long count, ck_activation_vectors vectors,
             int32_t first_latent, int32_t *indices, float *values);

/// Keeps the k largest of `count` entries with positive values, ascending latents and lower latents
/// first among equals, in place. Returns how many are kept and sets `smallest` to the k-th value
/// when there are so many. `work` has room for `count`.
long ck_keep_largest(int32_t *indices, float *values, long count, long k, int32_t *work,
                     float *smallest);

// MARK: Rows and elements (Elementwise.h; decoding in SparseCodes.h)

/// `out[i] = Σ_e values[e] · matrix[indices[e]][i] + bias[i]`: chains of 64 fused multiply-adds in
/// the order of entries, added one after the other. `work` has room for `width`.
void ck_decode_row(int level, const int32_t *indices, const float *values, long entries,
                   const void *matrix, ck_type type, long width, const float *bias, float *work,
                   float *out);

/// Widens numbers to float.
void ck_widen(int level, const void *source, ck_type type, long count, float *destination);

/// Rounds floats to a stored type, nearest even.
void ck_narrow(int level, const float *source, ck_type type, long count, void *destination);

/// Activation functions, in the order of the Swift enumeration's cases.
typedef enum { CK_F_RELU = 0, CK_F_GELU = 1, CK_F_GELU_TANH = 2, CK_F_SILU = 3 } ck_function;

/// Applies a function in place; `up`, when not null, multiplies the outcome.
void ck_activate(int level, float *x, const float *up, long count, ck_function function);

/// `x += y`.
void ck_add(int level, float *x, const float *y, long count);

/// `x = cap · tanh(x / cap)`.
void ck_soft_cap(int level, float *x, long count, float cap);

/// Rotates one row of `heads` heads in place: elements i and i + half of each by the angle of entry
/// i.
void ck_rotate(int level, float *x, long heads, long head_size, long half, const float *cosines,
               const float *sines);

/// One row of layer norm.
void ck_layer_norm(int level, const float *x, const float *weight, const float *bias, long width,
                   float epsilon, float *out);

/// One row of root-mean-square norm; `weight` already contains the offset.
void ck_rms_norm(int level, const float *x, const float *weight, long width, float epsilon,
                 float *out);

/// Scales, caps when cap > 0, and turns scores into `exp(score - max)` for elements `first ..<
/// end`; the others of `count` become 0. Returns the sum of the exponentials.
double ck_soft_max(int level, float *scores, long first, long end, long count, float scale,
                   float cap);

/// `x *= factor`.
void ck_scale(int level, float *x, long count, float factor);

/// The logarithm of the sum of exponentials of a row.
double ck_log_sum_exp(int level, const float *x, long count);

/// `Σ p (log p - log q)` of one row pair with the given sums.
double ck_divergence(int level, const float *clean, double clean_sum, const float *changed,
                     double changed_sum, long count);

/// Σ x², Σ y², Σ xy and Σ (x - y)² of a row pair.
void ck_row_statistics(int level, const float *x, const float *y, long count, double sums[4]);

/// `sums[j] += Σ_k a[k][j] · b[k][j]` over packed panels of CK_PANEL_ROWS.
void ck_panel_dots(int level, const float *a, const float *b, long steps,
                   double sums[CK_PANEL_ROWS]);

/// The largest of `x[i] · factors[i]`; at least `start`.
float ck_largest_product(int level, const float *x, const float *factors, long count, float start);

// MARK: Linear probes (LinearProbe.h)

/// `Σ x[i] · y[i]`: 32 chains of fused multiply-adds.
float ck_dot(int level, const float *x, const float *y, long count);

/// `y += factor · x`, fused.
void ck_add_multiple(int level, float factor, const float *x, long count, float *y);

/// `Σ values[i] · y[indices[i]]`: 8 chains of fused multiply-adds.
float ck_sparse_dot(int level, const int32_t *indices, const float *values, long count,
                    const float *y);

/// `y[indices[i]] += factor · values[i]`, fused.
void ck_add_sparse_multiple(int level, float factor, const int32_t *indices, const float *values,
                            long count, float *y);

/// The numbers of one AdamW step, as float.
typedef struct {
    float decay;       // 1 - rate · weight decay
    float first_rest;  // 1 - beta1
    float second;      // beta2
    float second_rest; // 1 - beta2
    float correction;  // √(1 - beta2^step)
    float epsilon;
    float step; // -rate / (1 - beta1^step)
    float l1;   // added to the gradient with the sign of the parameter
} ck_adamw;

/// One AdamW step in the roundings of torch's loop over single tensors; gradients become 0.
void ck_adamw_step(int level, ck_adamw settings, long count, float *x, float *gradient,
                   float *first, float *second);

// MARK: Memory (Memory.c)

/// Makes the allocator keep what is freed of small pieces and give back what is freed of large ones,
/// so that a process holds what it uses. Large temporaries of loops have a store of their own.
void ck_keep_memory(void);

/// Gives pages back to the system that hold nothing but freed memory.
void ck_give_memory_back(void);

/// Asks for large pages for a piece of memory; a wish that the system may ignore.
void ck_use_large_pages(void *start, long bytes);

/// Seconds of processor time that the calling thread has used.
double ck_thread_seconds(void);

// MARK: Measuring (Peak.c)

/// Runs independent chains of fused multiply-adds; returns the number of floating point operations
/// done.
double ck_peak_work(int level, long rounds);

// MARK: Kernels for GPUs (CUDASources.c)

/// The source of all kernels as one program, and its length in bytes; no zero ends it.
const unsigned char *ck_cuda_source(size_t *count);

/// Their portable form as make_ptx.py wrote it, and its length in bytes; no zero ends it.
const unsigned char *ck_cuda_portable(size_t *count);
