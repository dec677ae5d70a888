import Basics
import Messaging

/// Hands tasks to workers that ask and collects their reports. Rank 0 sleeps between messages.
///
/// With one rank the tasks run here, one after the other.
final class WorkPool {
    private let worker: Worker
    private let messenger: Messenger
    private var idle: [Int] = []
    private var busy: Set<Int> = []

    init(worker: Worker, messenger: Messenger) {
        (self.worker, self.messenger) = (worker, messenger)
    }

    /// Waits until every worker has asked for work.
    func gatherWorkers() throws {
        guard messenger.isParallel else { return }
        while idle.count < messenger.size - 1 { _ = try receive() }
    }

    /// Opens activation sets on all ranks; collective.
    func open(_ sets: [Int]) throws {
        try command(.open(sets))
        try worker.open(sets)
        try gatherWorkers()
    }

    /// Closes them on all ranks; collective.
    func close() throws {
        try command(.close)
        try worker.close()
        try gatherWorkers()
    }

    /// Ends all workers.
    func stop() throws { try command(.stop) }

    /// Runs tasks, first ones first, and hands each report to `finish` with the rank that made it.
    ///
    /// - Returns: whether all tasks ran; false when a stop was requested.
    func run(_ tasks: [WorkTask], finish: (WorkReport, Int) throws -> Void) throws -> Bool {
        var next = 0
        if !messenger.isParallel {
            while next < tasks.count, !StopSignal.isRequested {
                try finish(try worker.perform(tasks[next]), 0)
                next += 1
            }
            return next == tasks.count
        }
        while true {
            while next < tasks.count, !StopSignal.isRequested, let rank = idle.popLast() {
                try messenger.send(
                    messageBytes(Command.perform(tasks[next])), to: rank, tag: MessageTag.command)
                busy.insert(rank)
                next += 1
            }
            if busy.isEmpty { return next == tasks.count }
            let (report, rank) = try receive()
            try finish(report, rank)
        }
    }

    private func receive() throws -> (WorkReport, Int) {
        let envelope = try messenger.waitForMessage(tag: MessageTag.report)!
        let report: WorkReport = try message(
            try messenger.receive(from: envelope.source, tag: MessageTag.report))
        if case .fatal(let reason) = report {
            throw RunError(.lostRank, "Rank \(envelope.source) cannot go on: \(reason)")
        }
        busy.remove(envelope.source)
        idle.append(envelope.source)
        return (report, envelope.source)
    }

    private func command(_ command: Command) throws {
        guard messenger.isParallel else { return }
        let bytes = try messageBytes(command)
        for rank in 1..<messenger.size {
            try messenger.send(bytes, to: rank, tag: MessageTag.command)
        }
        idle = []
    }
}
