import Basics
import EvalKit
import Kernels
import LanguageModels
import Messaging
import Storage
import Tensors

/// Does pieces of work on one rank.
final class Worker {
    let workspace: RankWorkspace
    private let messenger: Messenger
    private var files: [Int: ActivationFile] = [:]

    init(workspace: RankWorkspace, messenger: Messenger) {
        (self.workspace, self.messenger) = (workspace, messenger)
    }

    /// Opens activation sets for writing; collective.
    func open(_ sets: [Int]) throws {
        for set in sets {
            files[set] = try ActivationFile.openForWriting(
                workspace.plan.activationSets[set].path, messenger: messenger)
        }
    }

    /// Closes them; collective.
    func close() throws {
        for set in files.keys.sorted() { try files[set]!.close() }
        files = [:]
    }

    /// The open file of a set, for rank 0 to mark blocks in.
    func file(_ set: Int) -> ActivationFile { files[set]! }

    /// Does one piece of work.
    ///
    /// - Throws: what this rank cannot go on after; failures of single autoencoders are in the
    ///   report.
    func perform(_ task: WorkTask) throws -> WorkReport {
        let start = monotonicSeconds()
        switch task {
        case .harvest(let rowSet, let block, let sets):
            let hooks = sets.map { workspace.plan.activationSets[$0].hook }
            let stored = try workspace.harvester().block(
                block, rowSet: rowSet, hooks: Set(hooks), threads: workspace.threads)
            let checksums = try zip(sets, hooks).map {
                try files[$0]!.write(block: block, stored[$1]!)
            }
            return .harvested(
                rowSet: rowSet, block: block, sets: sets, checksums: checksums,
                seconds: monotonicSeconds() - start)
        case .unit(let index, let subjects):
            let unit = workspace.plan.units[index]
            workspace.enter(cohort: unit.cohort)
            let context = RankContext(
                workspace: workspace, cohortIndex: unit.cohort, evaluationIndex: unit.evaluation)
            let results = try workspace.evaluations[unit.evaluation].evaluate(
                unit.unit, subjects, context)
            var report = UnitReport(index: index, seconds: 0)
            var partials: [(SubjectIndex, String)] = []
            for subject in subjects {
                switch results[subject] {
                case .success(let partial): partials.append((subject, partial))
                case .failure(let error):
                    report.failures.append(.init(subject: subject, reason: "\(error)"))
                case nil:
                    report.failures.append(
                        .init(subject: subject, reason: "the unit gave no result"))
                }
            }
            report.partials = partials
            report.seconds = monotonicSeconds() - start
            return .evaluated(report)
        }
    }

    /// Follows the coordinator's commands until it says stop. For ranks other than 0.
    func follow() throws {
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
            case .stop: return
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
