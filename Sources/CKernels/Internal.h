// Declarations shared by the C files; not seen by Swift.
#pragma once

#include "CKernels.h"

/// One tile: `c[8][columns] (+)= a[steps][8] · b[steps][width]`, with `vectors` · 16 or · 8
/// columns.
typedef void (*ck_tile)(long steps, const float *a, const float *b, float *c, long c_stride,
                        long vectors, bool accumulate);

/// The tile of AVX-512: 8 rows by up to 48 columns.
void ck_tile_avx512(long steps, const float *a, const float *b, float *c, long c_stride,
                    long vectors, bool accumulate);
/// The tile of AVX2: 8 rows by up to 24 columns.
void ck_tile_avx2(long steps, const float *a, const float *b, float *c, long c_stride, long vectors,
                  bool accumulate);
/// The tile without special instructions: 8 rows by up to 24 columns.
void ck_tile_portable(long steps, const float *a, const float *b, float *c, long c_stride,
                      long vectors, bool accumulate);

/// Transposes 8 columns by 8 steps of a matrix whose steps are contiguous.
void ck_transpose8_avx2(const void *source, ck_type type, long stride, const float *subtract,
                        float *destination, long width);

// MARK: The loops of Elementwise.h at each level; see CKernels.h for what they do.

void ck_widen_avx2(const void *source, ck_type type, long count, float *destination);
void ck_widen_portable(const void *source, ck_type type, long count, float *destination);
long ck_scan_avx2(const float *products, long count, ck_activation_vectors vectors,
                  int32_t first_latent, int32_t *indices, float *values);
long ck_scan_portable(const float *products, long count, ck_activation_vectors vectors,
                      int32_t first_latent, int32_t *indices, float *values);
void ck_decode_row_avx2(const int32_t *indices, const float *values, long entries,
                        const void *matrix, ck_type type, long width, const float *bias,
                        float *work, float *out);
void ck_decode_row_portable(const int32_t *indices, const float *values, long entries,
                            const void *matrix, ck_type type, long width, const float *bias,
                            float *work, float *out);
void ck_narrow_avx2(const float *source, ck_type type, long count, void *destination);
void ck_narrow_portable(const float *source, ck_type type, long count, void *destination);
void ck_activate_avx2(float *x, const float *up, long count, ck_function function);
void ck_activate_portable(float *x, const float *up, long count, ck_function function);
void ck_add_avx2(float *x, const float *y, long count);
void ck_add_portable(float *x, const float *y, long count);
void ck_soft_cap_avx2(float *x, long count, float cap);
void ck_soft_cap_portable(float *x, long count, float cap);
void ck_layer_norm_avx2(const float *x, const float *weight, const float *bias, long width,
                        float epsilon, float *out);
void ck_layer_norm_portable(const float *x, const float *weight, const float *bias, long width,
                            float epsilon, float *out);
void ck_rms_norm_avx2(const float *x, const float *weight, long width, float epsilon, float *out);
void ck_rms_norm_portable(const float *x, const float *weight, long width, float epsilon,
                          float *out);
double ck_soft_max_avx2(float *scores, long first, long end, long count, float scale, float cap);
double ck_soft_max_portable(float *scores, long first, long end, long count, float scale,
                            float cap);
void ck_scale_avx2(float *x, long count, float factor);
void ck_scale_portable(float *x, long count, float factor);
double ck_log_sum_exp_avx2(const float *x, long count);
double ck_log_sum_exp_portable(const float *x, long count);
double ck_divergence_avx2(const float *clean, double clean_sum, const float *changed,
                          double changed_sum, long count);
double ck_divergence_portable(const float *clean, double clean_sum, const float *changed,
                              double changed_sum, long count);
void ck_row_statistics_avx2(const float *x, const float *y, long count, double sums[4]);
void ck_row_statistics_portable(const float *x, const float *y, long count, double sums[4]);
void ck_panel_dots_avx2(const float *a, const float *b, long steps, double sums[CK_PANEL_ROWS]);
void ck_panel_dots_portable(const float *a, const float *b, long steps, double sums[CK_PANEL_ROWS]);
float ck_largest_product_avx2(const float *x, const float *factors, long count, float start);
float ck_largest_product_portable(const float *x, const float *factors, long count, float start);
void ck_rotate_avx2(float *x, long heads, long head_size, long half, const float *cosines,
                    const float *sines);
void ck_rotate_portable(float *x, long heads, long head_size, long half, const float *cosines,
                        const float *sines);

// MARK: The loops of LinearProbe.h at each level.

float ck_dot_avx2(const float *x, const float *y, long count);
float ck_dot_portable(const float *x, const float *y, long count);
void ck_add_multiple_avx2(float factor, const float *x, long count, float *y);
void ck_add_multiple_portable(float factor, const float *x, long count, float *y);
float ck_sparse_dot_avx2(const int32_t *indices, const float *values, long count, const float *y);
float ck_sparse_dot_portable(const int32_t *indices, const float *values, long count,
                             const float *y);
void ck_add_sparse_multiple_avx2(float factor, const int32_t *indices, const float *values,
                                 long count, float *y);
void ck_add_sparse_multiple_portable(float factor, const int32_t *indices, const float *values,
                                     long count, float *y);
void ck_adamw_step_avx2(ck_adamw settings, long count, float *x, float *gradient, float *first,
                        float *second);
void ck_adamw_step_portable(ck_adamw settings, long count, float *x, float *gradient, float *first,
                            float *second);
