// The emulated CUDA driver, libcuda.so.1: devices, contexts and errors. Streams are in streams.cpp,
// memory in memory.cpp, modules and launches in modules.cpp.
//
// SAEVAL_EMULATOR_MEMORY      bytes of a device (4 GiB)
// SAEVAL_EMULATOR_DEVICES     number of devices (1)
// SAEVAL_EMULATOR_CAPABILITY  compute capability times ten (90)
// SAEVAL_EMULATOR_SLOW        milliseconds that making an event and freeing memory take (0)
// SAEVAL_EMULATOR_STRICT      1: the program must have given everything back before its exit handlers run
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>

#include <atomic>
#include <deque>
#include <thread>

#include "host.h"

namespace emulator {

std::mutex lock;
bool initialised = false;
thread_local CUcontext currentContext = nullptr;

uint64_t setting(const char* name, uint64_t otherwise) {
    const char* text = getenv(name);
    if (!text || !*text) return otherwise;
    char* end = nullptr;
    const uint64_t value = strtoull(text, &end, 10);
    if (*end) fail("%s is \"%s\"; it must be a number.", name, text);
    return value;
}

size_t deviceBytes() { return setting("SAEVAL_EMULATOR_MEMORY", (uint64_t)4 << 30); }

int sharedLimit(int capability) {
    switch (capability) {
        case 80: case 87: return 163 << 10;
        case 86: case 89: case 120: return 99 << 10;
        default: return capability >= 90 ? 227 << 10 : 64 << 10;
    }
}

namespace {

/// The number of devices when cuInit was called.
int deviceCount = 0;

/// The contexts of the devices; they stay where they are.
std::deque<CUctx_st> contexts;

/// Whether the exit handlers of the program run.
std::atomic<bool> hasEnded{false};

/// The program's exit: runs before this library's own memory goes.
void onExit() {
    hasEnded = true;
    if (!setting("SAEVAL_EMULATOR_STRICT", 0)) return;
    for (const CUctx_st& context : contexts) {
        if (context.references > 0 || context.usedBytes > 0) {
            fail("The program ends with %d references to the context of device %d and %zu bytes.",
                 context.references, context.device, context.usedBytes);
        }
    }
    if (pieceCount() > 0) fail("The program ends with %zu pieces of memory.", pieceCount());
}

/// Whether there is such a device.
bool exists(CUdevice device) { return device >= 0 && device < deviceCount; }

/// Names and texts of the errors that the emulator answers.
struct ErrorText {
    int error;
    const char* name;
    const char* text;
};
const ErrorText errorTexts[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {CUDA_ERROR_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

/// The entry of an error; null if there is none.
const ErrorText* find(int error) {
    for (const ErrorText& entry : errorTexts) {
        if (entry.error == error) return &entry;
    }
    return nullptr;
}

}  // namespace

void checkNotEnded(const char* call) {
    if (hasEnded) fail("%s was called while the program's exit handlers run or later.", call);
}

void giveBackSlowly() {
    static const auto time = std::chrono::milliseconds(setting("SAEVAL_EMULATOR_SLOW", 0));
    if (time.count() > 0) std::this_thread::sleep_for(time);
}

CUresult contextProblem() {
    if (!initialised) return CUDA_ERROR_NOT_INITIALIZED;
    if (!currentContext) return CUDA_ERROR_INVALID_CONTEXT;
    return currentContext->references > 0 ? CUDA_SUCCESS : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

CUresult cuInit(unsigned int flags) {
    std::lock_guard<std::mutex> guard(lock);
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (initialisationResult != 0) return static_cast<CUresult>(initialisationResult);
    if (initialised) return CUDA_SUCCESS;
    deviceCount = (int)setting("SAEVAL_EMULATOR_DEVICES", 1);
    if (deviceCount == 0) return CUDA_ERROR_NO_DEVICE;
    contexts.resize((size_t)deviceCount);
    for (int device = 0; device < deviceCount; device++) contexts[(size_t)device].device = device;
    atexit(onExit);
    initialised = true;
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int* version) {
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = driverVersion;
    return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char** name) {
    const ErrorText* entry = find(error);
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    *name = entry ? entry->name : nullptr;
    return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
    const ErrorText* entry = find(error);
    if (!text) return CUDA_ERROR_INVALID_VALUE;
    *text = entry ? entry->text : nullptr;
    return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// NVRTC asks the driver of its process for tables of its own, and calls a null pointer where this
/// function is missing; it goes on where there are none.
CUresult cuGetExportTable(const void** table, const CUuuid* id) {
    if (!table || !id) return CUDA_ERROR_INVALID_VALUE;
    *table = nullptr;
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuDeviceGetCount(int* count) {
    EMULATOR_ENTER_INITIALISED;
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = deviceCount;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    EMULATOR_ENTER_INITIALISED;
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    if (!exists(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    EMULATOR_ENTER_INITIALISED;
    if (!name || length <= 0) return CUDA_ERROR_INVALID_VALUE;
    if (!exists(device)) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(name, (size_t)length, "Emulated GPU");
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    EMULATOR_ENTER_INITIALISED;
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    if (!exists(device)) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = deviceBytes();
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
    EMULATOR_ENTER_INITIALISED;
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    if (!exists(device)) return CUDA_ERROR_INVALID_DEVICE;
    const int capability = (int)setting("SAEVAL_EMULATOR_CAPABILITY", 90);
    switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y: *value = 1024; break;
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z: *value = 64; break;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X: *value = 0x7FFFFFFF; break;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z: *value = 65535; break;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: *value = 48 << 10; break;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
            *value = sharedLimit(capability);
            break;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
            *value = sharedLimit(capability) + 1024;
            break;
        case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *value = 32; break;
        case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK: *value = 65536; break;
        case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *value = 1000000; break;
        // Few, so that kernels that go around their grid do so here as well.
        case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 4; break;
        case CU_DEVICE_ATTRIBUTE_INTEGRATED: *value = 0; break;
        case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
        case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
        case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: *value = 1; break;
        case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID: *value = device + 1; break;
        case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: *value = 1000000; break;
        case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: *value = 256; break;
        case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = 4 << 20; break;
        case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR: *value = 2048; break;
        case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: *value = 2; break;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = capability / 10; break;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = capability % 10; break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    EMULATOR_ENTER_INITIALISED;
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    if (!exists(device)) return CUDA_ERROR_INVALID_DEVICE;
    *context = &contexts[(size_t)device];
    (*context)->references++;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    EMULATOR_ENTER_INITIALISED;
    if (!exists(device)) return CUDA_ERROR_INVALID_DEVICE;
    CUcontext context = &contexts[(size_t)device];
    if (context->references == 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--context->references > 0) return CUDA_SUCCESS;
    // The last one destroys what the context holds.
    drainAll(context);
    checkGuards("all work before the end of a context");
    if (setting("SAEVAL_EMULATOR_STRICT", 0)) {
        if (!context->streams.empty() || context->usedBytes > 0) {
            fail("The last reference to a context goes, which still has %zu streams and %zu bytes.",
                 context->streams.size(), context->usedBytes);
        }
    }
    context->streams.clear();
    freeAll(context);
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
    EMULATOR_ENTER_INITIALISED;
    currentContext = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext* context) {
    EMULATOR_ENTER_INITIALISED;
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    *context = currentContext;
    return CUDA_SUCCESS;
}

}  // extern "C"
