// Memory of the emulated devices: pieces of host memory with guards on both sides, filled with NaN
// when they are new. With SAEVAL_EMULATOR_FENCE=1 a piece also ends where a page begins that may
// not be touched, so that reading behind it ends the process.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "driver.h"
#include "host.h"

namespace emulator {

namespace {

/// Bytes of a guard, and what stands in it: NaN as float32, float16 and bfloat16.
constexpr size_t guardBytes = 512;
constexpr uint16_t guardWord = 0xFFFB;

/// A piece of memory and whose it is.
struct Piece {
    size_t bytes;
    CUcontext context;
    /// What the host gave for it, and the guarded bytes behind it.
    void* memory = nullptr;
    size_t memoryBytes = 0, behindBytes = guardBytes;
};

/// Pieces of device memory and pinned pieces of host memory by their addresses.
std::map<uint64_t, Piece> devicePieces, hostPieces;

/// The piece that holds an address, or ends at it where `orEnd`.
const std::pair<const uint64_t, Piece>* find(const std::map<uint64_t, Piece>& pieces,
                                             uint64_t address, bool orEnd) {
    auto next = pieces.upper_bound(address);
    if (next == pieces.begin()) return nullptr;
    const auto& piece = *--next;
    const uint64_t offset = address - piece.first;
    return offset < piece.second.bytes || (orEnd && offset == piece.second.bytes) ? &piece
                                                                                  : nullptr;
}

/// What stands in a guard.
const std::vector<uint16_t>& guardPattern() {
    static const std::vector<uint16_t> pattern(guardBytes / sizeof(uint16_t), guardWord);
    return pattern;
}

/// Ends the process if a guard of the piece is damaged.
void check(uint64_t address, const Piece& piece, const char* after) {
    const size_t bytes = piece.bytes;
    const auto* start = reinterpret_cast<const unsigned char*>(address);
    const void* pattern = guardPattern().data();
    const bool before = memcmp(start - guardBytes, pattern, guardBytes) != 0;
    if (!before && memcmp(start + bytes, pattern, piece.behindBytes) == 0) return;
    size_t offset = 0;
    const unsigned char* side = before ? start - guardBytes : start + bytes;
    while (side[offset] == static_cast<const unsigned char*>(pattern)[offset]) offset++;
    fail("After %s: somebody wrote byte %zd of a piece of device memory of %zu bytes.", after,
         before ? (ssize_t)offset - (ssize_t)guardBytes : (ssize_t)(bytes + offset), bytes);
}

/// Says which kernel touched a page that may not be touched.
void onFault(int, siginfo_t* fault, void*) {
    fail("Kernel %s read or wrote %p, outside of every piece of memory.", currentKernel(),
         fault->si_addr);
}

/// Memory for a piece, guards included; false if the host has none.
bool reserve(Piece& piece, unsigned char*& start) {
    const size_t bytes = piece.bytes;
    if (!setting("SAEVAL_EMULATOR_FENCE", 0)) {
        piece.memoryBytes = bytes + 2 * guardBytes;
        if (posix_memalign(&piece.memory, guardBytes, piece.memoryBytes) != 0) return false;
        start = static_cast<unsigned char*>(piece.memory) + guardBytes;
        return true;
    }
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    // The piece starts at a multiple of 16 bytes, as wide loads need; what is left is guarded.
    const auto page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t used = (bytes + 15) / 16 * 16;
    const size_t open = (used + guardBytes + page - 1) / page * page;
    piece.memoryBytes = open + page;
    piece.memory = mmap(nullptr, piece.memoryBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (piece.memory == MAP_FAILED) return false;
    mprotect(static_cast<char*>(piece.memory) + open, page, PROT_NONE);
    piece.behindBytes = used - bytes;
    start = static_cast<unsigned char*>(piece.memory) + open - used;
    return true;
}

/// Gives a piece back to the host.
void release(uint64_t address) {
    // What is left behind is not mistaken for numbers.
    const Piece& piece = devicePieces.at(address);
    memset(reinterpret_cast<void*>(address), 0xFF, std::min<size_t>(piece.bytes, 1 << 16));
    piece.context->usedBytes -= piece.bytes;
    if (piece.memoryBytes == piece.bytes + 2 * guardBytes && piece.behindBytes == guardBytes) {
        free(piece.memory);
    } else {
        munmap(piece.memory, piece.memoryBytes);
    }
    devicePieces.erase(address);
}

}  // namespace

bool isDevice(uint64_t address, size_t bytes) {
    const auto* piece = find(devicePieces, address, bytes == 0);
    return piece && bytes <= piece->second.bytes - (address - piece->first);
}

bool isReachable(uint64_t address) {
    return find(devicePieces, address, true) || find(hostPieces, address, true);
}

void checkGuards(const char* after) {
    for (const auto& piece : devicePieces) check(piece.first, piece.second, after);
}

size_t pieceCount() { return devicePieces.size() + hostPieces.size(); }

void freeAll(CUcontext context) {
    std::vector<uint64_t> addresses;
    for (const auto& piece : devicePieces) {
        if (piece.second.context == context) addresses.push_back(piece.first);
    }
    for (uint64_t address : addresses) release(address);
}

namespace {

/// Queues a copy between addresses of the host; the checks are the caller's.
CUresult copy(uint64_t to, uint64_t from, size_t bytes, CUstream stream) {
    return enqueue(stream, [=] {
        memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    });
}

}  // namespace

}  // namespace emulator

using namespace emulator;

extern "C" {

int saevalEmulatorOwns(const void* address, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    return isDevice(reinterpret_cast<uint64_t>(address), bytes);
}

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    EMULATOR_ENTER;
    if (!free || !total) return CUDA_ERROR_INVALID_VALUE;
    *total = deviceBytes();
    *free = *total - std::min(*total, currentContext->usedBytes);
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
    EMULATOR_ENTER;
    if (!address || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    const size_t total = deviceBytes();
    if (bytes > total || currentContext->usedBytes > total - bytes) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    Piece piece{bytes, currentContext};
    unsigned char* start = nullptr;
    if (!reserve(piece, start)) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(start - guardBytes, guardPattern().data(), guardBytes);
    memset(start, 0xFF, bytes);
    memcpy(start + bytes, guardPattern().data(), piece.behindBytes);
    *address = reinterpret_cast<uint64_t>(start);
    devicePieces[*address] = piece;
    currentContext->usedBytes += bytes;
    return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
    EMULATOR_ENTER;
    if (address == 0) return CUDA_SUCCESS;
    const auto piece = devicePieces.find(address);
    if (piece == devicePieces.end()) return CUDA_ERROR_INVALID_VALUE;
    drainAll(currentContext);
    check(address, piece->second, "all work before a cuMemFree");
    release(address);
    giveBackSlowly();
    return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned int flags) {
    EMULATOR_ENTER;
    if (!address || bytes == 0 || flags > 7) return CUDA_ERROR_INVALID_VALUE;
    if (posix_memalign(address, 4096, bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(*address, 0xFF, bytes);
    hostPieces[reinterpret_cast<uint64_t>(*address)] = Piece{bytes, currentContext};
    return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void* address) {
    EMULATOR_ENTER;
    const auto piece = hostPieces.find(reinterpret_cast<uint64_t>(address));
    if (piece == hostPieces.end()) return CUDA_ERROR_INVALID_VALUE;
    drainAll(currentContext);
    hostPieces.erase(piece);
    free(address);
    return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
    EMULATOR_ENTER;
    const auto source = reinterpret_cast<uint64_t>(from);
    if (!from || !isDevice(to, bytes) || isDevice(source, 1)) return CUDA_ERROR_INVALID_VALUE;
    return copy(to, source, bytes, stream);
}

CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
    EMULATOR_ENTER;
    const auto destination = reinterpret_cast<uint64_t>(to);
    if (!to || !isDevice(from, bytes) || isDevice(destination, 1)) return CUDA_ERROR_INVALID_VALUE;
    return copy(destination, from, bytes, stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    EMULATOR_ENTER;
    if (!isDevice(to, bytes) || !isDevice(from, bytes)) return CUDA_ERROR_INVALID_VALUE;
    return copy(to, from, bytes, stream);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    EMULATOR_ENTER;
    if (!isDevice(to, count)) return CUDA_ERROR_INVALID_VALUE;
    return enqueue(stream, [=] { memset(reinterpret_cast<void*>(to), value, count); });
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned int value, size_t count, CUstream stream) {
    EMULATOR_ENTER;
    if (to % 4 != 0 || count > SIZE_MAX / 4 || !isDevice(to, count * 4)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    return enqueue(stream, [=] { std::fill_n(reinterpret_cast<unsigned int*>(to), count, value); });
}

}  // extern "C"
