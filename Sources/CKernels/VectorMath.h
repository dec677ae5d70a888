// Vectors of eight floats and the functions on them.
//
// Included by Elementwise.h, which is compiled once for each level. Fused operations are written
// out and contraction is off, so that every level gives the same bits.
#include <math.h>
#include <stdint.h>
#include <string.h>

/// Small functions on vectors, never called as functions.
#define INLINE static inline __attribute__((always_inline))

typedef float v8f __attribute__((vector_size(32)));
typedef float v8f_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t v8i __attribute__((vector_size(32)));
typedef uint32_t v8w __attribute__((vector_size(32)));
typedef uint16_t v8h __attribute__((vector_size(16)));
typedef uint16_t v8h_unaligned __attribute__((vector_size(16), aligned(2), may_alias));
typedef double v8d __attribute__((vector_size(64)));

/// Eight floats from memory.
INLINE v8f load8(const float *p) { return *(const v8f_unaligned *)p; }

/// Eight floats to memory.
INLINE void store8(float *p, v8f x) { *(v8f_unaligned *)p = x; }

/// The same float eight times.
INLINE v8f all8(float x) { return (v8f){x, x, x, x, x, x, x, x}; }

/// `mask ? x : y`, lane by lane; masks are all ones or all zeros.
INLINE v8f select8(v8i mask, v8f x, v8f y) {
#ifdef CK_AVX2
    return (v8f)_mm256_blendv_ps((__m256)y, (__m256)x, (__m256)mask);
#else
    return (v8f)(((v8i)x & mask) | ((v8i)y & ~mask));
#endif
}

/// `x > y ? x : y`: y where either is NaN.
INLINE v8f max8(v8f x, v8f y) {
#ifdef CK_AVX2
    return (v8f)_mm256_max_ps((__m256)x, (__m256)y);
#else
    return select8(x > y, x, y);
#endif
}

/// `x < y ? x : y`: y where either is NaN.
INLINE v8f min8(v8f x, v8f y) {
#ifdef CK_AVX2
    return (v8f)_mm256_min_ps((__m256)x, (__m256)y);
#else
    return select8(x < y, x, y);
#endif
}

/// `a · b + c` with one rounding.
INLINE v8f fma8(v8f a, v8f b, v8f c) { return __builtin_elementwise_fma(a, b, c); }

/// `a · b + c` with one rounding.
INLINE v8d fma8d(v8d a, v8d b, v8d c) { return __builtin_elementwise_fma(a, b, c); }

/// Widened to double.
INLINE v8d wide8(v8f x) { return __builtin_convertvector(x, v8d); }

