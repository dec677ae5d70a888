// The kernels for GPUs as part of the program: their source, and a portable form of it.
#include "CKernels.h"

// Embedding is of C23; the compiler knows it in older C too.
#pragma clang diagnostic ignored "-Wc23-extensions"

// The files of Sources/Kernels/CUDA as one program: what they share, then the others by name.
static const unsigned char source[] = {
#embed "../Kernels/CUDA/common.cu"
    ,
#embed "../Kernels/CUDA/attention.cu"
    ,
#embed "../Kernels/CUDA/attentionWide.cu"
    ,
#embed "../Kernels/CUDA/codes.cu"
    ,
#embed "../Kernels/CUDA/decode.cu"
    ,
#embed "../Kernels/CUDA/distributions.cu"
    ,
#embed "../Kernels/CUDA/elements.cu"
    ,
#embed "../Kernels/CUDA/encode.cu"
    ,
#embed "../Kernels/CUDA/norms.cu"
    ,
#embed "../Kernels/CUDA/rows.cu"
};

static const unsigned char portable[] = {
#embed "../Kernels/CUDA/kernels.ptx"
};

const unsigned char *ck_cuda_source(size_t *count) {
    *count = sizeof source;
    return source;
}

const unsigned char *ck_cuda_portable(size_t *count) {
    *count = sizeof portable;
    return portable;
}
