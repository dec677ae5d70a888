// What all kernels share: names of types, conversions of stored numbers, packs of numbers that
// travel in one load, and sums over warps and blocks.
//
// This file comes first in the one translation unit of all kernels. It compiles with NVRTC, where
// a function without a mark is a device function (-default-device), and with a C++ compiler after
// the header that stands in for the device (SAEVAL_EMULATOR). Nothing is included.
//
// Two rules hold everywhere. A row of a result depends on the same row of the input alone, bit for
// bit: never on the grid, on other rows, or on where the row lies in memory, so a thread visits the
// same numbers in the same order whether they come in wide loads or one by one. And nothing depends
// on timing: atomic operations are on integers and commute.

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned short u16;

#ifndef KERNEL
/// Opens the definition of a kernel under a name that the driver can look up.
#define KERNEL(name) extern "C" __global__ void name
#endif

#ifndef SHARED
/// Memory of one block, with a size known to the compiler.
#define SHARED __shared__
#endif

#ifndef SHARED_BYTES
/// Declares `name` as the dynamic shared memory of the block, aligned to 16 bytes.
#define SHARED_BYTES(name) extern __shared__ __align__(16) unsigned char name[]
#endif

/// All lanes of a warp.
#define ALL_LANES 0xFFFFFFFFu

// MARK: Bits

#ifdef SAEVAL_EMULATOR
/// The bits of a float.
static inline unsigned bits_of(float x) { return __builtin_bit_cast(unsigned, x); }

/// The float of some bits.
static inline float float_of(unsigned bits) { return __builtin_bit_cast(float, bits); }

/// One float16, widened.
static inline float widen_half(u16 bits) {
    unsigned sign = (unsigned)(bits & 0x8000) << 16, exponent = bits >> 10 & 31;
    unsigned fraction = bits & 0x3FF;
    if (exponent == 0) {
        float magnitude = (float)fraction * 5.9604644775390625e-8f;
        return sign ? -magnitude : magnitude;
    }
    unsigned wide = exponent == 31 ? 0x7F800000u : (exponent + 112) << 23;
    return float_of(sign | wide | fraction << 13);
}

/// The nearest float16 of a number that is not a NaN, ties to even.
static inline u16 narrow_half(float x) {
    unsigned bits = bits_of(x), sign = bits >> 16 & 0x8000;
    float size = float_of(bits & 0x7FFFFFFFu);
    if (size >= 65520.0f)
        return (u16)(sign | 0x7C00);
    if (size < 6.103515625e-5f) { // a subnormal: adding 2^23 rounds to nearest even
        volatile float shifted = size * 16777216.0f + 8388608.0f;
        return (u16)(sign | (unsigned)(shifted - 8388608.0f));
    }
    bits = bits_of(size);
    return (u16)(sign | (bits + 0xFFF + (bits >> 13 & 1) - 0x38000000u) >> 13);
}
#else
/// The bits of a float.
static inline unsigned bits_of(float x) { return __float_as_uint(x); }

/// The float of some bits.
static inline float float_of(unsigned bits) { return __uint_as_float(bits); }

/// One float16, widened.
static inline float widen_half(u16 bits) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(bits));
    return wide;
}

/// The nearest float16 of a number that is not a NaN, ties to even.
static inline u16 narrow_half(float x) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
#endif

/// Plus infinity.
static inline float infinity() { return float_of(0x7F800000u); }

/// Whether a number is neither infinite nor a NaN.
static inline bool is_finite(float x) { return (bits_of(x) & 0x7F800000u) != 0x7F800000u; }

// MARK: Stored types

/// Numbers stored as float32.
struct Float32 {
    typedef float stored;
    /// The number itself.
    static float widen(stored x) { return x; }
    /// The number itself.
    static stored narrow(float x) { return x; }
};

