// The CUDA language on the host: put in front of the kernels (common.cu, then the other .cu files),
// it makes them ordinary C++17. Compile with -DSAEVAL_EMULATOR -ffp-contract=off and link
// fibers.cpp, which runs the threads of a block as fibers; see README.md.
//
// Kernels may use: everything declared here, in host-math.h and in host-threads.h.
#pragma once

#ifndef SAEVAL_EMULATOR
#define SAEVAL_EMULATOR 1
#endif

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

// MARK: - Words of the language

/// Marks a kernel. While build.sh lists the kernels it is a word that survives preprocessing.
#ifdef SAEVAL_EMULATOR_LIST
#define __global__ saeval_emulator_kernel
#else
#define __global__
#endif
/// A function of the device; nothing on the host.
#define __device__
/// A function of both; nothing on the host.
#define __host__
/// A table all threads read; ordinary static memory here.
#define __constant__ static
/// Inlining that the device's compiler always does.
#define __forceinline__ inline __attribute__((always_inline))
/// A function that stays one.
#define __noinline__ __attribute__((noinline))
/// Registers for so many threads a block; launches are checked by the driver instead.
#define __launch_bounds__(...)
/// A parameter that lies in constant memory; nothing on the host.
#define __grid_constant__
/// Alignment in bytes.
#define __align__(bytes) __attribute__((aligned(bytes)))
/// Static shared memory: one copy, since one block runs at a time; the section lets the runtime
/// fill all of it with NaN before every block.
#define SHARED static __attribute__((section("saeval_shared"), aligned(16)))
/// The same under CUDA's name, for arrays of a fixed size.
#define __shared__ SHARED
/// Declares `unsigned char* name`, the block's dynamic shared memory, aligned to 1,024 bytes.
#define SHARED_BYTES(name) unsigned char* name = emulator::dynamicShared()

#if !defined(__clang__)
/// A promise to the optimiser, which only clang takes in this form.
#define __builtin_assume(condition) ((void)0)
#endif

// MARK: - Vectors

/// Vectors of `T` with CUDA's alignments: wide loads must be aligned on the device, so an array
/// that is not aligned shows with -fsanitize=alignment.
#define EMULATOR_VECTORS(T, name, align2, align4)                                                  \
    struct name##1 {                                                                               \
        T x;                                                                                       \
    };                                                                                             \
    struct __align__(align2) name##2 {                                                             \
        T x, y;                                                                                    \
    };                                                                                             \
    struct name##3 {                                                                               \
        T x, y, z;                                                                                 \
    };                                                                                             \
    struct __align__(align4) name##4 {                                                             \
        T x, y, z, w;                                                                              \
    };                                                                                             \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                              \
    static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                      \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

EMULATOR_VECTORS(signed char, char, 2, 4)
EMULATOR_VECTORS(unsigned char, uchar, 2, 4)
EMULATOR_VECTORS(short, short, 4, 8)
EMULATOR_VECTORS(unsigned short, ushort, 4, 8)
EMULATOR_VECTORS(int, int, 8, 16)
EMULATOR_VECTORS(unsigned int, uint, 8, 16)
EMULATOR_VECTORS(long long, longlong, 16, 16)
EMULATOR_VECTORS(unsigned long long, ulonglong, 16, 16)
EMULATOR_VECTORS(float, float, 8, 16)
EMULATOR_VECTORS(double, double, 16, 16)

/// Sizes of a grid or a block; axes left out are 1.
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};

#include "host-math.h"
#include "host-threads.h"

// MARK: - Calling a kernel by the addresses of its parameters

namespace emulator {

/// What the driver must know of one parameter of a kernel.
struct Parameter {
    /// Its size in bytes.
    size_t bytes;
    /// Whether it is a pointer, which then has to point into device memory or be null.
    bool isPointer;
};

/// A kernel as the driver sees it.
struct Kernel {
    /// The name given to cuModuleGetFunction.
    const char* name;
    /// Runs the current thread with the parameters whose addresses are given.
    void (*call)(void** parameters);
    /// One entry for each parameter.
    const Parameter* parameters;
    /// The number of parameters.
    int count;
};

/// Unpacks the parameters of the kernel `function` from an array of addresses.
template <auto function>
struct Unpacker;

template <typename... Arguments, void (*function)(Arguments...)>
struct Unpacker<function> {
    /// Sizes of the parameters; one entry more than there are, so that none is possible.
    static constexpr Parameter parameters[sizeof...(Arguments) + 1] = {
        {sizeof(Arguments), std::is_pointer<Arguments>::value}..., {0, false}};

    /// Calls the kernel with parameters read at the addresses.
    static void call(void** addresses) {
        unpack(addresses, std::index_sequence_for<Arguments...>());
    }

    /// The table's entry for this kernel.
    static constexpr Kernel kernel(const char* name) {
        return {name, call, parameters, static_cast<int>(sizeof...(Arguments))};
    }

private:
    /// Spreads the addresses over the parameters.
    template <size_t... index>
    static void unpack(void** addresses, std::index_sequence<index...>) {
        (void)addresses;
        function(*static_cast<Arguments*>(addresses[index])...);
    }
};

/// Runs a kernel at once on host memory, as in
/// `emulator::run("add", add, grid, block, sharedBytes, x, y, count)`; for tests without a driver.
/// Arguments are converted to the parameters' types.
template <typename... Parameters, typename... Arguments>
void run(const char* name, void (*function)(Parameters...), dim3 grid, dim3 block,
         size_t sharedBytes, Arguments... arguments) {
    struct Call {
        void (*function)(Parameters...);
        std::tuple<Parameters...> values;
    } call{function, std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)};
    void* address = &call;
    auto body = [](void** addresses) {
        Call& call = *static_cast<Call*>(addresses[0]);
        std::apply(call.function, call.values);
    };
    launch(name, body, &address, grid, block, sharedBytes);
}

}  // namespace emulator
