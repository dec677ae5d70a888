// Runs grids on the host: every CUDA thread of a block is a fiber of the calling thread. A fiber
// runs until its thread ends or waits for others; a fiber whose thread ended takes the next thread,
// so kernels without barriers need no switches.
//
// SAEVAL_EMULATOR_ORDER = forward | reverse | shuffle chooses the order of blocks, warps and lanes
// (SAEVAL_EMULATOR_SEED seeds the third): kernels must give the same numbers in all.
#include "host.h"

#include <stdarg.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <vector>

#include "fibers-state.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

/// Bounds of the section that holds all static shared memory; null where no kernel has any.
extern "C" __attribute__((weak, visibility("hidden"))) unsigned char __start_saeval_shared[];
extern "C" __attribute__((weak, visibility("hidden"))) unsigned char __stop_saeval_shared[];

namespace emulator {

int currentLane;

void fail(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("CUDA emulator: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    fflush(stderr);
    abort();
}

namespace {

// MARK: - The scheduler

/// Gives a thread that has not begun a fiber and makes it, or one that waited, the running one.
void choose(int thread) {
    if (states[thread] == fresh) {
        if (idle.empty()) idle.push_back(makeFiber());
        fibers[thread] = idle.back();
        idle.pop_back();
    }
    active = fibers[thread];
    select(thread);
}

int nextLane() {
    for (int next = cursor + 1; next < lanesOfWarp; next++) {
        const int thread = cursorWarp * lanesOfWarp + laneOrder[next];
        if (thread >= threadCount || states[thread] > ready) continue;
        cursor = next;
        choose(thread);
        return thread;
    }
    return -1;
}

/// What a fiber does: threads, one after the other. One that ends offers its fiber to the next,
/// which then begins without a switch.
void fiberMain() {
    for (;;) {
        kernelCall(kernelParameters);
        finishThread();
        Fiber* own = active;
        idle.push_back(own);
        if (nextLane() < 0) {
            change(*own, scheduler);
        } else if (active != own) {
            change(*own, *active);
        }
    }
}

/// Runs the lanes of a warp until all have ended or wait for other warps; whether any moved.
bool runWarp(int warp) {
    bool any = false, moved = true;
    cursorWarp = warp;
    while (moved) {
        moved = false;
        for (cursor = 0; cursor < lanesOfWarp; cursor++) {
            const int thread = warp * lanesOfWarp + laneOrder[cursor];
            if (thread >= threadCount || states[thread] > ready) continue;
            moved = any = true;
            choose(thread);
            change(scheduler, *active);
        }
    }
    return any;
}

/// Ends the process with what the threads of a block that cannot go on wait for.
[[noreturn]] void failStuck() {
    int waiting = 0, gone = 0;
    while (states[waiting] == ended) waiting++;
    const char* what = states[waiting] == atBarrier ? "the barrier" : "the warp operation";
    const Place& place = places[waiting];
    while (gone < threadCount && states[gone] != ended) gone++;
    if (gone < threadCount) {
        fail("Kernel %s, block (%u, %u, %u): thread %d waits at %s of %s:%d, but thread %d has "
             "ended. All threads must come to every barrier.",
             kernelName, blockIdx.x, blockIdx.y, blockIdx.z, waiting, what, place.file, place.line,
             gone);
    }
    int other = waiting;
    while (other + 1 < threadCount && !(places[other] != place)) other++;
    fail("Kernel %s, block (%u, %u, %u): thread %d waits at %s of %s:%d while thread %d waits at "
         "%s:%d: none can go on.",
         kernelName, blockIdx.x, blockIdx.y, blockIdx.z, waiting, what, place.file, place.line,
         other, places[other].file, places[other].line);
}

/// Fills shared memory with NaN, so that reading what no thread of the block wrote shows.
void poisonShared(size_t sharedBytes) {
    if (__start_saeval_shared) {
        memset(__start_saeval_shared, 0xFF, (size_t)(__stop_saeval_shared - __start_saeval_shared));
    }
    memset(sharedMemory, 0xFF, sharedBytes);
    memset(sharedMemory + sharedBytes, 0xFB, sharedGuardBytes);
}

/// Runs one block to its end.
void runBlock(size_t sharedBytes) {
    poisonShared(sharedBytes);
    memset(states, fresh, sizeof(State) * (size_t)threadCount);
    endedCount = barrierArrived = barrierTrue = 0;
    const int warpCount = (threadCount + lanesOfWarp - 1) / lanesOfWarp;
    for (int warp = 0; warp < warpCount; warp++) {
        const int lanes = std::min(threadCount - warp * lanesOfWarp, lanesOfWarp);
        warps[warp].alive = lanes == lanesOfWarp ? ~0u : (1u << lanes) - 1;
        warps[warp].open = 0;
    }
    while (endedCount < threadCount) {
        bool moved = false;
        for (int index = 0; index < warpCount; index++) moved |= runWarp(warpOrder[index]);
        if (!moved) failStuck();
    }
    for (size_t index = 0; index < sharedGuardBytes; index++) {
        if (sharedMemory[sharedBytes + index] != 0xFB) {
            fail("Kernel %s, block (%u, %u, %u) wrote behind its %zu bytes of dynamic shared "
                 "memory.",
                 kernelName, blockIdx.x, blockIdx.y, blockIdx.z, sharedBytes);
        }
    }
}

}  // namespace

// MARK: - What kernels call

int blockBarrier(Barrier kind, int predicate, const char* file, int line) {
    const Place place{file, line};
    if (barrierArrived == 0) {
        barrierPlace = place;
        barrierTrue = 0;
    } else if (place != barrierPlace) {
        fail("Kernel %s, block (%u, %u, %u): thread %d came to the barrier of %s:%d while others "
             "wait at that of %s:%d.",
             kernelName, blockIdx.x, blockIdx.y, blockIdx.z, current, file, line,
             barrierPlace.file, barrierPlace.line);
    }
    barrierTrue += predicate != 0;
    places[current] = place;
    if (++barrierArrived < threadCount) {
        wait(atBarrier);
    } else {
        barrierArrived = 0;
        barrierAnswer = barrierTrue;
        for (int thread = 0; thread < threadCount; thread++) {
            if (states[thread] == atBarrier) states[thread] = ready;
        }
    }
    if (kind == Barrier::count) return barrierAnswer;
    return kind == Barrier::every ? barrierAnswer == threadCount : barrierAnswer != 0;
}

uint64_t warpMeeting(Meeting kind, unsigned mask, uint64_t value, int source, const char* file,
                     int line) {
    Warp& warp = warps[current / lanesOfWarp];
    const int lane = currentLane, slot = mask ? __builtin_ctz(mask) : 0;
    const Place place{file, line};
    if (!(mask >> lane & 1)) {
        fail("Kernel %s: lane %d calls a warp operation of %s:%d whose mask 0x%08x lacks it.",
             kernelName, lane, file, line, mask);
    }
    WarpMeeting& meeting = warp.meetings[slot];
    if (meeting.arrived == 0 || !(warp.open >> slot & 1)) {
        meeting = {mask, 0, kind, place};
        warp.open |= 1u << slot;
    } else if (meeting.mask != mask || meeting.kind != kind || place != meeting.place) {
        fail("Kernel %s, block (%u, %u, %u): thread %d came to the warp operation of %s:%d (mask "
             "0x%08x) while lanes wait at that of %s:%d (mask 0x%08x).",
             kernelName, blockIdx.x, blockIdx.y, blockIdx.z, current, file, line, mask,
             meeting.place.file, meeting.place.line, meeting.mask);
    }
    warp.values[lane] = value;
    warp.sources[lane] = source;
    meeting.arrived |= 1u << lane;
    places[current] = place;
    if (!closeIfComplete(warp, slot, current - lane)) wait(atMeeting);
    return warp.results[lane];
}

unsigned aliveLanes() { return warps[current / lanesOfWarp].alive; }

const char* currentKernel() { return kernelName ? kernelName : "(none)"; }

unsigned char* dynamicShared() { return sharedMemory; }

// MARK: - Launches

namespace {

/// Whoever launches; one grid runs at a time.
std::mutex launching;

/// A small generator for the shuffled order.
uint64_t randomState;
struct Generator {
    using result_type = uint32_t;
    static constexpr uint32_t min() { return 0; }
    static constexpr uint32_t max() { return UINT32_MAX; }
    uint32_t operator()() {
        randomState = randomState * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(randomState >> 33 ^ randomState >> 17);
    }
};

/// Orders of execution.
enum class Order { forward, reverse, shuffle };

/// The order that the environment asks for.
Order chosenOrder() {
    const char* order = getenv("SAEVAL_EMULATOR_ORDER");
    if (!order || !*order || !strcmp(order, "forward")) return Order::forward;
    if (!strcmp(order, "reverse")) return Order::reverse;
    if (!strcmp(order, "shuffle")) return Order::shuffle;
    fail("SAEVAL_EMULATOR_ORDER is \"%s\"; it may be forward, reverse or shuffle.", order);
}

/// Puts 0 ..< count in order.
template <typename T>
void arrange(T* values, size_t count, Order order) {
    std::iota(values, values + count, (T)0);
    if (order == Order::reverse) std::reverse(values, values + count);
    if (order == Order::shuffle) std::shuffle(values, values + count, Generator());
}

}  // namespace

void launch(const char* name, void (*call)(void**), void** parameters, dim3 grid, dim3 block,
            size_t sharedBytes) {
    std::lock_guard<std::mutex> lock(launching);
    const size_t threads = (size_t)block.x * block.y * block.z;
    const size_t blocks = (size_t)grid.x * grid.y * grid.z;
    if (threads == 0 || threads > maximumThreads || blocks == 0 ||
        sharedBytes > maximumSharedBytes) {
        fail("Kernel %s: a grid of %zu blocks of %zu threads with %zu bytes of shared memory.",
             name, blocks, threads, sharedBytes);
    }
    (kernelName = name, kernelCall = call, kernelParameters = parameters);
    (gridDim = grid, blockDim = block, threadCount = (int)threads);
    for (unsigned thread = 0; thread < threads; thread++) {
        indices[thread] = {thread % block.x, thread / block.x % block.y,
                           thread / block.x / block.y};
    }
    const Order order = chosenOrder();
    const char* seed = getenv("SAEVAL_EMULATOR_SEED");
    randomState = (seed ? strtoull(seed, nullptr, 10) : 1) * 0x9E3779B97F4A7C15u + 1;
    std::vector<uint64_t> blockOrder(blocks);
    arrange(blockOrder.data(), blocks, order);
    for (uint64_t index : blockOrder) {
        blockIdx = {(unsigned)(index % grid.x), (unsigned)(index / grid.x % grid.y),
                    (unsigned)(index / grid.x / grid.y)};
        arrange(warpOrder, (threads + lanesOfWarp - 1) / lanesOfWarp, order);
        arrange(laneOrder, lanesOfWarp, order);
        runBlock(sharedBytes);
    }
}

}  // namespace emulator
