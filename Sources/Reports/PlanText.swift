import Basics
import Plans

/// A plan as people read it.
public struct PlanText {
    /// The plan.
    private let plan: RunPlan
    /// What was counted of it.
    private let summary: PlanSummary

    /// Takes a plan and what was counted of it.
    public init(_ plan: RunPlan, _ summary: PlanSummary) {
        (self.plan, self.summary) = (plan, summary)
    }

    /// All of it, line by line.
    public var text: String {
        [
            modelLine, missingLines, work, activations, memory, machines,
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// The model and its sizes.
    private var modelLine: String {
        "Model \(plan.modelName): \(plan.model.architecture), \(plan.model.layers) layers of \(plan.model.modelSize), "
            + "\(plan.model.parameters) parameters"
            + (plan.modelFolder.isEmpty ? "\n" : " in \(plan.modelFolder)\n")
    }

    /// What is not on disk, how to get it, and what its sizes rest on.
    private var missingLines: String {
        guard !summary.missing.isEmpty else { return "" }
        var lines = ["Not on disk, so planned by size alone:"]
        for kind in MissingItem.Kind.allCases {
            let items = summary.missing.filter { $0.kind == kind }
            guard let first = items.first else { continue }
            let bytes = items.compactMap(\.bytes).reduce(0, +)
            let names = items.prefix(6).map(\.name).joined(separator: ", ")
            let list =
                kind == .dataset
                ? names + (items.count > 6 ? ", …" : "")
                : items.count == 1 ? first.name : "\(first.name) and \(items.count - 1) others"
            let size = bytes > 0 ? ", about \(byteText(bytes))" : ""
            lines.append(
                "  \(items.count) \(kind.rawValue)\(items.count == 1 ? "" : "s"): \(list)\(size)")
        }
        lines += summary.assumptions.map { "  Assumed: \($0)" }
        if let command = summary.fetchCommand {
            lines.append(
                "  Models and SAEs come with `\(command)`; datasets are read from where `datasets:` says"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Hooks and evaluations.
    private var work: String {
        let cohorts = SummaryTable(
            header: ["hook", "SAEs", "units", "TFLOP"],
            rows: summary.cohorts.map {
                [$0.hook, "\($0.autoencoders)", "\($0.units)", teraText($0.operations)]
            })
        let evaluations = SummaryTable(
            header: ["evaluation", "items", "units", "TFLOP", "largest unit"],
            rows: summary.evaluations.map {
                [
                    $0.evaluation, "\($0.items)", "\($0.units)", teraText($0.operations),
                    teraText($0.largestUnit),
                ]
            })
        let total = summary.harvestOperations + summary.unitOperations
        return cohorts.text + "\n" + evaluations.text + "\n"
            + "Work items (SAE x evaluation x layer): \(summary.items) in \(summary.units) units\n"
            + "Arithmetic: \(teraText(total)) TFLOP, of which \(teraText(summary.harvestOperations)) fill the activation store\n"
    }

    /// What is stored and what is computed again.
    private var activations: String {
        let table = SummaryTable(
            header: ["activations at", "wave", "row sets", "size", "read", "", "because"],
            rows: summary.storage.map {
                [
                    $0.hook, $0.policy == .store ? "\($0.wave + 1)" : "-", "\($0.sets)",
                    byteText($0.bytes), byteText(Int(min($0.bytesRead, 1e18))),
                    $0.policy == .store ? "stored" : "computed again", $0.reason,
                ]
            }, textColumns: [0, 5, 6])
        let waves = summary.waveBytes.count
        let budget = summary.diskBudget.map { "; the budget is \(byteText($0)) at a time" } ?? ""
        return table.text + "\n"
            + "Activations on disk: \(byteText(summary.activationBytes)) in \(plan.artifacts), of which \(byteText(summary.bytesWritten)) are to be written"
            + (waves > 1
                ? " in \(waves) waves of at most \(byteText(summary.waveBytes.max() ?? 0)), one after the other"
                : "") + budget + "\n"
            + "Bytes: \(byteText(summary.weightBytes)) of weights are read and \(byteText(Int(min(summary.bytesRead, 1e18)))) of activations; \(byteText(summary.bytesWritten)) are written"
    }

    /// What a rank needs.
    private var memory: String {
        "Peak memory of one rank: \(byteText(summary.peakMemoryBytes)), weights included that all ranks of a node share; on a GPU \(byteText(summary.deviceMemoryBytes)) of its memory, or smaller pieces of work\n"
            + "  of which "
            + summary.peakMemory.prefix(6).map { "\($0.name) \(byteText($0.bytes))" }
            .joined(separator: ", ") + "\n"
    }

    /// How long it takes, by machine.
    private var machines: String {
        let table = SummaryTable(
            header: ["one node of", "ranks", "arithmetic", "disk", "together", ""],
            rows: summary.machines.map {
                [
                    $0.machine, "\($0.ranks)", durationText($0.arithmeticSeconds),
                    durationText($0.diskSeconds), durationText($0.seconds), $0.note,
                ]
            }, textColumns: [0, 5])
        return table.text
    }

    /// Operations in units of 10¹², exact to the thousandth where they are few.
    private func teraText(_ operations: Double) -> String {
        decimal(operations / 1e12, places: operations < 1e15 ? 3 : 0)
    }
}
