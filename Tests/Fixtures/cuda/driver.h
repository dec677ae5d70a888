// What the files of the emulated driver share: contexts, streams and memory. All of it is guarded
// by one lock, which every entry point takes; work is carried out under the lock.
#pragma once

#include <stdint.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

// The interface is what the library shows; everything else is hidden.
#pragma GCC visibility push(default)
#include "cuda-api.h"

/// Entry points for cuBLAS of the emulator, which is another library.
extern "C" {
/// Appends work to a stream, as a kernel launch does; `work` owns `state`.
CUresult saevalEmulatorEnqueue(CUstream stream, void (*work)(void* state), void* state);
/// Whether the bytes lie within one piece of device memory.
int saevalEmulatorOwns(const void* address, size_t bytes);
}
#pragma GCC visibility pop

namespace emulator {

/// What one stream has to do, in order, and how much of it is done.
struct Queue;

/// One recording of an event: a place in a queue.
struct Record {
    std::shared_ptr<Queue> queue;
    /// The number of operations of the queue that are done when this one is reached.
    uint64_t number = 0;
    bool done = false;
    std::chrono::steady_clock::time_point time;
};

/// Work, or a wait for another queue.
struct Operation {
    std::function<void()> work;
    std::shared_ptr<Queue> waitFor;
    uint64_t waitNumber = 0;
};

struct Queue {
    std::deque<Operation> operations;
    uint64_t enqueued = 0, done = 0;
    /// Whether it waits for the default stream and that for it.
    bool blocking = true;
};

}  // namespace emulator

/// The context of a device; the only one it has.
struct CUctx_st {
    CUdevice device = 0;
    int references = 0;
    size_t usedBytes = 0;
    /// The default stream and the others.
    std::shared_ptr<emulator::Queue> legacy = std::make_shared<emulator::Queue>();
    std::set<CUstream> streams;
};

struct CUstream_st {
    CUcontext context;
    std::shared_ptr<emulator::Queue> queue;
};

struct CUevent_st {
    CUcontext context;
    bool timed;
    /// The last recording; null before the first.
    std::shared_ptr<emulator::Record> last;
};

namespace emulator {

/// The version that the driver reports and the answer of cuInit; a variant of the library has
/// others (variant.cpp).
extern const int driverVersion, initialisationResult;

/// Held by every entry point.
extern std::mutex lock;
/// Whether cuInit succeeded.
extern bool initialised;
/// The calling thread's context; null if it has none.
extern thread_local CUcontext currentContext;

/// The number of an environment variable, or what is taken without it.
uint64_t setting(const char* name, uint64_t otherwise);

/// Why calls that need a context fail now on this thread; success if they do not.
CUresult contextProblem();

/// Ends the process if its exit handlers run already: a driver's own memory may be gone by then.
void checkNotEnded(const char* call);
/// Waits as long as SAEVAL_EMULATOR_SLOW says that giving something back takes.
void giveBackSlowly();

/// Bytes of a device.
size_t deviceBytes();

/// The largest dynamic shared memory of a block for a compute capability times ten.
int sharedLimit(int capability);

// Streams (streams.cpp)

/// The queue of a stream of the current context; null if there is no such stream.
std::shared_ptr<Queue> queueOf(CUstream stream);
/// Appends an operation to a stream; it is carried out when something waits for it.
CUresult enqueue(CUstream stream, std::function<void()> work);
/// Carries out what a queue holds until `number` operations of it are done.
void drain(const std::shared_ptr<Queue>& queue, uint64_t number);
/// Carries out everything that streams of the context hold.
void drainAll(CUcontext context);

// Memory (memory.cpp)

/// Whether bytes lie within one piece of device memory.
bool isDevice(uint64_t address, size_t bytes);
/// Whether an address is one a kernel may be given: within or at the end of device or pinned
/// memory.
bool isReachable(uint64_t address);
/// Ends the process if somebody wrote beside a piece of device memory.
void checkGuards(const char* after);
/// Forgets all memory of a context.
void freeAll(CUcontext context);
/// Pieces of device memory and pinned pieces of the host that nobody gave back.
size_t pieceCount();

}  // namespace emulator

/// The first lines of an entry point that needs a context.
#define EMULATOR_ENTER                                                                             \
    std::lock_guard<std::mutex> guard(emulator::lock);                                             \
    emulator::checkNotEnded(__func__);                                                             \
    if (CUresult problem = emulator::contextProblem(); problem != CUDA_SUCCESS) return problem
/// The first lines of one that needs only cuInit.
#define EMULATOR_ENTER_INITIALISED                                                                 \
    std::lock_guard<std::mutex> guard(emulator::lock);                                             \
    emulator::checkNotEnded(__func__);                                                             \
    if (!emulator::initialised) return CUDA_ERROR_NOT_INITIALIZED
