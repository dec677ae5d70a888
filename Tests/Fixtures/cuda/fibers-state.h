// What fibers.cpp keeps of the block that runs, and the meetings of its warps.
#pragma once

#include <vector>

#include "fibers-stacks.h"

namespace emulator {
namespace {

/// Limits of a block.
constexpr int maximumThreads = 1024, lanesOfWarp = 32, maximumWarps = maximumThreads / lanesOfWarp;
/// Bytes behind the dynamic shared memory that must stay as they are.
constexpr size_t sharedGuardBytes = 256, maximumSharedBytes = 228 << 10;

/// What a thread is doing.
enum State : uint8_t { fresh, ready, running, atMeeting, atBarrier, ended };

/// A call in the source where threads wait.
struct Place {
    const char* file;
    int line;
    /// Whether both are the same call.
    bool operator!=(const Place& other) const {
        return line != other.line || (file != other.file && strcmp(file, other.file) != 0);
    }
};

/// Lanes that wait for one another.
struct WarpMeeting {
    unsigned mask, arrived;
    Meeting kind;
    Place place;
};

/// A warp: its lanes that have not ended, and what they give and get at meetings. Masks that are
/// apart meet apart: a meeting is found by the lowest lane of its mask.
struct Warp {
    unsigned alive, open;
    WarpMeeting meetings[lanesOfWarp];
    uint64_t values[lanesOfWarp], results[lanesOfWarp];
    int sources[lanesOfWarp];
};

/// The launch that runs; one at a time.
const char* kernelName;
void (*kernelCall)(void**);
void** kernelParameters;

/// The block that runs.
int threadCount, endedCount, current;
State states[maximumThreads];
Place places[maximumThreads];
Fiber* fibers[maximumThreads];
uint3 indices[maximumThreads];
Warp warps[maximumWarps];

/// The barrier of the block: who came, what they said, what it answered.
int barrierArrived, barrierTrue, barrierAnswer;
Place barrierPlace;

/// The order of warps and lanes, and the place in it of the lane that runs.
int warpOrder[maximumWarps], laneOrder[lanesOfWarp], cursor, cursorWarp;

/// The scheduler's own place, the running fiber and those without a thread.
Fiber scheduler;
Fiber* active;
std::vector<Fiber*> idle;

/// Dynamic shared memory of the block.
alignas(1024) unsigned char sharedMemory[maximumSharedBytes + sharedGuardBytes];

/// Makes `thread` the running one.
void select(int thread) {
    current = thread;
    currentLane = thread % lanesOfWarp;
    threadIdx = indices[thread];
    states[thread] = running;
}

/// The next lane in order that can run, which becomes the running one; −1 if there is none.
int nextLane();

/// Lets the next lane or the scheduler run; answers when the thread may go on itself.
void wait(State state) {
    states[current] = state;
    Fiber& own = *active;
    change(own, nextLane() < 0 ? scheduler : *active);
}

// MARK: - Warps

/// The answer of a meeting to all its lanes.
uint64_t fold(const Warp& warp, const WarpMeeting& meeting) {
    uint64_t result = 0;
    bool first = true;
    for (unsigned rest = meeting.arrived; rest; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        const auto a = (int64_t)result, b = (int64_t)warp.values[lane];
        switch (meeting.kind) {
            case Meeting::ballot: result |= (uint64_t)(b != 0) << lane; break;
            case Meeting::add: result = (uint64_t)(a + b); break;
            case Meeting::smallest: result = (uint64_t)(first || b < a ? b : a); break;
            case Meeting::largest: result = (uint64_t)(first || b > a ? b : a); break;
            case Meeting::bitOr: result |= (uint64_t)b; break;
            default: result = first ? (uint64_t)b : (uint64_t)(a & b); break;
        }
        first = false;
    }
    return result;
}

/// Gives every lane of a complete meeting its answer and lets it go on.
void close(Warp& warp, int slot, int firstThread) {
    WarpMeeting& meeting = warp.meetings[slot];
    const bool single = meeting.kind == Meeting::shuffle || meeting.kind == Meeting::match;
    const uint64_t common = single || meeting.kind == Meeting::sync ? 0 : fold(warp, meeting);
    for (unsigned rest = meeting.arrived; rest; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        uint64_t result = common;
        if (meeting.kind == Meeting::shuffle) {
            const int source = warp.sources[lane] & 31;
            result = meeting.arrived >> source & 1 ? warp.values[source] : ~(uint64_t)0;
        } else if (meeting.kind == Meeting::match) {
            for (unsigned others = meeting.arrived; others; others &= others - 1) {
                const int other = __builtin_ctz(others);
                if (warp.values[other] == warp.values[lane]) result |= (uint64_t)1 << other;
            }
        }
        warp.results[lane] = result;
        if (states[firstThread + lane] == atMeeting) states[firstThread + lane] = ready;
    }
    meeting.arrived = 0;
    warp.open &= ~(1u << slot);
}

/// Closes a meeting if all that can come have come.
bool closeIfComplete(Warp& warp, int slot, int firstThread) {
    const WarpMeeting& meeting = warp.meetings[slot];
    if (meeting.mask & warp.alive & ~meeting.arrived) return false;
    close(warp, slot, firstThread);
    return true;
}

/// Marks the running thread as ended; meetings wait for it no longer.
void finishThread() {
    states[current] = ended;
    endedCount++;
    Warp& warp = warps[current / lanesOfWarp];
    warp.alive &= ~(1u << currentLane);
    for (unsigned rest = warp.open; rest; rest &= rest - 1) {
        closeIfComplete(warp, __builtin_ctz(rest), current - currentLane);
    }
}

}  // namespace
}  // namespace emulator
