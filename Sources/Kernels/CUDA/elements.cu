// Kernels that treat every number by itself: embeddings, sums, activation functions, conversions
// and moves of rows. Blocks of 256, any grid.
//
// Version 1, not measured yet. All are bound by memory: each reads and writes a number once, in
// 16-byte quads where width and addresses allow, else in neighbouring single numbers. Bytes per
// number: activate and soft_cap 8; add and gate 12; embed and widen 4 + the stored size.
// The dearest function, gelu, is some 40 instructions a number where 3.35 TB/s leave room for
// about 70 on 132 processors.

// MARK: Functions of one number

/// `max(x, 0)`; a NaN stays one and a negative zero a zero.
static inline float relu_of(float x) { return x < 0 ? 0.0f : x; }

/// `x / 2 · erfc(-x / √2)`.
static inline float gelu_of(float x) { return 0.5f * x * erfcf(-0.70710678118654752f * x); }

/// `x / 2 · (1 + tanh u)` with `u = √(2/π) · (x + 0.044715 · x³)`, written as `x · sigmoid(2u)`,
/// which loses nothing where the hyperbolic tangent is near -1.
static inline float gelu_tanh_of(float x) {
    float u = 0.79788456080286536f * (x + 0.044715f * x * x * x);
    return x / (1.0f + expf(-2.0f * u));
}

/// `x · sigmoid(x)`.
static inline float silu_of(float x) { return x / (1.0f + expf(-x)); }

/// One of the four functions: 0 relu, 1 gelu, 2 gelu with tanh, 3 silu.
static inline float activation_of(float x, int function) {
    switch (function) {
    case 0:
        return relu_of(x);
    case 1:
        return gelu_of(x);
    case 2:
        return gelu_tanh_of(x);
    default:
        return silu_of(x);
    }
}

// MARK: Kernels on [count]

/// `x ← x + y`; all `[count]`.
KERNEL(add)(float *x, const float *__restrict__ y, i64 count) {
    over_numbers(count, in_quads(x, 4) && in_quads(y, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Float32, N>(x + i), b = load<Float32, N>(y + i);
#pragma unroll
        for (int j = 0; j < N; j++)
            a.v[j] += b.v[j];
        store<Float32, N>(x + i, a);
    });
}

/// `x ← cap · tanh(x / cap)`; x is `[count]`.
KERNEL(soft_cap)(float *x, i64 count, float cap) {
    over_numbers(count, in_quads(x, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Float32, N>(x + i);
#pragma unroll
        for (int j = 0; j < N; j++)
            a.v[j] = cap * tanhf(a.v[j] / cap);
        store<Float32, N>(x + i, a);
    });
}

/// `x ← f(x)`; x is `[count]`.
KERNEL(activate)(float *x, i64 count, int function) {
    over_numbers(count, in_quads(x, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Float32, N>(x + i);
#pragma unroll
        for (int j = 0; j < N; j++)
            a.v[j] = activation_of(a.v[j], function);
        store<Float32, N>(x + i, a);
    });
}

/// `x ← f(x) · up`; both `[count]`.
KERNEL(gate)(float *x, const float *__restrict__ up, i64 count, int function) {
    over_numbers(count, in_quads(x, 4) && in_quads(up, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Float32, N>(x + i), b = load<Float32, N>(up + i);
#pragma unroll
        for (int j = 0; j < N; j++)
            a.v[j] = activation_of(a.v[j], function) * b.v[j];
        store<Float32, N>(x + i, a);
    });
}

/// `out ← in` from a stored type; both `[count]`.
template <class Type>
static inline void widen_numbers(const typename Type::stored *in, float *out, i64 count) {
    over_numbers(count, in_quads(in, 4) && in_quads(out, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        store<Float32, N>(out + i, load<Type, N>(in + i));
    });
}

KERNEL(widen_bf16)(const u16 *__restrict__ in, float *out, i64 count) {
    widen_numbers<BFloat16>(in, out, count);
}

KERNEL(widen_f16)(const u16 *__restrict__ in, float *out, i64 count) {
    widen_numbers<Float16>(in, out, count);
}

/// `out ← in` to a stored type, nearest even; both `[count]`.
template <class Type>
static inline void narrow_numbers(const float *in, typename Type::stored *out, i64 count) {
    over_numbers(count, in_quads(in, 4) && in_quads(out, 4), [&](i64 i, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        store<Type, N>(out + i, load<Float32, N>(in + i));
    });
}

KERNEL(narrow_bf16)(const float *__restrict__ in, u16 *out, i64 count) {
    narrow_numbers<BFloat16>(in, out, count);
}

