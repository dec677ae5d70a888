import Activations
import Basics
import EvalKit
import Kernels
import LanguageModels
import Messaging
import Storage
import Synchronization
import Tensors

/// Does pieces of work on one rank.
final class Worker: Sendable {
    let workspace: RankWorkspace
    private let messenger: Messenger
    private let survives: Bool
    /// The kind of the last task; nil inside for a block of the activation store.
    private let lastKind = Mutex<UnitMemory.Kind??>(nil)
    private let files = Mutex<[Int: ActivationFile]>([:])

    /// - Parameter survives: whether ranks open files alone, so that lost ones are not waited for.
    init(workspace: RankWorkspace, messenger: Messenger, survives: Bool) {
        (self.workspace, self.messenger, self.survives) = (workspace, messenger, survives)
    }

    /// Opens activation sets for writing; collective, unless the run survives lost ranks.
    func open(_ sets: [Int]) throws {
        workspace.source.closeActivations()
        for set in sets {
            let file = try ActivationFile.openForWriting(
                workspace.plan.activationSets[set].path, messenger: messenger, isAlone: survives)
            files.withLock { $0[set] = file }
        }
    }

    /// Closes them; collective, unless the run survives lost ranks.
    func close() throws {
        workspace.source.closeActivations()
        let open = files.withLock { files in
            defer { files = [:] }
            return files
        }
        for (_, file) in open.sorted(by: { $0.key < $1.key }) { try file.close() }
    }

    /// The file of a set that is open for writing.
    func file(_ set: Int) -> ActivationFile {
        guard let file = files.withLock({ $0[set] }) else {
            preconditionFailure("activation set \(set) is not open")
        }
        return file
    }

    /// Does one piece of work.
    ///
    /// - Throws: what this rank cannot go on after; failures of single autoencoders are in the
    ///   report.
    func perform(_ task: WorkTask) throws -> WorkReport {
        let start = monotonicSeconds()
        let meter = workspace.source.meter
        makeRoom(for: task)
        switch task {
        case .harvest(let rowSet, let block, let sets):
            let hooks = sets.map { workspace.plan.activationSets[$0].hook }
            let stored = try withinMemory {
                try workspace.source.harvester().block(
                    block, rowSet: rowSet, hooks: Set(hooks), threads: workspace.source.threads)
            }
            let checksums = try zip(sets, hooks).map { set, hook in
                let activations = Harvester.activations(at: hook, of: stored)
                meter.count(activations.byteCount, \.bytesWritten)
                return try meter.measure(\.writing) {
                    try file(set).write(block: block, activations)
                }
            }
            let times = meter.take(seconds: monotonicSeconds() - start)
            return .harvested(BlockReport(sets: sets, checksums: checksums, times: times))
        case .unit(let index, let subjects, let earlier):
            var report = try withinMemory { try evaluate(index, subjects, earlier) }
            report.times = meter.take(seconds: monotonicSeconds() - start)
            return .evaluated(report)
        }
    }

    /// Gives memory back that tasks of another kind left, whose blocks have other sizes.
    private func makeRoom(for task: WorkTask) {
        let kind =
            switch task {
            case .harvest: UnitMemory.Kind?.none
            case .unit(let index, _, _): workspace.plan.units[index].memory.kind
            }
        let isOther = lastKind.withLock { last in
            defer { last = .some(kind) }
            return last != .some(kind)
        }
        guard isOther else { return }
        LargeMemory.releaseKept()
        giveFreedMemoryBack()
    }

    private func evaluate(_ index: Int, _ subjects: [SubjectIndex], _ earlier: [[String]]) throws
        -> UnitReport
    {
        let unit = workspace.plan.units[index]
        workspace.enter(cohort: unit.cohort)
        let context = RankContext(
            workspace: workspace, cohortIndex: unit.cohort, evaluationIndex: unit.evaluation,
            results: Dictionary(uniqueKeysWithValues: zip(subjects, earlier)))
        let results = try workspace.evaluations[unit.evaluation].evaluate(
            unit.unit, subjects, context)
        for case .failure(let error as KernelError) in results.values
        where error.code == .outOfMemory || error.code == .device { throw error }
        var report = UnitReport()
        var partials: [(SubjectIndex, String)] = []
        for subject in subjects {
            switch results[subject] {
            case .success(let partial): partials.append((subject, partial))
            case .failure(let error):
                report.failures.append(.init(subject: subject, reason: "\(error)"))
            case nil:
                report.failures.append(.init(subject: subject, reason: "the unit gave no result"))
            }
        }
        report.partials = partials
        return report
    }

    /// Does work whose results are complete when it returns; where a GPU has no memory left, it is
    /// done again in smaller pieces.
    private func withinMemory<Value>(_ body: () throws -> Value) throws -> Value {
        while true {
            do {
                let value = try body()
                try workspace.source.backend.synchronize()
                return value
            } catch let error as KernelError where error.code == .outOfMemory {
                guard workspace.source.backend.useSmallerChunks() else { throw error }
                Console.note(
                    "\(error.message); going on with \(workspace.source.backend.chunks.tokens) tokens at a time"
                )
            }
        }
    }

    /// Follows the coordinator's commands until it says stop. For ranks other than 0.
    ///
    /// - Returns: whether to leave without the others.
    func follow() throws -> Bool {
        try messenger.send(messageBytes(WorkReport.ready), to: 0, tag: MessageTag.report)
        while true {
            switch try receiveCommand(messenger) {
            case .perform(let task):
                try messenger.send(messageBytes(try perform(task)), to: 0, tag: MessageTag.report)
            case .open(let sets):
                try open(sets)
                try messenger.send(messageBytes(WorkReport.ready), to: 0, tag: MessageTag.report)
            case .close:
                try close()
                try messenger.send(messageBytes(WorkReport.ready), to: 0, tag: MessageTag.report)
            case .stop: return false
            case .leave: return true
            case .begin: continue
            }
        }
    }
}

/// Waits for the next command, asleep.
func receiveCommand(_ messenger: Messenger) throws -> Command {
    _ = try messenger.waitForMessage(from: 0, tag: MessageTag.command)
    return try message(try messenger.receive(from: 0, tag: MessageTag.command))
}
