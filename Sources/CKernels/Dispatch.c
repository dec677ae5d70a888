// Picks the loops of a level.
#include "Internal.h"

#if defined(__x86_64__)
/// The outcome of a function at a level.
#define CHOOSE(name, ...) (level > 0 ? name##_avx2(__VA_ARGS__) : name##_portable(__VA_ARGS__))
#else
/// The outcome of a function at the only level.
#define CHOOSE(name, ...) ((void)level, name##_portable(__VA_ARGS__))
#endif

long ck_scan(int level, const float *products, long count, ck_activation_vectors vectors,
             int32_t first_latent, int32_t *indices, float *values) {
    return CHOOSE(ck_scan, products, count, vectors, first_latent, indices, values);
}

void ck_decode_row(int level, const int32_t *indices, const float *values, long entries,
                   const void *matrix, ck_type type, long width, const float *bias, float *work,
                   float *out) {
    CHOOSE(ck_decode_row, indices, values, entries, matrix, type, width, bias, work, out);
}

void ck_widen(int level, const void *source, ck_type type, long count, float *destination) {
    CHOOSE(ck_widen, source, type, count, destination);
}

void ck_narrow(int level, const float *source, ck_type type, long count, void *destination) {
    CHOOSE(ck_narrow, source, type, count, destination);
}

void ck_activate(int level, float *x, const float *up, long count, ck_function function) {
    CHOOSE(ck_activate, x, up, count, function);
}

void ck_add(int level, float *x, const float *y, long count) { CHOOSE(ck_add, x, y, count); }

void ck_soft_cap(int level, float *x, long count, float cap) { CHOOSE(ck_soft_cap, x, count, cap); }

void ck_layer_norm(int level, const float *x, const float *weight, const float *bias, long width,
                   float epsilon, float *out) {
    CHOOSE(ck_layer_norm, x, weight, bias, width, epsilon, out);
}

void ck_rms_norm(int level, const float *x, const float *weight, long width, float epsilon,
                 float *out) {
    CHOOSE(ck_rms_norm, x, weight, width, epsilon, out);
}

double ck_soft_max(int level, float *scores, long first, long end, long count, float scale,
                   float cap) {
    return CHOOSE(ck_soft_max, scores, first, end, count, scale, cap);
}

void ck_scale(int level, float *x, long count, float factor) { CHOOSE(ck_scale, x, count, factor); }

double ck_log_sum_exp(int level, const float *x, long count) {
    return CHOOSE(ck_log_sum_exp, x, count);
}

double ck_divergence(int level, const float *clean, double clean_sum, const float *changed,
                     double changed_sum, long count) {
    return CHOOSE(ck_divergence, clean, clean_sum, changed, changed_sum, count);
}

void ck_row_statistics(int level, const float *x, const float *y, long count, double sums[4]) {
    CHOOSE(ck_row_statistics, x, y, count, sums);
}

void ck_panel_dots(int level, const float *a, const float *b, long steps,
                   double sums[CK_PANEL_ROWS]) {
    CHOOSE(ck_panel_dots, a, b, steps, sums);
}

float ck_largest_product(int level, const float *x, const float *factors, long count, float start) {
    return CHOOSE(ck_largest_product, x, factors, count, start);
}

void ck_rotate(int level, float *x, long heads, long head_size, long half, const float *cosines,
               const float *sines) {
    CHOOSE(ck_rotate, x, heads, head_size, half, cosines, sines);
}

float ck_dot(int level, const float *x, const float *y, long count) {
    return CHOOSE(ck_dot, x, y, count);
}

void ck_add_multiple(int level, float factor, const float *x, long count, float *y) {
    CHOOSE(ck_add_multiple, factor, x, count, y);
}

float ck_sparse_dot(int level, const int32_t *indices, const float *values, long count,
                    const float *y) {
    return CHOOSE(ck_sparse_dot, indices, values, count, y);
}

void ck_add_sparse_multiple(int level, float factor, const int32_t *indices, const float *values,
                            long count, float *y) {
    CHOOSE(ck_add_sparse_multiple, factor, indices, values, count, y);
}

void ck_adamw_step(int level, ck_adamw settings, long count, float *x, float *gradient,
                   float *first, float *second) {
    CHOOSE(ck_adamw_step, settings, count, x, gradient, first, second);
}