KERNEL(narrow_f16)(const float *__restrict__ in, u16 *out, i64 count) {
    narrow_numbers<Float16>(in, out, count);
}

// MARK: Kernels on [rows, width]

/// `out[r] = table[tokens[r]] · scale`; the table is `[vocabulary, width]`.
template <class Type>
static inline void embed_rows(const int *tokens, const typename Type::stored *table, float *out,
                              i64 rows, int width, float scale) {
    bool quads = in_quads(table, width) && in_quads(out, width);
    over_rows(rows, width, quads, [&](i64 row, int column, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Type, N>(table + (i64)tokens[row] * width + column);
#pragma unroll
        for (int j = 0; j < N; j++)
            a.v[j] *= scale;
        store<Float32, N>(out + row * width + column, a);
    });
}

KERNEL(embed_f32)(const int *__restrict__ tokens, const float *__restrict__ table, float *out,
                  i64 rows, int width, float scale) {
    embed_rows<Float32>(tokens, table, out, rows, width, scale);
}

KERNEL(embed_bf16)(const int *__restrict__ tokens, const u16 *__restrict__ table, float *out,
                   i64 rows, int width, float scale) {
    embed_rows<BFloat16>(tokens, table, out, rows, width, scale);
}

KERNEL(embed_f16)(const int *__restrict__ tokens, const u16 *__restrict__ table, float *out,
                  i64 rows, int width, float scale) {
    embed_rows<Float16>(tokens, table, out, rows, width, scale);
}

/// Every row of `out` `[rows, width]` becomes `row` `[width]`.
KERNEL(fill_rows)(float *out, const float *__restrict__ row, i64 rows, int width) {
    bool quads = in_quads(out, width) && in_quads(row, width);
    over_rows(rows, width, quads, [&](i64 target, int column, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        store<Float32, N>(out + target * width + column, load<Float32, N>(row + column));
    });
}

/// `out = x - centre` in a stored type; x and out are `[rows, width]`, the centre is `[width]` or
/// null for zeros.
template <class Type>
static inline void centre_rows(const float *x, const float *centre, typename Type::stored *out,
                               i64 rows, int width) {
    bool quads = in_quads(x, width) && in_quads(out, width) && in_quads(centre, width);
    over_rows(rows, width, quads, [&](i64 row, int column, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        Pack<N> a = load<Float32, N>(x + row * width + column);
        if (centre) {
            Pack<N> b = load<Float32, N>(centre + column);
#pragma unroll
            for (int j = 0; j < N; j++)
                a.v[j] -= b.v[j];
        }
        store<Type, N>(out + row * width + column, a);
    });
}

KERNEL(centre_f32)(const float *__restrict__ x, const float *__restrict__ centre, float *out,
                   i64 rows, int width) {
    centre_rows<Float32>(x, centre, out, rows, width);
}

KERNEL(centre_bf16)(const float *__restrict__ x, const float *__restrict__ centre, u16 *out,
                    i64 rows, int width) {
    centre_rows<BFloat16>(x, centre, out, rows, width);
}

KERNEL(centre_f16)(const float *__restrict__ x, const float *__restrict__ centre, u16 *out,
                   i64 rows, int width) {
    centre_rows<Float16>(x, centre, out, rows, width);
}

/// Splits `in` `[rows, groups, 3, width]` into q, k and v, each `[rows, groups · width]`.
KERNEL(split_fused)(const float *__restrict__ in, float *q, float *k, float *v, i64 rows,
                    int groups, int width) {
    bool quads = in_quads(in, width) && in_quads(q, width) && in_quads(k, width) &&
                 in_quads(v, width);
    over_rows(rows * groups * 3, width, quads, [&](i64 part, int column, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        i64 group = quotient(part, 3);
        int which = (int)(part - group * 3);
        float *out = which == 0 ? q : which == 1 ? k : v;
        store<Float32, N>(out + group * width + column,
                          load<Float32, N>(in + part * width + column));
    });
}

/// Rows of y whose `keep` is 0 become those of x; both `[rows, width]`.
KERNEL(replace_rows)(float *y, const float *__restrict__ x,
                     const unsigned char *__restrict__ keep, i64 rows, int width) {
    bool quads = in_quads(x, width) && in_quads(y, width);
    over_rows(rows, width, quads, [&](i64 row, int column, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        if (keep[row] == 0)
            store<Float32, N>(y + row * width + column,
                              load<Float32, N>(x + row * width + column));
    });
}
