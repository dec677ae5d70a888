// The loops over rows and elements, compiled once for each level under the names that FN makes.
#include "Internal.h"
#include "VectorMath.h"

// MARK: Conversions

void FN(ck_widen)(const void *source, ck_type type, long count, float *destination) {
    const uint16_t *bits = source;
    long i = 0;
    if (type == CK_FLOAT32) {
        memcpy(destination, source, (size_t)count * 4);
    } else if (type == CK_BFLOAT16) {
        for (; i + 8 <= count; i += 8)
            store8(destination + i, load8_bfloat16(bits + i));
        for (; i < count; i++) {
            uint32_t word = (uint32_t)bits[i] << 16;
            memcpy(destination + i, &word, 4);
        }
    } else {
        for (; i + 8 <= count; i += 8)
            store8(destination + i, load8_float16(bits + i));
        for (; i < count; i++)
            destination[i] = widen_float16(bits[i]);
    }
}

void FN(ck_narrow)(const float *source, ck_type type, long count, void *destination) {
    uint16_t *bits = destination;
    long i = 0;
    if (type == CK_FLOAT32) {
        memcpy(destination, source, (size_t)count * 4);
    } else if (type == CK_BFLOAT16) {
        for (; i + 8 <= count; i += 8) {
            v8f x = load8(source + i);
            v8w word = (v8w)x;
            word = (word + 0x7FFF + (word >> 16 & 1)) >> 16;
            v8i number = x == x;
            word = (word & (v8w)number) | (0x7FC0 & ~(v8w)number);
            *(v8h_unaligned *)(bits + i) = __builtin_convertvector(word, v8h);
        }
        for (; i < count; i++)
            bits[i] = narrow_bfloat16(source[i]);
    } else {
#ifdef CK_AVX2
        for (; i + 8 <= count; i += 8) {
            __m128i packed = _mm256_cvtps_ph((__m256)load8(source + i), _MM_FROUND_TO_NEAREST_INT);
            _mm_storeu_si128((__m128i *)(bits + i), packed);
        }
#endif
        for (; i < count; i++)
            bits[i] = narrow_float16(source[i]);
    }
}

// MARK: Elements

/// One vector through an activation function.
INLINE v8f apply8(v8f x, ck_function function) {
    switch (function) {
    case CK_F_RELU:
        return select8(x < all8(0.0f), all8(0.0f), x);
    case CK_F_GELU:
        return gelu8(x);
    case CK_F_GELU_TANH:
        return gelu_tanh8(x);
    default:
        return silu8(x);
    }
}

void FN(ck_activate)(float *x, const float *up, long count, ck_function function) {
    for (long i = 0; i < count; i += 8) {
        long some = count - i;
        v8f y = apply8(some >= 8 ? load8(x + i) : load_some(x + i, some, 0), function);
        if (up)
            y *= some >= 8 ? load8(up + i) : load_some(up + i, some, 0);
        if (some >= 8) {
            store8(x + i, y);
        } else {
            store_some(x + i, some, y);
        }
    }
}

void FN(ck_add)(float *x, const float *y, long count) {
    long i = 0;
    for (; i + 8 <= count; i += 8)
        store8(x + i, load8(x + i) + load8(y + i));
    for (; i < count; i++)
        x[i] += y[i];
}

void FN(ck_scale)(float *x, long count, float factor) {
    long i = 0;
    for (; i + 8 <= count; i += 8)
        store8(x + i, load8(x + i) * all8(factor));
    for (; i < count; i++)
        x[i] *= factor;
}

void FN(ck_soft_cap)(float *x, long count, float cap) {
    for (long i = 0; i < count; i += 8) {
        long some = count - i;
        v8f y = some >= 8 ? load8(x + i) : load_some(x + i, some, 0);
        y = all8(cap) * tanh8(y / all8(cap));
        if (some >= 8) {
            store8(x + i, y);
        } else {
            store_some(x + i, some, y);
        }
    }
}

