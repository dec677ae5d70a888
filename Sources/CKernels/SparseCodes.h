// The loops over the non-zeros of codes, compiled once for each level under the names that FN
// makes; comes after Elementwise.h.

// MARK: Encoding

/// The value that one product gives, 0 when it is not kept; `bad` is set when it is not below
/// infinity.
INLINE float kept_value(float product, ck_activation_vectors v, long i, bool *bad) {
    float s = product + v.bias[i];
    *bad = !(s < INFINITY);
    switch (v.kind) {
    case CK_RELU:
        return s > 0 ? s * (v.scale ? v.scale[i] : 1) : 0;
    case CK_TOP_K: {
        float ranked = v.second ? s * v.second[i] : s;
        return ranked > v.floor ? ranked : 0;
    }
    case CK_JUMP_RELU:
        return s > v.second[i] && s > 0 ? s * (v.scale ? v.scale[i] : 1) : 0;
    default: {
        float magnitude = product * v.second[i] + v.third[i];
        return s > 0 && magnitude > 0 ? magnitude * (v.scale ? v.scale[i] : 1) : 0;
    }
    }
}

/// Whether any of eight products is kept or bad.
INLINE bool any_kept(const float *products, ck_activation_vectors v, long i) {
    v8f p = load8(products + i);
    v8f s = p + load8(v.bias + i);
    v8i interesting = ~(s < all8(INFINITY));
    switch (v.kind) {
    case CK_RELU:
        interesting |= s > all8(0.0f);
        break;
    case CK_TOP_K:
        interesting |= (v.second ? s * load8(v.second + i) : s) > all8(v.floor);
        break;
    case CK_JUMP_RELU:
        interesting |= (s > load8(v.second + i)) & (s > all8(0.0f));
        break;
    default:
        interesting |=
            (s > all8(0.0f)) & (p * load8(v.second + i) + load8(v.third + i) > all8(0.0f));
    }
    return bits8(interesting) != 0;
}

long FN(ck_scan)(const float *products, long count, ck_activation_vectors vectors,
                 int32_t first_latent, int32_t *indices, float *values) {
    long kept = 0;
    for (long i = 0; i < count; i += 8) {
        long end = count - i < 8 ? count : i + 8;
        if (end == i + 8 && !any_kept(products, vectors, i))
            continue;
        for (long j = i; j < end; j++) {
            bool bad;
            float value = kept_value(products[j], vectors, j, &bad);
            if (bad)
                return -1 - j;
            indices[kept] = first_latent + (int32_t)j;
            values[kept] = value;
            kept += value != 0;
        }
    }
    return kept;
}

// MARK: Decoding

/// Adds rows, four at a time: the order of entries is kept for each number.
#define DECODE_LOOP(LOAD, pointer_type, WIDEN)                                                     \
    for (; e + 4 <= entries; e += 4) {                                                             \
        const pointer_type *d0 = (const pointer_type *)matrix + (long)indices[e] * width;          \
        const pointer_type *d1 = (const pointer_type *)matrix + (long)indices[e + 1] * width;      \
        const pointer_type *d2 = (const pointer_type *)matrix + (long)indices[e + 2] * width;      \
        const pointer_type *d3 = (const pointer_type *)matrix + (long)indices[e + 3] * width;      \
        v8f v0 = all8(values[e]), v1 = all8(values[e + 1]), v2 = all8(values[e + 2]),              \
            v3 = all8(values[e + 3]);                                                              \
        for (long i = 0; i < whole; i += 8) {                                                      \
            v8f y = fma8(v0, LOAD(d0 + i), load8(out + i));                                        \
            y = fma8(v1, LOAD(d1 + i), y);                                                         \
            y = fma8(v2, LOAD(d2 + i), y);                                                         \
            store8(out + i, fma8(v3, LOAD(d3 + i), y));                                            \
        }                                                                                          \
        for (long i = whole; i < width; i++) {                                                     \
            float y = fmaf(values[e], WIDEN(d0[i]), out[i]);                                       \
            y = fmaf(values[e + 1], WIDEN(d1[i]), y);                                              \
            y = fmaf(values[e + 2], WIDEN(d2[i]), y);                                              \
            out[i] = fmaf(values[e + 3], WIDEN(d3[i]), y);                                         \
        }                                                                                          \
    }                                                                                              \
    for (; e < entries; e++) {                                                                     \
        const pointer_type *d = (const pointer_type *)matrix + (long)indices[e] * width;           \
        v8f v = all8(values[e]);                                                                   \
        for (long i = 0; i < whole; i += 8)                                                        \
            store8(out + i, fma8(v, LOAD(d + i), load8(out + i)));                                 \
        for (long i = whole; i < width; i++)                                                       \
            out[i] = fmaf(values[e], WIDEN(d[i]), out[i]);                                         \
    }

/// A float as it is.
INLINE float same_float(float x) { return x; }

/// One bfloat16, widened.
INLINE float widen_bfloat16(uint16_t bits) {
    uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}

/// One chain of entries, from zero.
static void decode_chain(const int32_t *indices, const float *values, long entries,
                         const void *matrix, ck_type type, long width, float *out) {
    long whole = width / 8 * 8, e = 0;
    memset(out, 0, (size_t)width * sizeof(float));
    if (type == CK_FLOAT32) {
        DECODE_LOOP(load8, float, same_float)
    } else if (type == CK_BFLOAT16) {
        DECODE_LOOP(load8_bfloat16, uint16_t, widen_bfloat16)
    } else {
        DECODE_LOOP(load8_float16, uint16_t, widen_float16)
    }
}

void FN(ck_decode_row)(const int32_t *indices, const float *values, long entries,
                       const void *matrix, ck_type type, long width, const float *bias, float *work,
                       float *out) {
    const long chain = 64;
    decode_chain(indices, values, entries < chain ? entries : chain, matrix, type, width, out);
    for (long e = chain; e < entries; e += chain) {
        long some = entries - e < chain ? entries - e : chain;
        decode_chain(indices + e, values + e, some, matrix, type, width, work);
        FN(ck_add)(out, work, width);
    }
    FN(ck_add)(out, bias, width);
}
