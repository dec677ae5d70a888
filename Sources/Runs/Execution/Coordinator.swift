import Basics
import EvalKit
import LanguageModels
import Plans
import Results
import Storage
import Tensors

/// Rank 0's part of a run: fills the activation store, has units evaluated, keeps the journal,
/// writes results.
final class Coordinator {
    let plan: RunPlan
    let worker: Worker
    let record: RunRecord
    let log: EventLog
    let progress = RunProgress()
    private let pool: WorkPool
    private let ranks: [RankIntroduction]
    private let threads: ThreadShares
    /// Which results wait for what, and who writes them.
    var pending: PendingResults
    let writer: ResultWriter
    let queue: ResultQueue
    /// Keys of what results rest on, by evaluation and cohort.
    var conditionKeys: [[Int]: ContentHash] = [:]
    /// Results that are written, by their places in the plan.
    var results: [Int: RunResult] = [:]
    /// Why the table of all results could not be written, the last time it was tried.
    var tableFailure: String?
    /// What the plan says that a rank takes of memory at most.
    private let toldBytes: Int
    /// The most memory that each rank has used.
    var peakBytes: [Int]
    var failures: [String: FailedItem] = [:]
    /// The work of the current wave.
    var graph: TaskGraph

    init(
        plan: RunPlan, worker: Worker, pool: WorkPool, record: RunRecord, log: EventLog,
        ranks: [RankIntroduction], threads: ThreadShares, toldBytes: Int
    ) {
        (self.toldBytes, peakBytes) = (toldBytes, Array(repeating: 0, count: ranks.count))
        (self.plan, self.worker, self.pool) = (plan, worker, pool)
        (self.record, self.log, self.ranks, self.threads) = (record, log, ranks, threads)
        writer = ResultWriter(plan: plan, evaluations: worker.workspace.evaluations)
        pending = PendingResults(plan) { record.partials[$0] != nil }
        queue = ResultQueue(writer, items: pending.items, hooks: record.ledger.hooks)
        graph = TaskGraph(plan, units: [], blocks: [:])
    }

    func run() throws -> RunSummary {
        defer { queue.cancel() }
        let units = pendingUnits()
        try start(units)
        try write(results: pending.complete)
        var isComplete = true
        for set in plan.activationSets { ActivationFile.removeAbandonedLock(of: set.path) }
        for (_, units) in TaskGraph.waves(of: units, in: plan) where isComplete {
            isComplete = try run(units)
        }
        progress.end()
        LargeMemory.releaseKept()
        var summary = RunSummary(isStopped: !isComplete, folder: plan.output)
        summary.results = try finishResults()
        summary.failures = plan.failedItems + failures.values.sorted { $0.name < $1.name }
        if isComplete, failures.isEmpty { try record.append(.end) }
        log.write(
            isComplete ? "end" : "stop",
            [
                ("seconds", .number(progress.seconds)),
                ("failures", .integer(summary.failures.count)),
                ("told_bytes", .integer(toldBytes)),
                ("peak_bytes", .array(measuredPeaks.map { .integer($0) })),
            ])
        return summary
    }

    /// The most memory that each rank has used, that of this one until now.
    private var measuredPeaks: [Int] {
        [max(peakBytes.first ?? 0, ProcessMemory().peakBytes)] + peakBytes.dropFirst()
    }

    /// Tells the user and the log.
    func note(_ text: String) {
        progress.end()
        log.note(text)
    }

    // MARK: - Start

    /// Units with at least one partial result that the journal lacks, and the subjects that they
    /// lack it for.
    private func pendingUnits() -> [TaskGraph.PendingUnit] {
        plan.units.indices.compactMap { index in
            let unit = plan.units[index]
            let all = zip(unit.subjects, unit.keys).filter { record.partials[$0.1] == nil }
            let missing = unit.isSharedByAllSubjects ? all.prefix(1).map(\.0) : all.map(\.0)
            return missing.isEmpty ? nil : (index, missing)
        }
    }

