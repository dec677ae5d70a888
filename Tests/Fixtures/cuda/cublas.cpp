// The emulated cuBLAS, libcublas.so.12: products of float32, bfloat16 and float16 matrices into
// float32, queued on the driver's streams. The interface is cublas_v2.h's; numbers are CUDA's.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuda-api.h"
#include "product.h"

/// Entry points of the emulated driver, see driver.h.
extern "C" CUresult saevalEmulatorEnqueue(CUstream stream, void (*work)(void*), void* state);
extern "C" int saevalEmulatorOwns(const void* address, size_t bytes);

using emulator::Product;

/// Answers of the calls.
enum cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_NOT_SUPPORTED = 15
};

/// Types of numbers, ways of computing and modes that are known here.
enum { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum {
    CUBLAS_COMPUTE_32F = 68,
    CUBLAS_COMPUTE_32F_PEDANTIC = 69,
    CUBLAS_COMPUTE_32F_FAST_TF32 = 77
};
enum { CUBLAS_DEFAULT_MATH = 0, CUBLAS_PEDANTIC_MATH = 2, CUBLAS_TF32_TENSOR_OP_MATH = 3 };

/// What cublasCreate makes.
struct cublasContext {
    CUcontext context;
    CUstream stream;
    int mathMode;
};
typedef cublasContext* cublasHandle_t;

namespace {

/// The type of numbers of CUDA's number for it.
bool elementType(int cuda, Product::Type& type) {
    switch (cuda) {
        case CUDA_R_32F: type = Product::Type::float32; return true;
        case CUDA_R_16F: type = Product::Type::float16; return true;
        case CUDA_R_16BF: type = Product::Type::bfloat16; return true;
        default: return false;
    }
}

/// Ends the process if a matrix is not within device memory, as a fault of the device would end
/// the context.
void checkMemory(const char* name, const void* matrix, int rows, int columns, int stride,
                 size_t elementBytes) {
    if (rows == 0 || columns == 0) return;
    const size_t bytes = ((size_t)stride * (size_t)(columns - 1) + (size_t)rows) * elementBytes;
    if (saevalEmulatorOwns(matrix, bytes)) return;
    fprintf(stderr,
            "CUDA emulator: cublasGemmEx: %s of %d x %d (leading dimension %d) at %p is not "
            "within one piece of device memory.\n",
            name, rows, columns, stride, matrix);
    abort();
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
    if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
    CUcontext context = nullptr;
    if (cuCtxGetCurrent(&context) != CUDA_SUCCESS || !context) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new cublasContext{context, nullptr, CUBLAS_DEFAULT_MATH};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    const bool aligned = reinterpret_cast<uintptr_t>(workspace) % 256 == 0;
    if (!aligned || (bytes > 0 && !saevalEmulatorOwns(workspace, bytes))) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
    (void)handle;
    if (!version) return CUBLAS_STATUS_INVALID_VALUE;
    *version = 120901;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, int mode) {
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    // A flag of 16 forbids reductions below the compute type; that is never done here.
    const int known = mode & ~16;
    if (known != CUBLAS_DEFAULT_MATH && known != CUBLAS_PEDANTIC_MATH &&
        known != CUBLAS_TF32_TENSOR_OP_MATH) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    handle->mathMode = known;
    return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS: return "success";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
        case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "the GPU program failed to execute";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality requested is not supported";
    }
    return "unknown status";
}

/// `C = alpha * op(A) * op(B) + beta * C`, column major: op(A) is [m, k], op(B) [k, n], C [m, n].
cublasStatus_t cublasGemmEx(cublasHandle_t handle, int transposeA, int transposeB, int m, int n,
                            int k, const void* alpha, const void* a, int typeA, int strideA,
                            const void* b, int typeB, int strideB, const void* beta, void* c,
                            int typeC, int strideC, int compute, int algorithm) {
    (void)algorithm;
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    // 0 as it is, 1 transposed, 2 transposed and conjugated, which is the same for real numbers.
    const bool known = transposeA >= 0 && transposeA <= 2 && transposeB >= 0 && transposeB <= 2;
    if (!known || m < 0 || n < 0 || k < 0 || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
    const int rowsA = transposeA ? k : m, columnsA = transposeA ? m : k;
    const int rowsB = transposeB ? n : k, columnsB = transposeB ? k : n;
    if (strideA < (rowsA > 1 ? rowsA : 1) || strideB < (rowsB > 1 ? rowsB : 1) ||
        strideC < (m > 1 ? m : 1)) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    Product product;
    if (!elementType(typeA, product.type) || typeB != typeA || typeC != CUDA_R_32F ||
        (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
         compute != CUBLAS_COMPUTE_32F_FAST_TF32)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
    const size_t bytes = product.type == Product::Type::float32 ? 4 : 2;
    checkMemory("A", a, rowsA, columnsA, strideA, bytes);
    checkMemory("B", b, rowsB, columnsB, strideB, bytes);
    checkMemory("C", c, m, n, strideC, sizeof(float));

    product.shortens = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                       (handle->mathMode == CUBLAS_TF32_TENSOR_OP_MATH &&
                        compute == CUBLAS_COMPUTE_32F);
    (product.m = m, product.n = n, product.k = k);
    product.alpha = *static_cast<const float*>(alpha);
    product.beta = *static_cast<const float*>(beta);
    product.a = {a, strideA, transposeA != 0};
    product.b = {b, strideB, transposeB != 0};
    (product.c = static_cast<float*>(c), product.strideC = strideC);
    const auto work = [](void* state) {
        auto* product = static_cast<Product*>(state);
        product->run();
        delete product;
    };
    const CUresult result = saevalEmulatorEnqueue(handle->stream, work, new Product(product));
    return result == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
