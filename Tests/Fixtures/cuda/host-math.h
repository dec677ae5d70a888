// CUDA's intrinsic functions on numbers, for host.h. No function here may be contracted: compile
// with -ffp-contract=off.
#pragma once

#include "host-bits.h"

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;

/// The smaller and the larger of two numbers, of mixed types as in CUDA.
template <typename A, typename B>
static inline typename std::common_type<A, B>::type min(A a, B b) {
    using Common = typename std::common_type<A, B>::type;
    if constexpr (std::is_floating_point<Common>::value) return std::fmin(Common(a), Common(b));
    return Common(b) < Common(a) ? Common(b) : Common(a);
}
template <typename A, typename B>
static inline typename std::common_type<A, B>::type max(A a, B b) {
    using Common = typename std::common_type<A, B>::type;
    if constexpr (std::is_floating_point<Common>::value) return std::fmax(Common(a), Common(b));
    return Common(a) < Common(b) ? Common(b) : Common(a);
}

// MARK: - Rounding once, to nearest even

static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __frcp_rn(float a) { return 1.0f / a; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dsub_rn(double a, double b) { return a - b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __dsqrt_rn(double a) { return sqrt(a); }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }

// MARK: - Fast functions, as exact as the host's

// Macros, because glibc declares some of these names for itself.
#define __expf(x) expf(x)
#define __exp10f(x) powf(10.0f, x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __log10f(x) log10f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __tanf(x) tanf(x)
#define __powf(x, y) powf(x, y)
#define __fdividef(x, y) ((float)(x) / (float)(y))
#define __frsqrt_rn(x) (1.0f / sqrtf(x))
#define rsqrtf(x) (1.0f / sqrtf(x))
#define rsqrt(x) (1.0 / sqrt(x))
static inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }

// MARK: - Bits as numbers

static inline int __float_as_int(float x) { return emulatorBits<int>(x); }
static inline float __int_as_float(int x) { return emulatorBits<float>(x); }
static inline unsigned __float_as_uint(float x) { return emulatorBits<unsigned>(x); }
static inline float __uint_as_float(unsigned x) { return emulatorBits<float>(x); }
static inline long long __double_as_longlong(double x) { return emulatorBits<long long>(x); }
static inline double __longlong_as_double(long long x) { return emulatorBits<double>(x); }
static inline int __double2hiint(double x) { return (int)(emulatorBits<uint64_t>(x) >> 32); }
static inline int __double2loint(double x) { return (int)emulatorBits<uint64_t>(x); }

// MARK: - Conversions

/// Float to integer, saturating as on the device; NaN becomes 0.
template <typename To>
static inline To emulatorInteger(double x) {
    if (x != x) return 0;
    if (x <= (double)std::numeric_limits<To>::min()) return std::numeric_limits<To>::min();
    if (x >= (double)std::numeric_limits<To>::max()) return std::numeric_limits<To>::max();
    return (To)x;
}
static inline int __float2int_rn(float x) { return emulatorInteger<int>(rintf(x)); }
static inline int __float2int_rz(float x) { return emulatorInteger<int>(truncf(x)); }
static inline int __float2int_rd(float x) { return emulatorInteger<int>(floorf(x)); }
static inline int __float2int_ru(float x) { return emulatorInteger<int>(ceilf(x)); }
static inline unsigned __float2uint_rn(float x) { return emulatorInteger<unsigned>(rintf(x)); }
static inline unsigned __float2uint_rz(float x) { return emulatorInteger<unsigned>(truncf(x)); }
static inline float __int2float_rn(int x) { return (float)x; }
static inline float __uint2float_rn(unsigned x) { return (float)x; }
static inline float __ll2float_rn(long long x) { return (float)x; }
static inline double __ll2double_rn(long long x) { return (double)x; }
static inline float __double2float_rn(double x) { return (float)x; }

// MARK: - Integers

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((uint64_t)x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t)a * b >> 32; }
static inline int __mulhi(int a, int b) { return (int)((int64_t)a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
/// The bits of `x` in the reverse order.
static inline unsigned __brev(unsigned x) {
    unsigned result = 0;
    for (int bit = 0; bit < 32; bit++) result |= (x >> bit & 1) << (31 - bit);
    return result;
}
/// The high or low word of high:low shifted by `shift` mod 32.
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)((((uint64_t)high << 32 | low) << (shift & 31)) >> 32);
}
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)(((uint64_t)high << 32 | low) >> (shift & 31));
}

// MARK: - Loads and stores with hints, which are plain ones here

template <typename T>
static inline T __ldg(const T* p) { return *p; }
template <typename T>
static inline T __ldca(const T* p) { return *p; }
template <typename T>
static inline T __ldcg(const T* p) { return *p; }
template <typename T>
static inline T __ldcs(const T* p) { return *p; }
template <typename T>
static inline T __ldlu(const T* p) { return *p; }
template <typename T>
static inline void __stcg(T* p, T value) { *p = value; }
template <typename T>
static inline void __stcs(T* p, T value) { *p = value; }
template <typename T>
static inline void __stwt(T* p, T value) { *p = value; }
