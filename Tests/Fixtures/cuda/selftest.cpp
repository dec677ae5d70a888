// Tests the emulator with the kernels of selftest/; run by `build.sh selftest`.
#include "selftest/products.h"
#include "selftest/support.h"

namespace {

/// Numbers 0 ..< count, small enough that every sum of them is exact.
std::vector<float> counting(size_t count) {
    std::vector<float> values(count);
    for (size_t index = 0; index < count; index++) values[index] = (float)(index % 37);
    return values;
}

/// Kernels that are right give the same numbers in every order.
void testOrders() {
    const auto values = counting(256 * 5);
    std::vector<float> sums(5, 0);
    for (size_t index = 0; index < values.size(); index++) sums[index / 256] += values[index];
    Numbers x(values);
    std::vector<std::vector<float>> wrong;
    for (const char* order : {"forward", "reverse", "shuffle"}) {
        setenv("SAEVAL_EMULATOR_ORDER", order, 1);
        const std::string name = std::string("in the order ") + order;
        Numbers barriers(5), shuffles(5), forgotten(256);
        MUST(start("sum_by_barriers", 5, 256, 0, nullptr, x.address, barriers.address));
        expect(barriers.read() == sums, "barriers sum a block " + name);
        MUST(start("sum_by_shuffles", 5, 256, 32, nullptr, x.address, shuffles.address));
        expect(shuffles.read() == sums, "shuffles sum a block " + name);
        Numbers odd(1);
        MUST(start("sum_by_shuffles", 1, 45, 8, nullptr, x.address, odd.address));
        float sum = 0;
        for (size_t index = 0; index < 45; index++) sum += values[index];
        expect(odd.read()[0] == sum, "shuffles sum a block of 45 threads " + name);
        MUST(start("forgotten_barrier", 1, 256, 0, nullptr, x.address, forgotten.address));
        wrong.push_back(forgotten.read());
    }
    unsetenv("SAEVAL_EMULATOR_ORDER");
    expect(memcmp(wrong[0].data(), wrong[1].data(), 1024) != 0 &&
               memcmp(wrong[0].data(), wrong[2].data(), 1024) != 0,
           "a forgotten barrier gives other numbers in other orders");
    expect(std::isnan(wrong[0][0]), "shared memory that nobody wrote is NaN");
}

/// Votes and shuffles answer what CUDA's do.
void testVotes() {
    Numbers out(64 * 8);
    MUST(start("votes", 1, 64, 0, nullptr, out.address));
    const auto got = out.read<int>();
    int thirds = 0;
    for (int lane = 0; lane < 32; lane += 3) thirds |= 1 << lane;
    bool holds = true;
    for (int thread = 0; thread < 64; thread++) {
        const int lane = thread % 32, *mine = &got[(size_t)thread * 8];
        holds = holds && mine[0] == 5 && mine[1] == (lane ^ 3) &&
                mine[2] == (lane % 8 < 2 ? lane : lane - 2) && mine[3] == thirds && mine[4] == 2 &&
                mine[5] == 16 && mine[6] == 2 && mine[7] == (lane < 10 ? 45 : 31);
    }
    expect(holds, "shuffles, votes, counting barriers and reductions answer as CUDA's do");
}

/// Numbers are rounded as on the device.
void testNumbers() {
    Numbers out(2);
    const float a = 1 + 0x1p-12f, c = -(1 + 0x1p-11f);
    MUST(start("roundings", 1, 1, 0, nullptr, out.address, a, a, c));
    const auto got = out.read();
    expect(got[0] == 0 && got[1] == 0x1p-24f, "products and sums are not contracted");
    bool holds = true;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        const auto half = (unsigned short)bits;
        const float wide = emulatorWidenHalf(half);
        const bool isNaN = (bits & 0x7C00) == 0x7C00 && (bits & 0x3FF);
        holds = holds && emulatorNarrowHalf(wide) == (isNaN ? (bits & 0x8000) | 0x7E00 : bits);
    }
    expect(holds, "every float16 survives widening and narrowing");
    holds = emulatorNarrowHalf(65519.996f) == 0x7BFF && emulatorNarrowHalf(65520) == 0x7C00 &&
            emulatorNarrowHalf(0x1p-25f) == 0 && emulatorNarrowHalf(0x1.8p-24f) == 2 &&
            emulatorNarrowHalf(-0x1.000002p-25f) == 0x8001 && emulatorNarrowHalf(2049) == 0x6800;
    expect(holds, "floats between float16 numbers go to the nearest, ties to even");
}