void FN(ck_rotate)(float *x, long heads, long head_size, long half, const float *cosines,
                   const float *sines) {
    for (long head = 0; head < heads; head++) {
        float *first = x + head * head_size, *second = first + half;
        long i = 0;
        for (; i + 8 <= half; i += 8) {
            v8f a = load8(first + i), b = load8(second + i), c = load8(cosines + i),
                s = load8(sines + i);
            store8(first + i, a * c - b * s);
            store8(second + i, b * c + a * s);
        }
        for (; i < half; i++) {
            float a = first[i], b = second[i];
            first[i] = a * cosines[i] - b * sines[i];
            second[i] = b * cosines[i] + a * sines[i];
        }
    }
}

// MARK: Norms

/// Eight floats or the rest of a row filled with zeros.
INLINE v8f row8(const float *x, long i, long count) {
    return count - i >= 8 ? load8(x + i) : load_some(x + i, count - i, 0);
}

/// Stores eight floats or the rest of a row.
INLINE void put8(float *x, long i, long count, v8f y) {
    if (count - i >= 8) {
        store8(x + i, y);
    } else {
        store_some(x + i, count - i, y);
    }
}

void FN(ck_layer_norm)(const float *x, const float *weight, const float *bias, long width,
                       float epsilon, float *out) {
    v8d sum = {0}, squares = {0};
    for (long i = 0; i < width; i += 8)
        sum += wide8(row8(x, i, width));
    double mean = sum8(sum) / (double)width;
    for (long i = 0; i < width; i += 8) {
        v8f y = width - i >= 8 ? load8(x + i) : load_some(x + i, width - i, 0);
        v8d difference = wide8(y) - mean;
        if (width - i < 8) {
            for (long j = width - i; j < 8; j++)
                difference[j] = 0;
        }
        squares = fma8d(difference, difference, squares);
    }
    double factor = 1 / sqrt(sum8(squares) / (double)width + (double)epsilon);
    for (long i = 0; i < width; i += 8) {
        v8d y = (wide8(row8(x, i, width)) - mean) * factor;
        y = fma8d(y, wide8(row8(weight, i, width)), wide8(row8(bias, i, width)));
        put8(out, i, width, __builtin_convertvector(y, v8f));
    }
}

void FN(ck_rms_norm)(const float *x, const float *weight, long width, float epsilon, float *out) {
    v8d squares = {0};
    for (long i = 0; i < width; i += 8) {
        v8d y = wide8(row8(x, i, width));
        squares = fma8d(y, y, squares);
    }
    double factor = 1 / sqrt(sum8(squares) / (double)width + (double)epsilon);
    for (long i = 0; i < width; i += 8) {
        v8d y = wide8(row8(x, i, width)) * factor * wide8(row8(weight, i, width));
        put8(out, i, width, __builtin_convertvector(y, v8f));
    }
}

void FN(ck_row_statistics)(const float *x, const float *y, long count, double sums[4]) {
    v8d first = {0}, second = {0}, dot = {0}, error = {0};
    for (long i = 0; i < count; i += 8) {
        v8d a = wide8(row8(x, i, count)), b = wide8(row8(y, i, count));
        first = fma8d(a, a, first);
        second = fma8d(b, b, second);
        dot = fma8d(a, b, dot);
        error = fma8d(a - b, a - b, error);
    }
    sums[0] = sum8(first);
    sums[1] = sum8(second);
    sums[2] = sum8(dot);
    sums[3] = sum8(error);
}

void FN(ck_panel_dots)(const float *a, const float *b, long steps, double sums[CK_PANEL_ROWS]) {
    v8d total = {0};
    for (long k = 0; k < steps; k++)
        total = fma8d(wide8(load8(a + 8 * k)), wide8(load8(b + 8 * k)), total);
    for (int i = 0; i < 8; i++)
        sums[i] += total[i];
}

float FN(ck_largest_product)(const float *x, const float *factors, long count, float start) {
    v8f largest = all8(start);
    long i = 0;
    for (; i + 8 <= count; i += 8) {
        v8f y = load8(x + i) * load8(factors + i);
        largest = max8(y, largest);
    }
    float result = largest8(largest);
    for (; i < count; i++) {
        float y = x[i] * factors[i];
        result = y > result ? y : result;
    }
    return result;
}

