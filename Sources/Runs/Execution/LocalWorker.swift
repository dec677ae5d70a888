import Foundation
import Messaging
import Synchronization

/// Rank 0's own worker: does tasks on a thread of its own, so that rank 0 can coordinate meanwhile.
final class LocalWorker: Sendable {
    private let worker: Worker
    private let inbox = Mutex<[WorkTask]>([])
    private let outbox = Mutex<[Result<WorkReport, any Error>]>([])
    private let wake = DispatchSemaphore(value: 0)
    private let isEnding = Atomic<Bool>(false)

    init(_ worker: Worker) {
        self.worker = worker
        Thread.detach { self.work() }
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

    /// Ends the thread after its task.
    func end() {
        isEnding.store(true, ordering: .releasing)
        wake.signal()
    }

    private func work() {
        while true {
            wake.wait()
            guard !isEnding.load(ordering: .acquiring) else { return }
            guard let task = inbox.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                continue
            }
            let result = Result { try worker.perform(task) }
            outbox.withLock { $0.append(result) }
        }
    }
}

extension Thread {
    /// Starts a thread with as large a stack as a program's first.
    static func detach(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = 8 << 20
        thread.start()
    }
}
