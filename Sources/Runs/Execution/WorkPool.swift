import Basics
import Messaging
import Plans

/// What the pool asks of and tells the coordinator.
protocol WorkPoolOwner: AnyObject {
    /// The task of a number, when it is about to be handed out; nil when nothing of it is left to do.
    func task(_ index: Int) throws -> WorkTask?
    /// A rank was handed a task.
    func began(_ index: Int, rank: Int)
    /// A task is done.
    ///
    /// - Parameters:
    ///   - report: nil when nothing of it was left to do.
    ///   - met: dependencies of the scheduler that are met by this.
    func finished(_ index: Int, _ report: WorkReport?, rank: Int, met: [Int]) throws
    /// A rank is lost, and the task that it had goes to another.
    func lost(_ rank: Int, task: Int?, reason: String)
}

/// Hands tasks to ranks that are idle and collects their reports. Rank 0 works too, on a thread of
/// its own; the thread that coordinates sleeps between messages.
final class WorkPool {
    private let worker: Worker
    private let local: LocalWorker
    private let messenger: Messenger
    private let heartbeat: Heartbeat
    private let options: RunOptions
    private let hosts: [String]
    /// Ranks that wait for a task, and the task of each that has one.
    private var idle: Set<Int> = [0]
    private var running: [Int: Int] = [:]
    private var lostRanks: Set<Int> = []
    /// How often a task's rank was lost.
    private var losses: [Int: Int] = [:]
    private var posted: [OutgoingMessage] = []
    private var lastLook = monotonicSeconds()

    /// - Parameter hosts: of each rank, for messages.
    init(
        worker: Worker, messenger: Messenger, heartbeat: Heartbeat, options: RunOptions,
        hosts: [String]
    ) {
        (self.worker, self.messenger, self.heartbeat) = (worker, messenger, heartbeat)
        (self.options, self.hosts) = (options, hosts)
        local = LocalWorker(worker)
    }

    /// Ranks other than 0 that are not lost.
    var others: [Int] { (0..<messenger.size).filter { $0 > 0 && !lostRanks.contains($0) } }

    /// Whether some rank was lost.
    var hasLosses: Bool { !lostRanks.isEmpty }

    /// Waits until every other rank has said that it is ready.
    func gatherWorkers() throws {
        while !others.allSatisfy(idle.contains) {
            switch try event() {
            case .report(.ready, let rank): idle.insert(rank)
            case .report(_, let rank):
                throw RunError(.lostRank, "Rank \(rank) answers out of turn", advice: "run again")
            case .lost: continue
            }
        }
    }

    /// Opens activation sets on all ranks, which must be idle.
    func open(_ sets: [Int]) throws {
        try command(.open(sets))
        try worker.open(sets)
        try gatherWorkers()
    }

    /// Closes them on all ranks.
    func close() throws {
        try command(.close)
        try worker.close()
        try gatherWorkers()
    }

    /// Ends rank 0's own worker, after its task.
    func endLocalWorker() { local.end() }

    /// Ends all other ranks and rank 0's own worker.
    func stop() throws {
        try command(hasLosses ? .leave : .stop)
        endLocalWorker()
        while posted.contains(where: { !$0.isDone }), !hasLosses { Pause.once() }
    }

    /// Runs the tasks of a scheduler.
    ///
    /// - Returns: whether all ran; false when a stop was requested.
    func run(_ scheduler: inout Scheduler, for owner: some WorkPoolOwner) throws -> Bool {
        running = [:]
        losses = [:]
        while true {
            if !StopSignal.isRequested { try handOut(&scheduler, owner) }
            if running.isEmpty {
                precondition(
                    scheduler.remaining == 0 || StopSignal.isRequested, "tasks wait for each other")
                return scheduler.remaining == 0
            }
            switch try event() {
            case .report(let report, let rank):
                idle.insert(rank)
                guard let task = running.removeValue(forKey: rank) else { continue }
                try owner.finished(
                    task, report, rank: rank, met: scheduler.finish(task))
            case .lost(let rank, let reason):
                let task = running.removeValue(forKey: rank)
                owner.lost(rank, task: task, reason: reason)
                guard let task else { continue }
                let count = losses[task, default: 0] + 1
                losses[task] = count
                guard count < 3 else {
                    throw RunError(
                        .lostRank,
                        "Three ranks were lost over the same task, the last with: \(reason)",
                        advice: "see the log; the same command resumes")
                }
                scheduler.giveBack(task)
            }
        }
    }

    private func handOut(_ scheduler: inout Scheduler, _ owner: some WorkPoolOwner) throws {
        for rank in idle.sorted() {
            while let index = scheduler.next(for: rank) {
                guard let task = try owner.task(index) else {
                    try owner.finished(index, nil, rank: rank, met: scheduler.finish(index))
                    continue
                }
                idle.remove(rank)
                running[rank] = index
                if rank == 0 { local.send(task) } else { try post(.perform(task), to: rank) }
                owner.began(index, rank: rank)
                break
            }
            if idle.contains(rank) { return }
        }
    }

    // MARK: - Messages

    private enum Event {
        case report(WorkReport, rank: Int)
        case lost(rank: Int, reason: String)
    }

    /// Waits, mostly asleep, for a report or the loss of a rank.
    private func event() throws -> Event {
        var pause = Pause()
        while true {
            posted.removeAll { $0.isDone }
            if let report = try local.receive() { return .report(report, rank: 0) }
            if let envelope = try messenger.probe(tag: MessageTag.report) {
                let rank = envelope.source
                let bytes = try messenger.receive(from: rank, tag: MessageTag.report)
                guard !lostRanks.contains(rank) else { continue }
                let report: WorkReport = try message(bytes)
                guard case .fatal(let reason) = report else { return .report(report, rank: rank) }
                return try lose(rank, "Rank \(rank) on \(hosts[rank]) cannot go on: \(reason)")
            }
            if let rank = rankTimedOut() {
                return try lose(rank, options.timeOut(of: rank, on: hosts[rank]))
            }
            pause.sleep()
        }
    }

    /// A rank without which the run goes on.
    private func rankTimedOut() -> Int? {
        guard options.survives, monotonicSeconds() - lastLook > 0.2 else { return nil }
        lastLook = monotonicSeconds()
        return others.first { heartbeat.secondsSinceHeartbeat(of: $0) > options.watchdogSeconds }
    }

    private func lose(_ rank: Int, _ reason: String) throws -> Event {
        guard options.survives else {
            throw RunError(.lostRank, reason, advice: "the same command, which resumes")
        }
        lostRanks.insert(rank)
        idle.remove(rank)
        return .lost(rank: rank, reason: reason)
    }

    private func command(_ command: Command) throws {
        for rank in others {
            try post(command, to: rank)
            idle.remove(rank)
        }
    }

    private func post(_ command: Command, to rank: Int) throws {
        posted.append(
            try messenger.post(messageBytes(command), to: rank, tag: MessageTag.command))
    }
}
