import Basics
import Dispatch
import Synchronization

/// Rank 0's own worker: does tasks on a thread of its own, so that rank 0 can coordinate meanwhile.
final class LocalWorker: Sendable {
    private let worker: Worker
    private let inbox = Mutex<[WorkTask]>([])
    private let outbox = Mutex<[Result<WorkReport, any Error>]>([])
    private let wake = DispatchSemaphore(value: 0)
    private let thread = Mutex<BackgroundThread?>(nil)

    init(_ worker: Worker) {
        self.worker = worker
        thread.withLock { $0 = BackgroundThread("rank 0's worker") { [self] in work($0) } }
    }

    /// Hands it a task.
    func send(_ task: WorkTask) {
        inbox.withLock { $0.append(task) }
        wake.signal()
    }

    /// A report, if one is there.
    func receive() throws -> WorkReport? {
        try outbox.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.get()
    }

    /// Waits for the end of the thread, which comes after its task; without effect the second time.
    func end() {
        thread.withLock { thread in
            thread?.askToEnd()
            wake.signal()
            thread?.end()
            thread = nil
        }
    }

    private func work(_ thread: BackgroundThread) {
        while true {
            wake.wait()
            guard !thread.isEnding else { return }
            guard let task = inbox.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                continue
            }
            let result = Result { try worker.perform(task) }
            outbox.withLock { $0.append(result) }
        }
    }
}
