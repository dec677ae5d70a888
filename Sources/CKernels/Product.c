// The product of a packed left factor and a matrix of any stored type.
//
// Versions, 1024 x 2304 x 16384 on one core of Sapphire Rapids. The bound is 176 GFLOP/s, measured
// with independent fused multiply-adds; a busy neighbour moves everything by a tenth.
//
//     OpenBLAS 0.3.21 as Debian ships it    31 GFLOP/s  takes the processor for an SSE3 one
//     the same, told to use its AVX-512     155-160     121-139 with 256 rows; other bits in others
//     slices of 128, 192, 384 steps         125, 140, 140, where 256 steps give 142-151
//     sums loaded before the loop           130-142     stalls on rows that lie far apart
//     sums added after it, prefetched       142-157     81-89 % of the bound; kept
//
// With 256 rows 123-156 GFLOP/s: packing the right factor takes 0.3 to 0.6 ns a number and is
// spread over fewer rows.
#include "Internal.h"

#include <math.h>
#include <string.h>

int ck_best_level(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c")) {
        return __builtin_cpu_supports("avx512f") ? 2 : 1;
    }
#endif
    return 0;
}

long ck_panel_width(int level) { return level == 2 ? 48 : 24; }

void ck_tile_portable(long steps, const float *a, const float *b, float *c, long c_stride,
                      long vectors, bool accumulate) {
    for (long row = 0; row < CK_PANEL_ROWS; row++) {
        for (long column = 0; column < vectors * 8; column++) {
            float sum = 0;
            for (long k = 0; k < steps; k++)
                sum = fmaf(a[k * 8 + row], b[k * 24 + column], sum);
            c[row * c_stride + column] = accumulate ? c[row * c_stride + column] + sum : sum;
        }
    }
}

/// The tile of a level.
static ck_tile tile_of(int level) {
#if defined(__x86_64__)
    if (level == 2)
        return ck_tile_avx512;
    if (level == 1)
        return ck_tile_avx2;
#endif
    return ck_tile_portable;
}

/// A tile at the lower or right edge: through a full tile beside it.
static void edge_tile(ck_tile tile, long steps, const float *a, const float *b, float *c,
                      long c_stride, long rows, long columns, long vectors, bool accumulate) {
    float full[CK_PANEL_ROWS * 48];
    if (accumulate) {
        memset(full, 0, sizeof full);
        for (long row = 0; row < rows; row++) {
            memcpy(full + row * 48, c + row * c_stride, (size_t)columns * sizeof(float));
        }
    }
    tile(steps, a, b, full, 48, vectors, accumulate);
    for (long row = 0; row < rows; row++) {
        memcpy(c + row * c_stride, full + row * 48, (size_t)columns * sizeof(float));
    }
}

long ck_product_scratch(int level, long columns) {
    long width = ck_panel_width(level);
    return (columns + width - 1) / width * width * CK_SLICE;
}

/// Asks for the memory of a tile, which is read and written after the loop over steps.
static void prefetch_tile(const float *c, long c_stride, long rows, long columns) {
    for (long row = 0; row < rows; row++) {
        for (long column = 0; column < columns; column += 16)
            __builtin_prefetch(c + row * c_stride + column, 1);
    }
}

/// All tiles of up to 256 rows with one packed slice.
static void product_block(int level, const float *rows_start, long rows, long inner, long steps,
                          const float *slice, long panel_stride, long columns, float *c,
                          long c_stride, bool accumulate) {
    ck_tile tile = tile_of(level);
    long width = ck_panel_width(level), lanes = width / 3;
    for (long column = 0; column < columns; column += width) {
        long wide = columns - column < width ? columns - column : width;
        long vectors = (wide + lanes - 1) / lanes;
        const float *b = slice + column / width * panel_stride;
        for (long row = 0; row < rows; row += CK_PANEL_ROWS) {
            long tall = rows - row < CK_PANEL_ROWS ? rows - row : CK_PANEL_ROWS;
            const float *a = rows_start + row * inner;
            float *corner = c + row * c_stride + column;
            prefetch_tile(corner, c_stride, tall, wide);
            if (tall == CK_PANEL_ROWS && wide == vectors * lanes) {
                tile(steps, a, b, corner, c_stride, vectors, accumulate);
            } else {
                edge_tile(tile, steps, a, b, corner, c_stride, tall, wide, vectors, accumulate);
            }
        }
    }
}

void ck_product_slice(int level, const float *packed_rows, long rows, long inner, long k0,
                      long steps, const float *slice, long panel_stride, long columns, float *c,
                      long c_stride, bool accumulate) {
    for (long row = 0; row < rows; row += 256) {
        long block = rows - row < 256 ? rows - row : 256;
        product_block(level, packed_rows + row * inner + k0 * CK_PANEL_ROWS, block, inner, steps,
                      slice, panel_stride, columns, c + row * c_stride, c_stride, accumulate);
    }
}

void ck_product(int level, const float *packed_rows, long rows, long inner, ck_matrix b,
                long first_column, long columns, float *c, long c_stride, float *scratch) {
    if (inner == 0) {
        for (long row = 0; row < rows; row++)
            memset(c + row * c_stride, 0, (size_t)columns * sizeof(float));
        return;
    }
    long width = ck_panel_width(level);
    for (long k = 0; k < inner; k += CK_SLICE) {
        long steps = inner - k < CK_SLICE ? inner - k : CK_SLICE;
        ck_pack(level, b, width, first_column, columns, k, steps, steps * width, 0, scratch);
        ck_product_slice(level, packed_rows, rows, inner, k, steps, scratch, steps * width, columns,
                         c, c_stride, k > 0);
    }
}