/// Work waits for its stream, and a missing wait shows.
void testStreams() {
    CUstream first = nullptr, second = nullptr;
    CUevent event = nullptr;
    MUST(cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
    MUST(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
    MUST(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    for (const bool waits : {false, true}) {
        Numbers x(100);
        std::vector<float> ones(100, 1), out(100, 0);
        MUST(cuMemcpyHtoDAsync_v2(x.address, ones.data(), 400, first));
        MUST(cuEventRecord(event, first));
        if (waits) MUST(cuStreamWaitEvent(second, event, 0));
        MUST(start("add_number", 2, 32, 0, second, x.address, 100LL, 1.0f));
        MUST(cuMemcpyDtoHAsync_v2(out.data(), x.address, 400, second));
        expect(out[7] == 0, "nothing is copied before somebody waits");
        MUST(cuStreamSynchronize(second));
        if (waits) expect(out[7] == 2, "an event orders two streams");
        if (!waits) expect(std::isnan(out[7]), "a missing event wait gives NaN");
        MUST(cuEventSynchronize(event));
        expect(cuEventQuery(event) == CUDA_SUCCESS, "an event that was waited for is done");
    }
    Numbers x(100);
    MUST(cuMemsetD32Async(x.address, 0x40400000, 100, first));
    MUST(cuEventRecord(event, first));
    int asked = 0;
    while (cuEventQuery(event) == CUDA_ERROR_NOT_READY) asked++;
    expect(asked == 2 && x.read()[99] == 3, "asking for an event carries its work out");
    std::thread other([&] {
        CUdeviceptr address = 0;
        expect(cuMemAlloc_v2(&address, 4) == CUDA_ERROR_INVALID_CONTEXT,
               "a thread without a context is refused");
    });
    other.join();
    MUST(cuEventDestroy_v2(event));
    MUST(cuStreamDestroy_v2(first));
    MUST(cuStreamDestroy_v2(second));
    expect(cuStreamSynchronize(first) == CUDA_ERROR_INVALID_HANDLE,
           "a destroyed stream is refused");
}

/// What is wrong ends the process with a sentence.
void testFaults() {
    Numbers x(1000);
    const auto attempt = [&](const char* name, unsigned shared, auto... arguments) {
        MUST(start(name, 1, 256, shared, nullptr, x.address, arguments...));
        cuStreamSynchronize(nullptr);
    };
    expectAbort("a write behind memory", {"write_at", "byte 4000 ", "4000 bytes"},
                [&] { attempt("write_at", 0, 1000LL); });
    expectAbort("a write before memory", {"write_at", "byte -4 "},
                [&] { attempt("write_at", 0, -1LL); });
    expectAbort("a barrier that some threads miss", {"uneven_barrier", "common.cu:", "ended"},
                [&] { attempt("uneven_barrier", 0); });
    expectAbort("two barriers at once", {"two_barriers", "common.cu:"},
                [&] { attempt("two_barriers", 0); });
    expectAbort("a write behind shared memory", {"write_behind_shared", "100 bytes"},
                [&] { attempt("write_behind_shared", 100, 100); });
    expectAbort("a parameter that points nowhere", {"add_number", "parameter 0"}, [&] {
        start("add_number", 1, 32, 0, nullptr, (CUdeviceptr)4096, 100LL, 1.0f);
    });
    expectAbort("a read behind memory, with the fence", {"copy_number", "outside"}, [&] {
        setenv("SAEVAL_EMULATOR_FENCE", "1", 1);
        Numbers fenced(1000);
        start("copy_number", 1, 32, 0, nullptr, fenced.address, 1000LL);
        cuStreamSynchronize(nullptr);
    });
    void* handle = nullptr;
    MUST(cublasCreate_v2(&handle));
    const float one = 1, *none = nullptr;
    expectAbort("a product of matrices outside memory", {"cublasGemmEx", "B of 3 x 2"}, [&] {
        const auto* a = reinterpret_cast<const void*>(x.address);
        cublasGemmEx(handle, 0, 0, 2, 2, 3, &one, a, 0, 2, none, 0, 3, &one, (void*)a, 0, 2, 68,
                     -1);
    });
}

/// Launches and images that a device refuses are refused.
void testRefusals() {
    Numbers x(10);
    CUmodule other = nullptr;
    CUfunction function = nullptr;
    expect(start("write_at", 1, 1025, 0, nullptr, x.address, 0LL) == CUDA_ERROR_INVALID_VALUE,
           "a block of 1025 threads is refused");
    expect(start("write_at", 1, 32, 49153, nullptr, x.address, 0LL) == CUDA_ERROR_INVALID_VALUE,
           "more than 48 KiB of shared memory are refused");
    MUST(cuModuleGetFunction(&function, module, "write_at"));
    const auto attribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    MUST(cuFuncSetAttribute(function, attribute, 227 << 10));
    expect(start("write_at", 1, 32, 227 << 10, nullptr, x.address, 0LL) == CUDA_SUCCESS,
           "227 KiB are possible after cuFuncSetAttribute");
    expect(cuFuncSetAttribute(function, attribute, (227 << 10) + 1) == CUDA_ERROR_INVALID_VALUE,
           "more than 227 KiB are not");
    expect(cuModuleGetFunction(&function, module, "nothing") == CUDA_ERROR_NOT_FOUND,
           "an unknown kernel is not found");
    expect(cuModuleLoadData(&other, "nonsense") == CUDA_ERROR_INVALID_IMAGE,
           "an image that is none is refused");
    expect(cuModuleLoadData(&other, compiled("", "-arch=sm_80").c_str()) ==
               CUDA_ERROR_NO_BINARY_FOR_GPU, "an image for another device is refused");
    expect(cuModuleLoadData(&other, compiled("", "-arch=compute_80", true).c_str()) == CUDA_SUCCESS,
           "PTX for an older device is taken");
    expect(cuModuleLoadData(&other, ".version 9.0\n.target sm_80") ==
               CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "PTX of a later CUDA is refused");
    CUdeviceptr address = 0;
    setenv("SAEVAL_EMULATOR_MEMORY", "1000000", 1);
    expect(cuMemAlloc_v2(&address, 1000000) == CUDA_ERROR_OUT_OF_MEMORY, "memory ends");
    unsetenv("SAEVAL_EMULATOR_MEMORY");
    void* program = nullptr;
    size_t bytes = 0;
    MUST(nvrtcCreateProgram(&program, "\nsaeval_compile_error", "wrong.cu", 0, nullptr, nullptr));
    expect(nvrtcCompileProgram(program, 0, nullptr) == 6, "a wrong source does not compile");
    MUST(nvrtcGetProgramLogSize(program, &bytes));
    std::string log(bytes, 0);
    MUST(nvrtcGetProgramLog(program, log.data()));
    expect(log.find("wrong.cu(2): error") == 0, "the log names the line");
}

}  // namespace

int main() {
    CUcontext context = nullptr;
    MUST(cuInit(0));
    MUST(cuDevicePrimaryCtxRetain(&context, 0));
    MUST(cuCtxSetCurrent(context));
    MUST(cuModuleLoadData(&module, compiled("kernels", "--gpu-architecture=sm_90").c_str()));
    testOrders();
    testVotes();
    setenv("SAEVAL_EMULATOR_FENCE", "1", 1);
    testOrders();
    unsetenv("SAEVAL_EMULATOR_FENCE");
    testNumbers();
    testStreams();
    testFaults();
    testRefusals();
    testProducts();
    Numbers* x = new Numbers(1 << 20);
    const auto begin = std::chrono::steady_clock::now();
    MUST(start("add_number", 4096, 256, 0, nullptr, x->address, 1LL << 20, 1.0f));
    MUST(cuStreamSynchronize(nullptr));
    const std::chrono::duration<double> span = std::chrono::steady_clock::now() - begin;
    printf("       a thread without a barrier: %.1f ns\n", span.count() * 1e9 / (1 << 20));
    MUST(cuDevicePrimaryCtxRelease_v2(0));
    printf(failures ? "%d checks FAILED\n" : "all checks hold\n", failures);
    return failures ? 1 : 0;
}
