// Threads of a block, warps and atomics of CUDA, for host.h. The threads are fibers of one thread
// of the host (fibers.cpp): one runs until it ends or waits, so atomics are plain operations.
#pragma once

#pragma GCC visibility push(hidden)

/// Place of the running thread in its block, of its block in the grid, and their sizes.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
/// Threads of a warp.
static const int warpSize = 32;

namespace emulator {

/// What the lanes of a warp meet for.
enum class Meeting : int {
    sync, shuffle, ballot, all, match, add, smallest, largest, bitOr, bitAnd
};
/// What a barrier of a block answers.
enum class Barrier : int { plain, count, every, any };

/// The running thread's lane in its warp.
extern int currentLane;

/// Waits until all threads of the block have come to this barrier of the source.
int blockBarrier(Barrier kind, int predicate, const char* file, int line);

/// Waits until all lanes of the mask that have not ended have come to this operation.
///
/// `value` is what the lane gives; a shuffle answers the value of lane `source`, all ones if that
/// lane is not here.
uint64_t warpMeeting(Meeting kind, unsigned mask, uint64_t value, int source, const char* file,
                     int line);

/// Lanes of the running warp that have not ended.
unsigned aliveLanes();

/// The block's dynamic shared memory.
unsigned char* dynamicShared();

/// Runs `call(parameters)` once for every thread of the grid, block after block.
void launch(const char* name, void (*call)(void**), void** parameters, dim3 grid, dim3 block,
            size_t sharedBytes);

/// The name of the kernel that runs, or that ran last.
const char* currentKernel();

/// Ends the process with a sentence on standard error.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace emulator

#pragma GCC visibility pop

/// The place of a call in the source, as default arguments.
#define EMULATOR_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

// MARK: - Barriers

static inline void __syncthreads(EMULATOR_PLACE) {
    emulator::blockBarrier(emulator::Barrier::plain, 0, file, line);
}
static inline int __syncthreads_count(int predicate, EMULATOR_PLACE) {
    return emulator::blockBarrier(emulator::Barrier::count, predicate, file, line);
}
static inline int __syncthreads_and(int predicate, EMULATOR_PLACE) {
    return emulator::blockBarrier(emulator::Barrier::every, predicate, file, line);
}
static inline int __syncthreads_or(int predicate, EMULATOR_PLACE) {
    return emulator::blockBarrier(emulator::Barrier::any, predicate, file, line);
}
static inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, EMULATOR_PLACE) {
    emulator::warpMeeting(emulator::Meeting::sync, mask, 0, 0, file, line);
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}
static inline void __nanosleep(unsigned) {}
[[noreturn]] static inline void __trap() { emulator::fail("A kernel called __trap()."); }

// MARK: - Shuffles

/// The value of `T` that lane `source` gives.
template <typename T>
static inline T emulatorShuffle(unsigned mask, T value, int source, const char* file, int line) {
    static_assert(sizeof(T) <= 8, "shuffles move at most eight bytes");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof(T));
    word = emulator::warpMeeting(emulator::Meeting::shuffle, mask, word, source, file, line);
    memcpy(&value, &word, sizeof(T));
    return value;
}
template <typename T>
static inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, EMULATOR_PLACE) {
    const int segment = emulator::currentLane & ~(width - 1);
    return emulatorShuffle(mask, value, segment | (source & (width - 1)), file, line);
}
template <typename T>
static inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                               EMULATOR_PLACE) {
    const int lane = emulator::currentLane, source = lane - (int)delta;
    return emulatorShuffle(mask, value, source < (lane & ~(width - 1)) ? lane : source, file, line);
}
template <typename T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                                 EMULATOR_PLACE) {
    const int lane = emulator::currentLane, source = lane + (int)delta;
    return emulatorShuffle(mask, value, source > (lane | (width - 1)) ? lane : source, file, line);
}
template <typename T>
static inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, EMULATOR_PLACE) {
    const int lane = emulator::currentLane, source = lane ^ bits;
    return emulatorShuffle(mask, value, source > (lane | (width - 1)) ? lane : source, file, line);
}

// MARK: - Votes and reductions

static inline unsigned __ballot_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
    return (unsigned)emulator::warpMeeting(emulator::Meeting::ballot, mask, predicate != 0, 0, file,
                                           line);
}
static inline int __any_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
    return __ballot_sync(mask, predicate, file, line) != 0;
}
static inline int __all_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
    return (int)emulator::warpMeeting(emulator::Meeting::all, mask, predicate != 0, 0, file, line);
}
static inline unsigned __activemask() { return emulator::aliveLanes(); }
template <typename T>
static inline unsigned __match_any_sync(unsigned mask, T value, EMULATOR_PLACE) {
    uint64_t word = 0;
    memcpy(&word, &value, sizeof(T));
    return (unsigned)emulator::warpMeeting(emulator::Meeting::match, mask, word, 0, file, line);
}
/// The reductions of sm_80 for int and unsigned; both widen to a signed word that keeps the order.
#define EMULATOR_REDUCTION(name, meeting)                                                          \
    template <typename T>                                                                          \
    static inline T name(unsigned mask, T value, EMULATOR_PLACE) {                                 \
        static_assert(sizeof(T) == 4, "reductions take four bytes");                               \
        return (T)emulator::warpMeeting(emulator::Meeting::meeting, mask,                          \
                                        (uint64_t)(int64_t)value, 0, file, line);                  \
    }
EMULATOR_REDUCTION(__reduce_add_sync, add)
EMULATOR_REDUCTION(__reduce_min_sync, smallest)
EMULATOR_REDUCTION(__reduce_max_sync, largest)
EMULATOR_REDUCTION(__reduce_or_sync, bitOr)
EMULATOR_REDUCTION(__reduce_and_sync, bitAnd)

// MARK: - Atomics

/// An atomic operation that answers the old value.
#define EMULATOR_ATOMIC(name, update)                                                              \
    template <typename T, typename V>                                                              \
    static inline T name(T* address, V operand) {                                                  \
        const T old = *address, value = (T)operand;                                                \
        *address = update;                                                                         \
        return old;                                                                                \
    }
EMULATOR_ATOMIC(atomicAdd, (T)(old + value))
EMULATOR_ATOMIC(atomicSub, (T)(old - value))
EMULATOR_ATOMIC(atomicMin, value < old ? value : old)
EMULATOR_ATOMIC(atomicMax, value > old ? value : old)
EMULATOR_ATOMIC(atomicOr, (T)(old | value))
EMULATOR_ATOMIC(atomicAnd, (T)(old & value))
EMULATOR_ATOMIC(atomicXor, (T)(old ^ value))
EMULATOR_ATOMIC(atomicExch, value)
EMULATOR_ATOMIC(atomicInc, old >= value ? (T)0 : (T)(old + 1))
EMULATOR_ATOMIC(atomicDec, old == 0 || old > value ? value : (T)(old - 1))
/// Stores `value` where `expected` is; answers the old value.
template <typename T, typename E, typename V>
static inline T atomicCAS(T* address, E expected, V value) {
    const T old = *address;
    if (old == (T)expected) *address = (T)value;
    return old;
}