/// The sum of eight doubles in one fixed order.
INLINE double sum8(v8d x) {
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/// The largest of eight floats; NaN are passed over.
INLINE float largest8(v8f x) {
    float largest = -INFINITY;
    for (int i = 0; i < 8; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/// The first `count` floats, the rest filled.
INLINE v8f load_some(const float *p, long count, float fill) {
    float full[8] = {fill, fill, fill, fill, fill, fill, fill, fill};
    for (long i = 0; i < count; i++)
        full[i] = p[i];
    return load8(full);
}

/// Stores the first `count` floats.
INLINE void store_some(float *p, long count, v8f x) {
    for (long i = 0; i < count; i++)
        p[i] = x[i];
}

/// `e^x` within 2 units in the last place over all floats: denormal, zero, infinite and NaN results
/// included. Source: the polynomial of Cephes' expf; the power of two is applied in two steps.
INLINE v8f exp8(v8f x) {
    v8f magic = all8(12582912.0f);
    x = min8(all8(89.0f), max8(all8(-104.0f), x));
    v8f shifted = fma8(x, all8(1.44269504f), magic);
    v8i n = (v8i)shifted - (v8i)magic;
    v8f whole = shifted - magic;
    v8f r = fma8(whole, all8(-0.693359375f), x);
    r = fma8(whole, all8(2.12194440e-4f), r);
    v8f y = all8(1.9875691500e-4f);
    y = fma8(y, r, all8(1.3981999507e-3f));
    y = fma8(y, r, all8(8.3334519073e-3f));
    y = fma8(y, r, all8(4.1665795894e-2f));
    y = fma8(y, r, all8(1.6666665459e-1f));
    y = fma8(y, r, all8(5.0000001201e-1f));
    y = fma8(y, r * r, r) + all8(1.0f);
    v8i half = n >> 1;
    v8f first = (v8f)((half + 127) << 23), second = (v8f)((n - half + 127) << 23);
    return y * first * second;
}

/// `tanh x` within 2 units in the last place. Source: Cephes' tanhf below 0.625, the exponential
/// above.
INLINE v8f tanh8(v8f x) {
    v8f size = (v8f)((v8i)x & 0x7FFFFFFF);
    v8f z = x * x;
    v8f p = all8(-5.70498872745e-3f);
    p = fma8(p, z, all8(2.06390887954e-2f));
    p = fma8(p, z, all8(-5.37397155531e-2f));
    p = fma8(p, z, all8(1.33314422036e-1f));
    p = fma8(p, z, all8(-3.33332819422e-1f));
    v8f small = fma8(p * z, x, x);
    v8f large = all8(1.0f) - all8(2.0f) / (exp8(size + size) + all8(1.0f));
    v8f with_sign = (v8f)(((v8i)large & 0x7FFFFFFF) | ((v8i)x & (int32_t)0x80000000));
    return select8(size < all8(0.625f), small, with_sign);
}

/// `erfc z` for z ≥ 0 with a relative error below 1.2e-7 plus rounding. Source: Numerical Recipes,
/// erfcc.
INLINE v8f erfc8(v8f z) {
    v8f t = all8(1.0f) / fma8(z, all8(0.5f), all8(1.0f));
    v8f p = all8(0.17087277f);
    p = fma8(p, t, all8(-0.82215223f));
    p = fma8(p, t, all8(1.48851587f));
    p = fma8(p, t, all8(-1.13520398f));
    p = fma8(p, t, all8(0.27886807f));
    p = fma8(p, t, all8(-0.18628806f));
    p = fma8(p, t, all8(0.09678418f));
    p = fma8(p, t, all8(0.37409196f));
    p = fma8(p, t, all8(1.00002368f));
    p = fma8(p, t, all8(-1.26551223f));
    return t * exp8(fma8(-z, z, p));
}

/// `x / 2 · erfc(-x / √2)`.
INLINE v8f gelu8(v8f x) {
    v8f size = (v8f)((v8i)x & 0x7FFFFFFF);
    v8f tail = erfc8(size * all8(0.70710678f));
    v8f factor = select8(x < all8(0.0f), tail, all8(2.0f) - tail);
    return all8(0.5f) * x * factor;
}

/// The tanh approximation of gelu.
INLINE v8f gelu_tanh8(v8f x) {
    v8f inner = all8(0.79788456f) * fma8(all8(0.044715f) * x * x, x, x);
    return all8(0.5f) * x * (all8(1.0f) + tanh8(inner));
}

/// `x · sigmoid(x)`.
INLINE v8f silu8(v8f x) { return x / (all8(1.0f) + exp8(-x)); }

/// Eight bfloat16, widened.
INLINE v8f load8_bfloat16(const uint16_t *p) {
    v8w bits = __builtin_convertvector(*(const v8h_unaligned *)p, v8w);
    return (v8f)(bits << 16);
}

/// One float16, widened.
INLINE float widen_float16(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31,
             fraction = bits & 0x3FF, word;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    word = exponent == 31 ? sign | 0x7F800000 | fraction << 13
                          : sign | (exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &word, 4);
    return value;
}

/// Eight float16, widened.
INLINE v8f load8_float16(const uint16_t *p) {
#ifdef CK_AVX2
    return (v8f)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
    v8f x;
    for (int i = 0; i < 8; i++)
        x[i] = widen_float16(p[i]);
    return x;
#endif
}

/// One float as bfloat16, nearest even; NaN becomes the quiet one without a sign.
INLINE uint16_t narrow_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (value != value)
        return 0x7FC0;
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// One float as float16, nearest even.
INLINE uint16_t narrow_float16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    float size = fabsf(value);
    if (value != value)
        return sign | 0x7E00;
    if (size >= 65520.0f)
        return sign | 0x7C00;
    if (size < 0x1p-14f) {
        float shifted = size * 0x1p24f + 8388608.0f; // rounds to nearest even
        return (uint16_t)(sign | (uint16_t)(shifted - 8388608.0f));
    }
    memcpy(&bits, &size, 4);
    return (uint16_t)(sign | (uint16_t)((bits + 0xFFF + (bits >> 13 & 1) - 0x38000000) >> 13));
}

/// Eight lanes as bits, lane 0 lowest.
INLINE unsigned bits8(v8i mask) {
#ifdef CK_AVX2
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#else
    unsigned bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (mask[i] != 0 ? 1u : 0u) << i;
    return bits;
#endif
}
