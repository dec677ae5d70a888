import Basics
import EvalKit
import LanguageModels
import Storage

/// Rank 0's part of a run: fills the activation store, hands units out, keeps the journal, writes
/// results.
final class Coordinator {
    private let plan: RunPlan
    private let worker: Worker
    private let pool: WorkPool
    private let record: RunRecord
    private let log: EventLog
    private let ranks: Int
    private let progress = RunProgress()
    private var results: ResultWriter
    private var failures: [String: RunPlan.FailedItem] = [:]

    init(
        plan: RunPlan, worker: Worker, pool: WorkPool, record: RunRecord, log: EventLog, ranks: Int
    ) {
        (self.plan, self.worker, self.pool) = (plan, worker, pool)
        (self.record, self.log, self.ranks) = (record, log, ranks)
        results = ResultWriter(plan: plan, evaluations: worker.workspace.evaluations)
    }

    func run() throws -> RunSummary {
        let pending = pendingUnits()
        try start(pending)
        var isComplete = true
        if !pending.isEmpty {
            isComplete = try harvest()
            if isComplete { isComplete = try evaluate(pending) }
        }
        progress.end()
        try results.write(record.partials)
        var summary = RunSummary(isStopped: !isComplete, folder: plan.output)
        summary.results = results.results
        summary.failures = plan.failedItems + failures.values.sorted { $0.name < $1.name }
        try results.writeTable()
        if isComplete, failures.isEmpty { try record.append(.end) }
        log.write(
            isComplete ? "end" : "stop",
            [
                ("seconds", .number(progress.seconds)),
                ("failures", .integer(summary.failures.count)),
            ])
        return summary
    }

    // MARK: - Start

    /// Units with at least one partial result that the journal lacks, and the subjects that they
    /// lack it for.
    private func pendingUnits() -> [(index: Int, subjects: [SubjectIndex])] {
        plan.units.indices.compactMap { index in
            let unit = plan.units[index]
            let all = zip(unit.subjects, unit.keys).filter { record.partials[$0.1] == nil }
            let missing = unit.servesAll ? all.prefix(1).map(\.0) : all.map(\.0)
            return missing.isEmpty ? nil : (index, missing)
        }
    }

    private func start(_ pending: [(index: Int, subjects: [SubjectIndex])]) throws {
        let partials = plan.units.reduce(0) { $0 + ($1.servesAll ? 1 : $1.keys.count) }
        let missing = pending.reduce(0) { $0 + $1.subjects.count }
        let cost = plan.units.reduce(0) { $0 + $1.cost }
        let missingCost = pending.reduce(0) { $0 + share($1) }
        try record.append(
            .start(
                JournalEntry.StartRecord(
                    plan: plan.key, partials: partials, donePartials: partials - missing,
                    cost: cost,
                    doneCost: cost - missingCost,
                    autoencoders: plan.cohorts.reduce(0) { $0 + $1.cohort.subjects.count },
                    evaluations: plan.evaluations.map(\.identifier), ranks: ranks,
                    epochSeconds: currentEpochSeconds())))
        for item in plan.failedItems {
            try record.append(.failure(evaluation: "plan", subject: item.name, reason: item.reason))
        }
        log.write(
            "start",
            [
                ("plan", .string(plan.key.hex)), ("ranks", .integer(ranks)),
                ("units", .integer(pending.count)),
            ])
        if missing < partials, missing > 0 {
            Console.note("\(partials - missing) of \(partials) partial results are there already")
        }
    }

    /// The part of a unit's cost that its missing subjects make.
    private func share(_ pending: (index: Int, subjects: [SubjectIndex])) -> Double {
        let unit = plan.units[pending.index]
        return unit.servesAll
            ? unit.cost
            : unit.cost * Double(pending.subjects.count) / Double(max(1, unit.subjects.count))
    }

    // MARK: - Activations

    private func harvest() throws -> Bool {
        for rowSet in plan.rowSets.indices {
            guard try harvest(rowSet: rowSet) else { return false }
        }
        return true
    }

    private func harvest(rowSet index: Int) throws -> Bool {
        let rowSet = plan.rowSets[index]
        let tokens = try storedTokens(index)
        var locks: [FileLock] = []
        var pending: [Int: [Int]] = [:]
        var sets: [Int] = []
        for set in plan.activationSets.indices where plan.activationSets[set].rowSet == index {
            let preparation = try prepare(
                set, rowSet: rowSet, tokens: tokens)
            if let notice = preparation.notice { log.write("note", [("text", .string(notice))]) }
            if preparation.isComplete { continue }
            sets.append(set)
            if let lock = preparation.lock { locks.append(lock) }
            for block in preparation.pendingBlocks { pending[block, default: []].append(set) }
        }
        guard !sets.isEmpty else { return true }
        defer { withExtendedLifetime(locks) {} }
        try pool.open(sets)
        let tasks = pending.keys.sorted().map {
            WorkTask.harvest(rowSet: index, block: $0, sets: pending[$0]!)
        }
        progress.begin(
            "activations", units: tasks.count, total: Double(tasks.count), done: 0, doneUnits: 0)
        let isComplete = try pool.run(tasks) { report, rank in try self.finishHarvest(report, rank)
        }
        try pool.close()
        if isComplete {
            for set in sets { try ActivationFile.complete(plan.activationSets[set].path) }
        }
        return isComplete
    }