/// Numbers stored as bfloat16.
struct BFloat16 {
    typedef u16 stored;
    /// The upper half of a float32.
    static float widen(stored x) { return float_of((unsigned)x << 16); }
    /// Nearest even; every NaN becomes the quiet one without a sign.
    static stored narrow(float x) {
        unsigned bits = bits_of(x);
        return x != x ? (u16)0x7FC0 : (u16)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
};

/// Numbers stored as float16.
struct Float16 {
    typedef u16 stored;
    /// The same number as float32.
    static float widen(stored x) { return widen_half(x); }
    /// Nearest even; a NaN becomes the quiet one of its sign.
    static stored narrow(float x) {
        return x != x ? (u16)((bits_of(x) >> 16 & 0x8000) | 0x7E00) : narrow_half(x);
    }
};

// MARK: Packs

/// Some floats in registers.
template <int N> struct Pack {
    float v[N];
};

/// A pack of one or four, as a type that loops hand to their bodies.
template <int N> struct Lanes {
    static const int count = N;
};

/// Four stored numbers that are read or written at once.
template <class stored> struct alignas(4 * sizeof(stored)) Quad {
    stored v[4];
};

/// Whether rows of `width` numbers from `p` on can be read in whole quads.
template <class stored> static inline bool in_quads(const stored *p, i64 width) {
    return width % 4 == 0 && (u64)p % (4 * sizeof(stored)) == 0;
}

/// N numbers from `p`, which is aligned to N numbers; N is 1 or 4.
template <class Type, int N> static inline Pack<N> load(const typename Type::stored *p) {
    Pack<N> pack;
    if (N == 4) {
        Quad<typename Type::stored> quad = *(const Quad<typename Type::stored> *)p;
#pragma unroll
        for (int i = 0; i < N; i++)
            pack.v[i] = Type::widen(quad.v[i]);
    } else {
        pack.v[0] = Type::widen(*p);
    }
    return pack;
}

/// N numbers to `p`, which is aligned to N numbers; N is 1 or 4.
template <class Type, int N>
static inline void store(typename Type::stored *p, const Pack<N> &pack) {
    if (N == 4) {
        Quad<typename Type::stored> quad;
#pragma unroll
        for (int i = 0; i < N; i++)
            quad.v[i] = Type::narrow(pack.v[i]);
        *(Quad<typename Type::stored> *)p = quad;
    } else {
        *p = Type::narrow(pack.v[0]);
    }
}

/// Four numbers from `p`, of which `left` exist; the others become `rest`. With `quads` the pointer
/// is aligned and `left` is at least 4 or below 1.
template <class Type>
static inline Pack<4> load_some(const typename Type::stored *p, int left, bool quads, float rest) {
    if (quads && left >= 4)
        return load<Type, 4>(p);
    Pack<4> pack;
#pragma unroll
    for (int i = 0; i < 4; i++)
        pack.v[i] = i < left ? Type::widen(p[i]) : rest;
    return pack;
}

/// The first `left` of four numbers to `p`; see `load_some`.
template <class Type>
static inline void store_some(typename Type::stored *p, int left, bool quads,
                              const Pack<4> &pack) {
    if (quads && left >= 4) {
        store<Type, 4>(p, pack);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (i < left)
            p[i] = Type::narrow(pack.v[i]);
}

// MARK: Loops

/// `a / b` for a ≥ 0 and b > 0; the short division of the device where both fit.
static inline i64 quotient(i64 a, int b) {
    if (a < (1ll << 32))
        return (i64)((unsigned)a / (unsigned)b);
    return a / b;
}

/// Calls `body(row, column, Lanes<N>)` for all places of `[rows, width]`, four columns at a time
/// with `quads` (`width % 4 == 0`); the whole grid shares the places.
template <class Body>
static inline void over_rows(i64 rows, int width, bool quads, Body body) {
    int across = quads ? width / 4 : width;
    i64 count = rows * across;
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        i64 row = quotient(i, across);
        int column = (int)(i - row * across);
        if (quads)
            body(row, column * 4, Lanes<4>());
        else
            body(row, column, Lanes<1>());
    }
}

/// Calls `body(place, Lanes<N>)` for `count` numbers in a row, four at a time with `quads` (all
/// pointers aligned) and one by one at the end; the whole grid shares the places.
template <class Body> static inline void over_numbers(i64 count, bool quads, Body body) {
    i64 step = (i64)gridDim.x * blockDim.x;
    i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    i64 wide = quads ? count / 4 : 0;
    for (i64 i = first; i < wide; i += step)
        body(i * 4, Lanes<4>());
    for (i64 i = wide * 4 + first; i < count; i += step)
        body(i, Lanes<1>());
}

// MARK: Warps and blocks

/// The place of a thread in its warp.
static inline int lane_index() { return (int)(threadIdx.x & 31); }

/// The place of a warp in its block.
static inline int warp_index() { return (int)(threadIdx.x >> 5); }

/// Bits of the lanes before this one.
static inline unsigned lanes_before() { return (1u << lane_index()) - 1; }

/// The sum over a warp, or over groups of LANES neighbours, the same in all their lanes.
template <int LANES = 32, class Number> static inline Number warp_sum(Number x) {
#pragma unroll
    for (int distance = LANES / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, distance);
    return x;
}

/// The largest number of such lanes, the same in all of them; NaN are passed over.
template <int LANES = 32> static inline float warp_maximum(float x) {
#pragma unroll
    for (int distance = LANES / 2; distance > 0; distance /= 2)
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, distance));
    return x;
}

/// N sums over a block, the same in all threads. `scratch` holds N numbers for each warp and is
/// free again for the next call.
template <int N, class Number>
static inline void block_sums(Number (&sums)[N], Number *scratch) {
    int warps = (int)(blockDim.x + 31) / 32;
#pragma unroll
    for (int i = 0; i < N; i++)
        sums[i] = warp_sum(sums[i]);
    if (lane_index() == 0)
#pragma unroll
        for (int i = 0; i < N; i++)
            scratch[warp_index() * N + i] = sums[i];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < N; i++) {
        sums[i] = 0;
        for (int warp = 0; warp < warps; warp++)
            sums[i] += scratch[warp * N + i];
    }
    __syncthreads();
}
