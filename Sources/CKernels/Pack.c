// Widens and rearranges pieces of matrices into the order in which the tiles read them.
#include "Internal.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// The size of one number.
static long size_of(ck_type type) { return type == CK_FLOAT32 ? 4 : 2; }

/// One number, widened.
static float widened(const void *data, ck_type type, long index) {
    float value;
    ck_widen_portable((const char *)data + index * size_of(type), type, 1, &value);
    return value;
}

/// Widens a run of numbers that lie side by side.
static void widen_run(int level, const void *source, ck_type type, long count, float *destination) {
    if (type == CK_FLOAT32) {
        memcpy(destination, source, (size_t)count * 4);
    } else {
        ck_widen(level, source, type, count, destination);
    }
}

/// Packs a matrix whose columns are contiguous: each step is one run for each panel.
static void pack_rows(int level, ck_matrix source, long width, long first, long count, long k0,
                      long steps, long panel_stride, const float *subtract, float *destination) {
    for (long k = 0; k < steps; k++) {
        const char *row =
            (const char *)source.data + ((k0 + k) * source.stride + first) * size_of(source.type);
        for (long column = 0; column < count; column += width) {
            long wide = count - column < width ? count - column : width;
            float *out = destination + column / width * panel_stride + k * width;
            widen_run(level, row + column * size_of(source.type), source.type, wide, out);
            if (subtract) {
                for (long i = 0; i < wide; i++)
                    out[i] -= subtract[k0 + k];
            }
            for (long i = wide; i < width; i++)
                out[i] = 0;
        }
    }
}

/// Packs 8 columns whose steps are contiguous; `valid` of them exist.
static void pack_eight(int level, ck_matrix source, long width, long first, long valid, long k0,
                       long steps, const float *subtract, float *out) {
    long k = 0;
#if defined(__x86_64__)
    if (level > 0 && valid == 8) {
        const char *corner =
            (const char *)source.data + (first * source.stride + k0) * size_of(source.type);
        for (; k + 8 <= steps; k += 8) {
            ck_transpose8_avx2(corner + k * size_of(source.type), source.type, source.stride,
                               subtract ? subtract + k0 + k : 0, out + k * width, width);
        }
    }
#endif
    for (; k < steps; k++) {
        for (long i = 0; i < 8; i++) {
            float value = 0;
            if (i < valid) {
                value = widened(source.data, source.type, (first + i) * source.stride + k0 + k);
                if (subtract)
                    value -= subtract[k0 + k];
            }
            out[k * width + i] = value;
        }
    }
}

void ck_pack(int level, ck_matrix source, long width, long first, long count, long k0, long steps,
             long panel_stride, const float *subtract, float *destination) {
    if (!source.transposed) {
        pack_rows(level, source, width, first, count, k0, steps, panel_stride, subtract,
                  destination);
        return;
    }
    long padded = (count + width - 1) / width * width;
    for (long column = 0; column < padded; column += 8) {
        long valid = count - column < 8 ? (count - column < 0 ? 0 : count - column) : 8;
        float *out = destination + column / width * panel_stride + column % width;
        pack_eight(level, source, width, first + column, valid, k0, steps, subtract, out);
    }
}

#if defined(__x86_64__)

#define TARGET __attribute__((target("avx2,fma,f16c")))

/// Eight numbers that lie side by side, widened.
TARGET static inline __m256 load8(const char *source, ck_type type) {
    if (type == CK_FLOAT32)
        return _mm256_loadu_ps((const float *)source);
    __m128i bits = _mm_loadu_si128((const __m128i *)source);
    if (type == CK_FLOAT16)
        return _mm256_cvtph_ps(bits);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

TARGET void ck_transpose8_avx2(const void *source, ck_type type, long stride, const float *subtract,
                               float *destination, long width) {
    const char *start = source;
    long step = stride * size_of(type);
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i++)
        r[i] = load8(start + i * step, type);
    if (subtract) {
        __m256 bias = _mm256_loadu_ps(subtract);
        for (int i = 0; i < 8; i++)
            r[i] = _mm256_sub_ps(r[i], bias);
    }
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
        r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(destination + i * width, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(destination + (i + 4) * width,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

#endif