// MARK: Distributions

double FN(ck_soft_max)(float *scores, long first, long end, long count, float scale, float cap) {
    for (long i = 0; i < first; i++)
        scores[i] = 0;
    for (long i = end; i < count; i++)
        scores[i] = 0;
    float *x = scores + first;
    long width = end - first;
    v8f largest = all8(-INFINITY);
    for (long i = 0; i < width; i += 8) {
        v8f y =
            (width - i >= 8 ? load8(x + i) : load_some(x + i, width - i, -INFINITY)) * all8(scale);
        if (cap > 0)
            y = all8(cap) * tanh8(y / all8(cap));
        if (width - i < 8) {
            for (long j = width - i; j < 8; j++)
                y[j] = -INFINITY;
        }
        largest = max8(y, largest);
        put8(x, i, width, y);
    }
    v8f top = all8(largest8(largest));
    v8d sum = {0};
    for (long i = 0; i < width; i += 8) {
        v8f y =
            exp8((width - i >= 8 ? load8(x + i) : load_some(x + i, width - i, -INFINITY)) - top);
        sum += wide8(y);
        put8(x, i, width, y);
    }
    return sum8(sum);
}

/// The largest number of a row; NaN are passed over.
static float row_largest(const float *x, long count) {
    v8f first = all8(-INFINITY), second = first, third = first, fourth = first;
    long i = 0;
    for (; i + 32 <= count; i += 32) {
        first = max8(load8(x + i), first);
        second = max8(load8(x + i + 8), second);
        third = max8(load8(x + i + 16), third);
        fourth = max8(load8(x + i + 24), fourth);
    }
    float largest = largest8(max8(max8(first, second), max8(third, fourth)));
    for (; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

double FN(ck_log_sum_exp)(const float *x, long count) {
    float top = row_largest(x, count);
    if (top == -INFINITY || top == INFINITY) {
        for (long i = 0; i < count; i++) {
            if (x[i] != x[i])
                return NAN;
        }
        return top;
    }
    v8d sum = {0};
    long i = 0;
    for (; i + 32 <= count; i += 32) {
        v8f first = exp8(load8(x + i) - all8(top)) + exp8(load8(x + i + 8) - all8(top));
        v8f second = exp8(load8(x + i + 16) - all8(top)) + exp8(load8(x + i + 24) - all8(top));
        sum += wide8(first + second);
    }
    for (; i < count; i += 8) {
        v8f y = count - i >= 8 ? load8(x + i) : load_some(x + i, count - i, -INFINITY);
        sum += wide8(exp8(y - all8(top)));
    }
    return (double)top + log(sum8(sum));
}

/// Adds the weights of eight logits and the weighted differences.
INLINE void weigh8(v8f clean, v8f changed, v8f shift, v8d *weights, v8d *differences) {
    v8f weight = exp8(clean - shift);
    v8d difference = wide8(clean) - wide8(changed);
    v8i none = weight == all8(0.0f);
    if (bits8(none)) {
        for (int j = 0; j < 8; j++) {
            if (none[j])
                difference[j] = 0;
        }
    }
    *weights += wide8(weight);
    *differences = fma8d(wide8(weight), difference, *differences);
}

double FN(ck_divergence)(const float *clean, double clean_sum, const float *changed,
                         double changed_sum, long count) {
    // Σ p (x - y) / Σ p + log sums: dividing by the weights' own sum cancels their common rounding.
    v8d weights = {0}, differences = {0};
    v8f shift = all8((float)clean_sum);
    long i = 0;
    for (; i + 8 <= count; i += 8) {
        weigh8(load8(clean + i), load8(changed + i), shift, &weights, &differences);
    }
    if (i < count) {
        v8f p = load_some(clean + i, count - i, -INFINITY),
            q = load_some(changed + i, count - i, 0);
        weigh8(p, q, shift, &weights, &differences);
    }
    if (count == 0)
        return 0;
    return sum8(differences) / sum8(weights) + (changed_sum - clean_sum);
}
