// Products of matrices on the host, in blocks: panels are widened to float and packed, then tiles
// of 16 x 6 are summed in registers.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "host-bits.h"

namespace emulator {

/// `C = alpha * op(A) * op(B) + beta * C` on column-major matrices.
struct Product {
    enum class Type { float32, bfloat16, float16 };
    /// A matrix as it lies in memory.
    struct Matrix {
        const void* numbers;
        int stride;
        bool transposed;
    };
    /// The type of A and B.
    Type type = Type::float32;
    /// Whether float32 inputs are rounded to TF32 (ten bits of fraction), as tensor cores do.
    bool shortens = false;
    int m = 0, n = 0, k = 0;
    float alpha = 1, beta = 0;
    Matrix a{}, b{};
    float* c = nullptr;
    int strideC = 0;

    /// Carries it out: sums in float, over k in order within a block.
    void run() const;
};

namespace {

/// Eight floats of a register.
typedef float Eight __attribute__((vector_size(32), aligned(4)));

/// Rows and columns of a tile; steps, rows and columns of a block.
constexpr int tileRows = 16, tileColumns = 6, blockSteps = 256, blockRows = 192, blockColumns = 960;

/// Number `index` of a matrix, as a float.
template <Product::Type type>
inline float element(const void* numbers, size_t index, bool shortens) {
    if constexpr (type == Product::Type::bfloat16) {
        return emulatorBits<float>((uint32_t) static_cast<const uint16_t*>(numbers)[index] << 16);
    } else if constexpr (type == Product::Type::float16) {
        return emulatorWidenHalf(static_cast<const uint16_t*>(numbers)[index]);
    } else {
        const float value = static_cast<const float*>(numbers)[index];
        const uint32_t bits = emulatorBits<uint32_t>(value);
        if (!shortens || (bits & 0x7F800000u) == 0x7F800000u) return value;
        return emulatorBits<float>((bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFFu);
    }
}

/// Packs `count` x `steps` numbers of op(A) or op(B) into panels of `panel`: step by step the
/// panel's numbers side by side, zeros where the matrix ends. `along` is the distance of two
/// numbers of a step, `between` that of two steps.
template <Product::Type type>
void pack(const void* numbers, size_t first, size_t along, size_t between, int count, int steps,
          int panel, bool shortens, float* packed) {
    for (int start = 0; start < count; start += panel) {
        const int width = std::min(panel, count - start);
        const size_t origin = first + (size_t)start * along;
        if (width < panel) std::fill_n(packed, (size_t)panel * (size_t)steps, 0.0f);
        if (along == 1) {
            for (int step = 0; step < steps; step++) {
                const size_t row = origin + (size_t)step * between;
                for (int index = 0; index < width; index++) {
                    packed[step * panel + index] =
                        element<type>(numbers, row + (size_t)index, shortens);
                }
            }
        } else {
            for (int index = 0; index < width; index++) {
                const size_t row = origin + (size_t)index * along;
                for (int step = 0; step < steps; step++) {
                    packed[step * panel + index] =
                        element<type>(numbers, row + (size_t)step * between, shortens);
                }
            }
        }
        packed += (size_t)panel * (size_t)steps;
    }
}

/// Sums one tile over `steps`: sums[column][row].
inline __attribute__((always_inline)) void tileBody(const float* a, const float* b, int steps,
                                                    float (*sums)[tileRows]) {
    Eight low[tileColumns] = {}, high[tileColumns] = {};
    for (int step = 0; step < steps; step++) {
        Eight first, second;
        memcpy(&first, a + step * tileRows, sizeof(Eight));
        memcpy(&second, a + step * tileRows + 8, sizeof(Eight));
#pragma GCC unroll 6
        for (int column = 0; column < tileColumns; column++) {
            const float factor = b[step * tileColumns + column];
            low[column] += first * factor;
            high[column] += second * factor;
        }
    }
    for (int column = 0; column < tileColumns; column++) {
        memcpy(sums[column], &low[column], sizeof(Eight));
        memcpy(sums[column] + 8, &high[column], sizeof(Eight));
    }
}

void tilePortable(const float* a, const float* b, int steps, float (*sums)[tileRows]) {
    tileBody(a, b, steps, sums);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void tileFast(const float* a, const float* b, int steps,
                                                  float (*sums)[tileRows]) {
    tileBody(a, b, steps, sums);
}
#endif

/// The tile's loop for this processor.
inline auto chosenTile() -> void (*)(const float*, const float*, int, float (*)[tileRows]) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return tileFast;
#endif
    return tilePortable;
}

/// Adds the product of two packed blocks to C.
void multiplyBlock(const Product& product, const float* a, const float* b, int rows, int columns,
                   int steps, float* c) {
    static const auto tile = chosenTile();
    float sums[tileColumns][tileRows];
    for (int column = 0; column < columns; column += tileColumns) {
        for (int row = 0; row < rows; row += tileRows) {
            tile(a + (size_t)row * (size_t)steps, b + (size_t)column * (size_t)steps, steps, sums);
            const int width = std::min(tileColumns, columns - column);
            const int height = std::min(tileRows, rows - row);
            for (int j = 0; j < width; j++) {
                float* out = c + (size_t)(column + j) * (size_t)product.strideC + row;
                for (int i = 0; i < height; i++) out[i] += product.alpha * sums[j][i];
            }
        }
    }
}

/// The product of matrices of one type; C holds beta * C already.
template <Product::Type type>
void multiply(const Product& product) {
    const auto panels = [](int count, int panel) { return (count + panel - 1) / panel * panel; };
    const int steps = std::min(blockSteps, product.k);
    std::vector<float> a((size_t)panels(std::min(blockRows, product.m), tileRows) * (size_t)steps);
    std::vector<float> b((size_t)panels(std::min(blockColumns, product.n), tileColumns) *
                         (size_t)steps);
    const auto strideA = (size_t)product.a.stride, strideB = (size_t)product.b.stride;
    const size_t rowA = product.a.transposed ? strideA : 1;
    const size_t stepA = product.a.transposed ? 1 : strideA;
    const size_t columnB = product.b.transposed ? 1 : strideB;
    const size_t stepB = product.b.transposed ? strideB : 1;
    for (int column = 0; column < product.n; column += blockColumns) {
        const int columns = std::min(blockColumns, product.n - column);
        for (int step = 0; step < product.k; step += blockSteps) {
            const int width = std::min(blockSteps, product.k - step);
            pack<type>(product.b.numbers, (size_t)column * columnB + (size_t)step * stepB, columnB,
                       stepB, columns, width, tileColumns, product.shortens, b.data());
            for (int row = 0; row < product.m; row += blockRows) {
                const int rows = std::min(blockRows, product.m - row);
                pack<type>(product.a.numbers, (size_t)row * rowA + (size_t)step * stepA, rowA,
                           stepA, rows, width, tileRows, product.shortens, a.data());
                float* c = product.c + (size_t)column * (size_t)product.strideC + row;
                multiplyBlock(product, a.data(), b.data(), rows, columns, width, c);
            }
        }
    }
}

}  // namespace

inline void Product::run() const {
    for (int column = 0; column < n; column++) {
        float* out = c + (size_t)column * (size_t)strideC;
        // With beta 0 what C holds is not read: it may be NaN.
        for (int row = 0; row < m; row++) out[row] = beta == 0 ? 0 : beta * out[row];
    }
    if (alpha == 0 || k == 0) return;
    switch (type) {
        case Type::float32: return multiply<Type::float32>(*this);
        case Type::bfloat16: return multiply<Type::bfloat16>(*this);
        case Type::float16: return multiply<Type::float16>(*this);
    }
}

}  // namespace emulator
