// Streams and events of the emulated driver. They are lazy: an operation is carried out when
// something waits for it and not before, so a missing wait gives wrong numbers here every time.
#include "driver.h"

namespace emulator {

std::shared_ptr<Queue> queueOf(CUstream stream) {
    // 0 is the default stream; 1 is the same under its own name.
    if (stream == nullptr || stream == reinterpret_cast<CUstream>(1)) return currentContext->legacy;
    return currentContext->streams.count(stream) ? stream->queue : nullptr;
}

namespace {

/// Appends an operation to a queue.
void append(Queue& queue, Operation operation) {
    queue.operations.push_back(std::move(operation));
    queue.enqueued++;
}

/// Lets `queue` wait for all that `other` holds by now.
void appendWait(Queue& queue, const std::shared_ptr<Queue>& other) {
    if (other->done < other->enqueued) append(queue, {nullptr, other, other->enqueued});
}

/// Appends the waits that CUDA puts between the default stream and blocking ones.
void appendDefaultWaits(const std::shared_ptr<Queue>& queue) {
    const auto& legacy = currentContext->legacy;
    if (queue != legacy) {
        if (queue->blocking) appendWait(*queue, legacy);
        return;
    }
    for (CUstream stream : currentContext->streams) {
        if (stream->queue->blocking) appendWait(*legacy, stream->queue);
    }
}

/// Carries out the next operation of a queue.
void step(const std::shared_ptr<Queue>& queue) {
    Operation operation = std::move(queue->operations.front());
    queue->operations.pop_front();
    if (operation.waitFor) drain(operation.waitFor, operation.waitNumber);
    if (operation.work) operation.work();
    queue->done++;
}

}  // namespace

CUresult enqueue(CUstream stream, std::function<void()> work) {
    const auto queue = queueOf(stream);
    if (!queue) return CUDA_ERROR_INVALID_HANDLE;
    appendDefaultWaits(queue);
    append(*queue, {std::move(work), nullptr, 0});
    return CUDA_SUCCESS;
}

void drain(const std::shared_ptr<Queue>& queue, uint64_t number) {
    while (queue->done < number && !queue->operations.empty()) step(queue);
}

void drainAll(CUcontext context) {
    drain(context->legacy, context->legacy->enqueued);
    for (CUstream stream : context->streams) drain(stream->queue, stream->queue->enqueued);
}

}  // namespace emulator

using namespace emulator;

namespace {

/// Events that exist.
std::set<CUevent> events;

}  // namespace

extern "C" {

CUresult saevalEmulatorEnqueue(CUstream stream, void (*work)(void*), void* state) {
    EMULATOR_ENTER;
    return enqueue(stream, [work, state] {
        work(state);
        checkGuards("a product of cuBLAS");
    });
}

CUresult cuCtxSynchronize(void) {
    EMULATOR_ENTER;
    drainAll(currentContext);
    checkGuards("a synchronisation of the context");
    return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream* stream, unsigned int flags) {
    EMULATOR_ENTER;
    if (!stream || flags > CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    *stream = new CUstream_st{currentContext, std::make_shared<Queue>()};
    (*stream)->queue->blocking = flags != CU_STREAM_NON_BLOCKING;
    currentContext->streams.insert(*stream);
    return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
    EMULATOR_ENTER;
    if (!currentContext->streams.count(stream)) return CUDA_ERROR_INVALID_HANDLE;
    drain(stream->queue, stream->queue->enqueued);
    currentContext->streams.erase(stream);
    delete stream;
    return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
    EMULATOR_ENTER;
    const auto queue = queueOf(stream);
    if (!queue) return CUDA_ERROR_INVALID_HANDLE;
    appendDefaultWaits(queue);
    drain(queue, queue->enqueued);
    checkGuards("a synchronisation of a stream");
    return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
    EMULATOR_ENTER;
    const auto queue = queueOf(stream);
    if (!queue || !events.count(event)) return CUDA_ERROR_INVALID_HANDLE;
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    // An event that was never recorded holds nobody up.
    if (!event->last || event->last->done) return CUDA_SUCCESS;
    append(*queue, {nullptr, event->last->queue, event->last->number});
    return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent* event, unsigned int flags) {
    EMULATOR_ENTER;
    if (!event || flags > 3) return CUDA_ERROR_INVALID_VALUE;
    *event = new CUevent_st{currentContext, !(flags & CU_EVENT_DISABLE_TIMING), nullptr};
    events.insert(*event);
    giveBackSlowly();
    return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    EMULATOR_ENTER;
    const auto queue = queueOf(stream);
    if (!queue || !events.count(event)) return CUDA_ERROR_INVALID_HANDLE;
    auto record = std::make_shared<Record>();
    const CUresult result = enqueue(stream, [record] {
        record->done = true;
        record->time = std::chrono::steady_clock::now();
    });
    record->queue = queue;
    record->number = queue->enqueued;
    event->last = record;
    return result;
}

CUresult cuEventSynchronize(CUevent event) {
    EMULATOR_ENTER;
    if (!events.count(event)) return CUDA_ERROR_INVALID_HANDLE;
    if (!event->last) return CUDA_SUCCESS;
    drain(event->last->queue, event->last->number);
    checkGuards("a synchronisation of an event");
    return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event) {
    EMULATOR_ENTER;
    if (!events.count(event)) return CUDA_ERROR_INVALID_HANDLE;
    if (!event->last || event->last->done) return CUDA_SUCCESS;
    // One operation is carried out for every question, so that whoever asks in a loop gets on.
    drain(event->last->queue, event->last->queue->done + 1);
    return CUDA_ERROR_NOT_READY;
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    EMULATOR_ENTER;
    if (!events.count(start) || !events.count(end)) return CUDA_ERROR_INVALID_HANDLE;
    if (!milliseconds) return CUDA_ERROR_INVALID_VALUE;
    if (!start->timed || !end->timed || !start->last || !end->last) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!start->last->done || !end->last->done) return CUDA_ERROR_NOT_READY;
    const auto span = end->last->time - start->last->time;
    *milliseconds = std::chrono::duration<float, std::milli>(span).count();
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent event) {
    EMULATOR_ENTER;
    if (!events.erase(event)) return CUDA_ERROR_INVALID_HANDLE;
    delete event;
    return CUDA_SUCCESS;
}

}  // extern "C"