    /// The tokens whose activations are stored, in the order of the store.
    private func storedTokens(_ index: Int) throws -> [Int32] {
        switch plan.rowSets[index].request {
        case .rows: return try worker.workspace.rows(index).tokens
        case .texts:
            let texts = try worker.workspace.texts(index)
            return texts.stored.map { texts.tokens[$0] }
        }
    }

    private func prepare(
        _ set: Int, rowSet: RunPlan.RowSet, tokens: [Int32]
    ) throws -> ActivationPreparation {
        let entry = plan.activationSets[set]
        let layout = ActivationLayout(
            sequences: rowSet.storedRows / rowSet.positions, positions: rowSet.positions,
            modelSize: plan.model.size(at: entry.hook),
            type: plan.activationType, blockRows: rowSet.blockRows)
        let attributes = ActivationAttributes(
            model: plan.modelName, hook: entry.hook.description, dataset: rowSet.request.dataset,
            key: entry.key)
        return try ActivationFile.prepare(
            entry.path, layout: layout, attributes: attributes, tokens: tokens)
    }

    private func finishHarvest(_ report: WorkReport, _ rank: Int) throws {
        guard case .harvested(_, let block, let sets, let checksums, let seconds) = report else {
            return
        }
        for (set, checksum) in zip(sets, checksums) {
            try worker.file(set).markDone(block: block, checksum: checksum)
        }
        log.write(
            "block",
            [("block", .integer(block)), ("rank", .integer(rank)), ("seconds", .number(seconds))])
        progress.finish(cost: 1)
    }

    // MARK: - Units

    private func evaluate(_ pending: [(index: Int, subjects: [SubjectIndex])]) throws -> Bool {
        let order = pending.sorted { first, second in
            let costs = (share(first), share(second))
            return costs.0 == costs.1 ? first.index < second.index : costs.0 > costs.1
        }
        let total = plan.units.reduce(0) { $0 + $1.cost }
        progress.begin(
            "units", units: plan.units.count, total: total,
            done: total - pending.reduce(0) { $0 + share($1) },
            doneUnits: plan.units.count - pending.count)
        return try pool.run(order.map { .unit(index: $0.index, subjects: $0.subjects) }) {
            report, rank in
            try self.finishUnit(report, rank)
        }
    }

    private func finishUnit(_ report: WorkReport, _ rank: Int) throws {
        guard case .evaluated(let report) = report else { return }
        let unit = plan.units[report.index]
        let cohort = plan.cohorts[unit.cohort].cohort
        let evaluation = plan.evaluations[unit.evaluation].identifier
        let keys = Dictionary(uniqueKeysWithValues: zip(unit.subjects, unit.keys))
        if !report.partials.isEmpty {
            let partials = report.partials
            try record.append(
                .unit(
                    JournalEntry.UnitRecord(
                        evaluation: evaluation, unit: unit.unit, rank: rank,
                        seconds: report.seconds,
                        cost: share((report.index, partials.map(\.0))),
                        epochSeconds: currentEpochSeconds(),
                        subjects: partials.map { subjectName($0.0, of: unit, in: cohort) },
                        keys: partials.map { keys[$0.0]! }, partials: partials.map(\.1))))
        }
        for failure in report.failures {
            try fail(
                subjectName(failure.subject, of: unit, in: cohort), evaluation, failure.reason)
        }
        log.write(
            "unit",
            [
                ("evaluation", .string(evaluation)), ("hook", .string(cohort.hook.description)),
                ("unit", .string(unit.unit)), ("rank", .integer(rank)),
                ("seconds", .number(report.seconds)),
                ("keys", .array(report.partials.map { .string(keys[$0.0]!.hex) })),
            ])
        progress.finish(cost: unit.cost)
    }

    /// Whom a result concerns.
    private func subjectName(_ subject: SubjectIndex, of unit: RunPlan.UnitPlan, in cohort: Cohort)
        -> String
    {
        unit.servesAll
            ? "all autoencoders at \(cohort.hook)" : cohort.subjects[subject.value].name
    }

    private func fail(_ subject: String, _ evaluation: String, _ reason: String) throws {
        guard failures["\(evaluation) \(subject)"] == nil else { return }
        failures["\(evaluation) \(subject)"] = RunPlan.FailedItem(name: subject, reason: reason)
        try record.append(.failure(evaluation: evaluation, subject: subject, reason: reason))
        log.write(
            "failure",
            [
                ("evaluation", .string(evaluation)), ("sae", .string(subject)),
                ("reason", .string(reason)),
            ])
        progress.end()
        Console.note("\(subject) failed: \(reason)")
    }
}
