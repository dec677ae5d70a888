// What the emulator's self-test is made of.
#pragma once

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cuda-api.h"
#include "host-bits.h"

// The part of NVRTC and cuBLAS that is tested.
extern "C" {
int nvrtcCreateProgram(void** program, const char* source, const char* name, int count,
                       const char* const* headers, const char* const* names);
int nvrtcCompileProgram(void* program, int count, const char* const* options);
int nvrtcGetCUBINSize(void* program, size_t* bytes);
int nvrtcGetCUBIN(void* program, char* cubin);
int nvrtcGetPTXSize(void* program, size_t* bytes);
int nvrtcGetPTX(void* program, char* ptx);
int nvrtcGetProgramLogSize(void* program, size_t* bytes);
int nvrtcGetProgramLog(void* program, char* log);
int cublasCreate_v2(void** handle);
int cublasSetStream_v2(void* handle, CUstream stream);
int cublasSetMathMode(void* handle, int mode);
int cublasGemmEx(void* handle, int transposeA, int transposeB, int m, int n, int k,
                 const void* alpha, const void* a, int typeA, int strideA, const void* b, int typeB,
                 int strideB, const void* beta, void* c, int typeC, int strideC, int compute,
                 int algorithm);
}

namespace {

/// Failed checks so far.
int failures = 0;

/// Says whether a sentence is true.
void expect(bool holds, const std::string& sentence) {
    printf("%s %s\n", holds ? "ok    " : "FAILED", sentence.c_str());
    if (!holds) failures++;
}

/// Ends the test if a call that must succeed does not.
void must(int result, const char* call) {
    if (result == 0) return;
    printf("FAILED %s answered %d\n", call, result);
    exit(1);
}
/// The same with the call as text.
#define MUST(call) must(call, #call)

/// The module that holds the kernels.
CUmodule module;

/// Compiles a source to an image or PTX text for a target.
std::string compiled(const char* source, const char* target, bool ptx = false) {
    void* program = nullptr;
    const char* options[] = {target};
    size_t bytes = 0;
    MUST(nvrtcCreateProgram(&program, source, "test.cu", 0, nullptr, nullptr));
    MUST(nvrtcCompileProgram(program, 1, options));
    MUST(ptx ? nvrtcGetPTXSize(program, &bytes) : nvrtcGetCUBINSize(program, &bytes));
    std::string image(bytes, 0);
    MUST(ptx ? nvrtcGetPTX(program, image.data()) : nvrtcGetCUBIN(program, image.data()));
    return image;
}

/// Numbers in device memory.
struct Numbers {
    CUdeviceptr address = 0;
    size_t count;
    explicit Numbers(size_t count) : count(count) { MUST(cuMemAlloc_v2(&address, count * 4)); }
    Numbers(const std::vector<float>& values) : Numbers(values.size()) {
        MUST(cuMemcpyHtoDAsync_v2(address, values.data(), count * 4, nullptr));
        MUST(cuStreamSynchronize(nullptr));
    }
    ~Numbers() { MUST(cuMemFree_v2(address)); }
    Numbers(const Numbers&) = delete;
    /// What is there when all is done.
    template <typename T = float>
    std::vector<T> read() const {
        std::vector<T> values(count);
        MUST(cuCtxSynchronize());
        MUST(cuMemcpyDtoHAsync_v2(values.data(), address, count * 4, nullptr));
        MUST(cuStreamSynchronize(nullptr));
        return values;
    }
};

/// Launches a kernel of the self-test.
template <typename... Arguments>
CUresult start(const char* name, unsigned grid, unsigned block, unsigned shared, CUstream stream,
               Arguments... arguments) {
    CUfunction function = nullptr;
    MUST(cuModuleGetFunction(&function, module, name));
    void* parameters[] = {&arguments...};
    return cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared, stream, parameters, nullptr);
}

/// Whether `body` ends the process with a sentence that holds all the words.
void expectAbort(const std::string& sentence, const std::vector<std::string>& words,
                 const std::function<void()>& body) {
    int ends[2];
    MUST(pipe(ends));
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        body();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[512];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
        text.append(buffer, (size_t)got);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    bool holds = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    for (const auto& word : words) holds = holds && text.find(word) != std::string::npos;
    expect(holds, sentence + " (" + text.substr(0, text.find('\n')) + ")");
}

}  // namespace
