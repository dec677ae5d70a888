// Modules, functions and launches of the emulated driver.
//
// A module is an image of the emulator's nvrtc or PTX text; the functions of every module are the
// kernels this library was built with. SAEVAL_EMULATOR_TRACE=1 writes every kernel that runs to
// standard error.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <vector>

#include "driver.h"
#include "host.h"
#include "image.h"

namespace emulator {
/// The kernels of this library, made by build.sh.
extern const Kernel kernels[];
extern const int kernelCount;
}  // namespace emulator

using namespace emulator;

struct CUfunc_st {
    const Kernel* kernel;
    /// The most dynamic shared memory that a launch may ask for.
    int sharedLimit = 48 << 10;
};

struct CUmod_st {
    CUcontext context;
    /// The PTX text; empty where the image is the emulator's own.
    std::string text;
    /// Functions asked for so far; they live as long as the module.
    std::map<std::string, CUfunc_st> functions;
};

namespace {

/// Modules and functions that exist.
std::set<CUmodule> modules;
std::set<CUfunction> functions;

/// The compute capability times ten.
int capability() { return (int)setting("SAEVAL_EMULATOR_CAPABILITY", 90); }

/// The number behind a word of a text, such as 90 behind "sm_"; −1 without the word.
int numberBehind(const char* text, const char* word) {
    const char* place = strstr(text, word);
    return place ? atoi(place + strlen(word)) : -1;
}

/// Skips spaces and comments of PTX.
const char* skipComments(const char* text) {
    for (;;) {
        text += strspn(text, " \t\r\n");
        if (text[0] != '/' || text[1] != '/') return text;
        text += strcspn(text, "\n");
    }
}

/// Whether the device can take the PTX text, by the rules for its version and target.
CUresult checkPTX(const char* text) {
    int major = 0, minor = 0;
    if (sscanf(skipComments(text), ".version %d.%d", &major, &minor) != 2) {
        return CUDA_ERROR_INVALID_IMAGE;
    }
    // CUDA 12.9 reads PTX up to 8.8, 11.0 up to 7.0.
    if (major * 10 + minor > (driverVersion >= 12000 ? 88 : 70)) {
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    const int target = numberBehind(text, ".target sm_");
    return target < 0 || target > capability() ? CUDA_ERROR_INVALID_PTX : CUDA_SUCCESS;
}

/// Whether the device can take an image of the emulator's nvrtc: of the same major number, and not
/// of a later one.
CUresult checkImage(const char* image) {
    const int target = numberBehind(image, "sm_");
    const bool fits = target / 10 == capability() / 10 && target <= capability();
    return fits ? CUDA_SUCCESS : CUDA_ERROR_NO_BINARY_FOR_GPU;
}

/// The kernel of a name; null if this library has none.
const Kernel* findKernel(const char* name) {
    for (int index = 0; index < kernelCount; index++) {
        if (strcmp(kernels[index].name, name) == 0) return &kernels[index];
    }
    return nullptr;
}

/// A launch that waits in a stream, with copies of its parameters.
struct Launch {
    const Kernel* kernel;
    dim3 grid, block;
    size_t sharedBytes;
    std::vector<std::vector<unsigned char>> values;

    /// Copies the parameters; pointers that point nowhere end the process.
    void take(void** parameters) {
        for (int index = 0; index < kernel->count; index++) {
            const Parameter& parameter = kernel->parameters[index];
            const auto* bytes = static_cast<const unsigned char*>(parameters[index]);
            values.emplace_back(bytes, bytes + parameter.bytes);
            uint64_t address = 0;
            if (parameter.isPointer) memcpy(&address, bytes, sizeof(address));
            if (address != 0 && !isReachable(address)) {
                fail("Kernel %s: parameter %d is 0x%llx, which is not in device memory.",
                     kernel->name, index, (unsigned long long)address);
            }
        }
    }

    /// Runs the kernel.
    void run() {
        if (setting("SAEVAL_EMULATOR_TRACE", 0)) {
            fprintf(stderr, "CUDA emulator: %s grid %u %u %u block %u %u %u shared %zu\n",
                    kernel->name, grid.x, grid.y, grid.z, block.x, block.y, block.z, sharedBytes);
        }
        std::vector<void*> addresses;
        for (auto& value : values) addresses.push_back(value.data());
        launch(kernel->name, kernel->call, addresses.data(), grid, block, sharedBytes);
        checkGuards(kernel->name);
    }
};

}  // namespace

extern "C" {

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    EMULATOR_ENTER;
    if (!module || !image) return CUDA_ERROR_INVALID_VALUE;
    const char* text = static_cast<const char*>(image);
    const bool own = strncmp(text, EMULATOR_IMAGE, strlen(EMULATOR_IMAGE)) == 0;
    const CUresult result = own ? checkImage(text) : checkPTX(text);
    if (result != CUDA_SUCCESS) return result;
    const bool real = !own && !strstr(text, EMULATOR_IMAGE);
    *module = new CUmod_st{currentContext, real ? text : "", {}};
    modules.insert(*module);
    return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
    EMULATOR_ENTER;
    if (!modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
    drainAll(currentContext);
    for (auto& entry : module->functions) functions.erase(&entry.second);
    modules.erase(module);
    delete module;
    return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    EMULATOR_ENTER;
    if (!function || !name) return CUDA_ERROR_INVALID_VALUE;
    if (!modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
    const Kernel* kernel = findKernel(name);
    // Real PTX must have the function as well.
    const std::string entry = ".entry " + std::string(name) + "(";
    if (!kernel || (!module->text.empty() && module->text.find(entry) == std::string::npos)) {
        return CUDA_ERROR_NOT_FOUND;
    }
    CUfunc_st& made = module->functions[name];
    made.kernel = kernel;
    functions.insert(&made);
    *function = &made;
    return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    EMULATOR_ENTER;
    if (!functions.count(function)) return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 ||
        value > sharedLimit(capability())) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    function->sharedLimit = value;
    return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned int gridX, unsigned int gridY,
                        unsigned int gridZ, unsigned int blockX, unsigned int blockY,
                        unsigned int blockZ, unsigned int sharedBytes, CUstream stream,
                        void** parameters, void** extra) {
    EMULATOR_ENTER;
    if (!functions.count(function) || !queueOf(stream)) return CUDA_ERROR_INVALID_HANDLE;
    const uint64_t threads = (uint64_t)blockX * blockY * blockZ;
    if (threads == 0 || blockX > 1024 || blockY > 1024 || blockZ > 64 || threads > 1024 ||
        gridX == 0 || gridY == 0 || gridZ == 0 || gridX > 0x7FFFFFFF || gridY > 65535 ||
        gridZ > 65535 || extra || (!parameters && function->kernel->count > 0) ||
        sharedBytes > (unsigned)std::max(function->sharedLimit, 48 << 10)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Launch launch{function->kernel, dim3(gridX, gridY, gridZ), dim3(blockX, blockY, blockZ),
                  sharedBytes, {}};
    launch.take(parameters);
    return enqueue(stream, [launch]() mutable { launch.run(); });
}

}  // extern "C"
