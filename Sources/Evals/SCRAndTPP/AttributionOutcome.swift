import Basics
import EvalKit
import Results

/// What the outcomes of SCR and TPP share.
struct AttributionOutcome {
    /// Numbers of latents whose metrics SAE Bench's result files have a place for.
    static let declaredN = [2, 5, 10, 20, 50, 100, 500]

    /// The numbers of latents that result files list: those that SAE Bench declares, of which those
    /// that were not asked for are null, then all others.
    static func listedN(_ asked: [Int]) -> [Int] {
        declaredN + asked.filter { !declaredN.contains($0) }
    }

    /// Runs whose probes and ablations both are there, in the order of the settings.
    ///
    /// - Throws: ``EvaluationError`` when there is none.
    static func runs(
        _ settings: AttributionSettings, isSCR: Bool, _ partials: [AttributionPartial]
    ) throws(EvaluationError) -> [(probes: ProbeAccuracies, ablations: AblationAccuracies)] {
        let probes = partials.flatMap(\.probes)
        let ablations = partials.flatMap(\.ablations)
        let runs = settings.runs(isSCR: isSCR).compactMap { run in
            probes.first { $0.run == run }.flatMap { probes in
                ablations.first { $0.run == run }.map { (probes, $0) }
            }
        }
        guard !runs.isEmpty else {
            throw EvaluationError(
                .unsuitable, "None of the datasets \(settings.datasetNames) could be evaluated",
                advice: "see what the run says about each of them")
        }
        return runs
    }

    /// An outcome without means over runs when one that the settings ask for is missing.
    ///
    /// - Parameter runs: those behind the outcome.
    static func complete(
        _ outcome: Outcome, of runs: [AttributionRun], _ settings: AttributionSettings, isSCR: Bool
    ) -> Outcome {
        let all = settings.runs(isSCR: isSCR)
        let missing = all.filter { !runs.contains($0) }
        let names = missing.map { run in
            ([run.dataset] + (run.pair.map { [$0.joined(separator: " / ")] } ?? []))
                .joined(separator: ": ")
        }
        return outcome.withoutMeans(
            missing: names, of: all.count, isSCR ? "pairs of classes" : "datasets",
            described: isSCR ? SCR.metrics : TPP.metrics)
    }

    /// The mean of each name over the lists that have it, in the order of the first to have it.
    static func means(_ lists: [NamedValues]) -> NamedValues {
        var names: [String] = []
        var values: [String: [Double]] = [:]
        for (name, value) in lists.joined() {
            if values[name] == nil {
                names.append(name)
                values[name] = []
            }
            if let value { values[name]?.append(value) }
        }
        return names.map { name in
            let values = values[name] ?? []
            return (name, values.isEmpty ? nil : values.reduce(0, +) / Double(values.count))
        }
    }

    /// The values of some names, null for those that are missing.
    static func listed(_ names: [String], _ values: NamedValues) -> NamedValues {
        names.map { name in (name, values.first { $0.name == name }?.value) }
    }

    /// Names and values as members of a JSON object.
    static func members(_ values: NamedValues) -> [JSONMember] {
        values.map { JSONMember(key: $0.name, value: $0.value.map { .number($0) } ?? .null) }
    }

    /// The numbers of some runs as details.
    static func details(_ runs: [AttributionRun], _ values: [NamedValues]) -> DetailTable {
        DetailTable(
            key: "dataset_name", zip(runs, values).map { ("\($0.name)_results", $1) })
    }

    /// Values under names with an ending.
    static func suffixed(_ values: NamedValues, _ suffix: String) -> NamedValues {
        values.map { ("\($0.name)\(suffix)", $0.value) }
    }

    /// For each number of latents the mean of how many were ablated.
    static func ablatedLatents(
        _ prefix: String, _ runs: [AblationAccuracies], _ nValues: [Int]
    ) -> NamedValues {
        nValues.map { n in
            let counts = runs.flatMap(\.ablated).flatMap(\.levels).filter { $0.n == n }
                .map { Double($0.latents) }
            return (
                "\(prefix)_threshold_\(n)_ablated_latents",
                counts.reduce(0, +) / Double(max(1, counts.count))
            )
        }
    }
}
