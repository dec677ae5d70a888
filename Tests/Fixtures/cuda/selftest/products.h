// Products of the emulated cuBLAS beside plain loops.
#pragma once

#include "support.h"

namespace {

/// A number of a matrix of a type, as the plain loop reads it.
float numberAt(const std::vector<unsigned char>& matrix, int type, size_t index) {
    if (type == 0) return reinterpret_cast<const float*>(matrix.data())[index];
    const auto bits = reinterpret_cast<const uint16_t*>(matrix.data())[index];
    return type == 2 ? emulatorWidenHalf(bits) : emulatorBits<float>((uint32_t)bits << 16);
}

/// One product beside plain loops; answers the largest difference.
double productError(void* handle, int type, bool transposeA, bool transposeB, int m, int n, int k,
                    float alpha, float beta) {
    const size_t bytes = type == 0 ? 4 : 2;
    const int strideA = (transposeA ? k : m) + 3, strideB = (transposeB ? n : k) + 1;
    const int strideC = m + 2;
    const auto matrix = [&](int stride, int columns) {
        std::vector<unsigned char> values((size_t)stride * (size_t)columns * bytes);
        for (size_t index = 0; index * bytes < values.size(); index++) {
            const float value = (float)(rand() % 65 - 32) / 32;
            const uint32_t bits = emulatorBits<uint32_t>(value);
            const auto half = type == 2 ? emulatorNarrowHalf(value) : (uint16_t)(bits >> 16);
            if (type == 0) memcpy(&values[index * 4], &value, 4);
            if (type != 0) memcpy(&values[index * 2], &half, 2);
        }
        return values;
    };
    const auto a = matrix(strideA, transposeA ? m : k), b = matrix(strideB, transposeB ? k : n);
    const auto start = std::vector<float>((size_t)strideC * (size_t)n, beta == 0 ? NAN : 0.5f);
    Numbers deviceA((a.size() + 3) / 4), deviceB((b.size() + 3) / 4), c(start);
    MUST(cuMemcpyHtoDAsync_v2(deviceA.address, a.data(), a.size(), nullptr));
    MUST(cuMemcpyHtoDAsync_v2(deviceB.address, b.data(), b.size(), nullptr));
    MUST(cublasGemmEx(handle, transposeA, transposeB, m, n, k, &alpha, (void*)deviceA.address, type,
                      strideA, (void*)deviceB.address, type, strideB, &beta, (void*)c.address, 0,
                      strideC, 68, -1));
    const auto got = c.read();
    double worst = 0;
    for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
            double sum = 0;
            for (int step = 0; step < k; step++) {
                const int ia = transposeA ? step + row * strideA : row + step * strideA;
                const int ib = transposeB ? column + step * strideB : step + column * strideB;
                sum += (double)numberAt(a, type, (size_t)ia) * numberAt(b, type, (size_t)ib);
            }
            const double wanted = alpha * sum + beta * 0.5;
            const double error = fabs(got[(size_t)(row + column * strideC)] - wanted);
            worst = error <= worst ? worst : error;
        }
    }
    return worst;
}

/// cuBLAS multiplies.
void testProducts() {
    void* handle = nullptr;
    MUST(cublasCreate_v2(&handle));
    const int sizes[][3] = {{1, 1, 1}, {17, 7, 3}, {16, 6, 256}, {97, 31, 257}, {200, 1000, 300}};
    for (const int type : {0, 2, 14}) {
        double worst = 0;
        for (const auto& size : sizes) {
            for (int which = 0; which < 4; which++) {
                const double error = productError(handle, type, which & 1, which & 2, size[0],
                                                  size[1], size[2], which == 3 ? 0.5f : 1.0f,
                                                  which == 2 ? 2.0f : 0.0f);
                worst = error <= worst ? worst : error;
            }
        }
        expect(worst < 1e-5, "products of type " + std::to_string(type) + " are right to " +
                                 std::to_string(worst));
    }
    const float one = 1;
    Numbers x(16);
    auto* p = reinterpret_cast<void*>(x.address);
    expect(cublasGemmEx(handle, 0, 0, 2, 2, 2, &one, p, 14, 2, p, 0, 2, &one, p, 0, 2, 68, -1) ==
               15,
           "mixed types are not supported");
    expect(cublasGemmEx(handle, 0, 0, 2, 2, 2, &one, p, 0, 1, p, 0, 2, &one, p, 0, 2, 68, -1) == 7,
           "a leading dimension that is too small is invalid");
    Numbers big(1024 * 1024);
    MUST(cuMemsetD8Async(big.address, 0, 4 << 20, nullptr));
    auto* q = reinterpret_cast<void*>(big.address);
    const float zero = 0;
    const auto begin = std::chrono::steady_clock::now();
    MUST(cublasGemmEx(handle, 1, 0, 1024, 1024, 1024, &one, q, 0, 1024, q, 0, 1024, &zero, q, 0,
                      1024, 68, -1));
    MUST(cuStreamSynchronize(nullptr));
    const std::chrono::duration<double> span = std::chrono::steady_clock::now() - begin;
    printf("       a product of 1024 x 1024 x 1024: %.1f GFLOP/s\n", 2.147483648 / span.count());
}

}  // namespace