    private func start(_ pending: [TaskGraph.PendingUnit]) throws {
        let partials = plan.units.reduce(0) { $0 + ($1.isSharedByAllSubjects ? 1 : $1.keys.count) }
        let missing = pending.reduce(0) { $0 + $1.subjects.count }
        let cost = plan.units.reduce(0) { $0 + $1.cost }
        let missingCost = pending.reduce(0) { $0 + TaskGraph.cost(of: $1, in: plan) }
        try record.append(
            .start(
                JournalEntry.StartRecord(
                    plan: plan.key, partials: partials, donePartials: partials - missing,
                    cost: cost, doneCost: cost - missingCost,
                    autoencoders: plan.cohorts.reduce(0) { $0 + $1.cohort.subjects.count },
                    evaluations: plan.evaluations.map(\.identifier), ranks: ranks.count,
                    epochSeconds: currentEpochSeconds(), results: self.pending.items.count)))
        for item in plan.failedItems {
            try record.append(.failure(evaluation: "plan", subject: item.name, reason: item.reason))
        }
        log.write(
            "start",
            [
                ("plan", .string(plan.key.hex)), ("ranks", .integer(ranks.count)),
                ("units", .integer(pending.count)),
                ("hosts", .array(ranks.map { .string($0.host) })),
                ("threads", .array(threads.share.map { .integer($0) })),
            ])
        if missing < partials, missing > 0 {
            Console.note("\(partials - missing) of \(partials) partial results are there already")
        }
        progress.begin(
            total: cost, done: cost - missingCost, tasks: plan.units.count,
            doneTasks: plan.units.count - pending.count)
    }

    // MARK: - Waves

    private func run(_ units: [TaskGraph.PendingUnit]) throws -> Bool {
        let sets = Set(units.flatMap { plan.units[$0.index].reads }).sorted().filter {
            plan.activationSets[$0].policy == .store
        }
        var locks: [FileLock] = []
        var blocks: [Int: [Int]] = [:]
        guard let prepared = try prepare(sets) else { return false }
        for (set, preparation) in prepared {
            if let notice = preparation.notice { log.write("note", [("text", .string(notice))]) }
            if preparation.isComplete { continue }
            if plan.removesActivations { try record.append(.made(plan.activationSets[set].key)) }
            if let lock = preparation.lock { locks.append(lock) }
            blocks[set] = preparation.pendingBlocks
            // A run that was killed at the very end of a file.
            if preparation.pendingBlocks.isEmpty {
                try ActivationFile.complete(plan.activationSets[set].path)
            }
        }
        defer { withExtendedLifetime(locks) {} }
        graph = TaskGraph(plan, units: units, blocks: blocks)
        let blockTasks = graph.tasks.count - units.count
        progress.expect(
            cost: graph.tasks.prefix(blockTasks).reduce(0) { $0 + $1.cost }, tasks: blockTasks)
        let written = blocks.filter { !$0.value.isEmpty }.keys.sorted()
        if !written.isEmpty { try pool.open(written) }
        var scheduler = Scheduler(graph.tasks, dependencies: graph.dependencies)
        let isComplete = try pool.run(&scheduler, for: self)
        if !written.isEmpty || plan.removesActivations { try pool.close() }
        for lock in locks { lock.release() }
        if isComplete, plan.removesActivations { remove(sets) }
        return isComplete
    }

    /// Removes activations that this run made, to make room for the next wave.
    private func remove(_ sets: [Int]) {
        for set in sets.map({ plan.activationSets[$0] }) where record.made.contains(set.key) {
            removeFile(set.path)
        }
    }

    /// Finds out what is left to do for the activations of a set.
    func prepare(_ set: Int) throws -> ActivationPreparation {
        let entry = plan.activationSets[set]
        let rowSet = plan.rowSets[entry.rowSet]
        let layout = ActivationLayout(
            sequences: rowSet.storedRows / rowSet.positions, positions: rowSet.positions,
            modelSize: plan.model.size(at: entry.hook),
            type: plan.activationType, blockRows: rowSet.blockRows)
        let attributes = ActivationAttributes(
            model: plan.modelName, hook: entry.hook.description, dataset: rowSet.request.dataset,
            key: entry.key)
        return try ActivationFile.prepare(
            entry.path, layout: layout, attributes: attributes,
            tokens: try storedTokens(entry.rowSet))
    }

    /// The tokens whose activations are stored, in the order of the store.
    private func storedTokens(_ index: Int) throws -> [Int32] {
        switch plan.rowSets[index].request {
        case .rows: return try worker.workspace.source.rows(index).tokens
        case .texts:
            let texts = try worker.workspace.source.texts(index)
            return texts.stored.map { texts.tokens[$0] }
        }
    }
}
