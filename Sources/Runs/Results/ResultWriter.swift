import Basics
import EvalKit
import Foundation

/// One evaluation of one autoencoder.
public struct RunResult: Sendable {
    public var evaluation: String
    public var release: String
    public var id: String
    public var hook: String
    public var layer: Int
    public var outcome: Outcome
}

/// Writes results from partial results: SAE Bench's files and `results.csv`.
struct ResultWriter {
    let plan: RunPlan
    let evaluations: [AnyEvaluation]
    private(set) var results: [RunResult] = []

    init(plan: RunPlan, evaluations: [AnyEvaluation]) {
        (self.plan, self.evaluations) = (plan, evaluations)
    }

    /// Writes one file for every autoencoder whose partial results are all there.
    mutating func write(_ partials: [ContentHash: String]) throws {
        results = []
        for (cohortIndex, entry) in plan.cohorts.enumerated() {
            for evaluation in evaluations.indices {
                let units = plan.units.filter {
                    $0.cohort == cohortIndex && $0.evaluation == evaluation
                }
                for subject in entry.cohort.subjects.indices.map({ SubjectIndex($0) }) {
                    let keys = units.compactMap { unit in
                        unit.subjects.firstIndex(of: subject).map { unit.keys[$0] }
                    }
                    let texts = keys.compactMap { partials[$0] }
                    guard texts.count == keys.count, !keys.isEmpty else { continue }
                    let outcome = try evaluations[evaluation].outcome(texts, subject, entry.cohort)
                    try write(
                        outcome, evaluation: evaluation,
                        subject: entry.cohort.subjects[subject.value], entry.cohort)
                }
            }
        }
    }

    private mutating func write(
        _ outcome: Outcome, evaluation: Int, subject: Subject, _ cohort: Cohort
    ) throws {
        var outcome = outcome
        outcome.notes += subject.notes
        let identifier = evaluations[evaluation].identifier
        let reference = subject.reference
        results.append(
            RunResult(
                evaluation: identifier, release: reference.release, id: reference.id,
                hook: cohort.hook.description,
                layer: cohort.hook.layer, outcome: outcome))
        let folder = "\(plan.output)/eval_results/\(identifier)"
        let path = "\(folder)/\(resultFileName(release: reference.release, id: reference.id))"
        let file = ResultFile(
            identifier: identifier, runKey: plan.key, outcome: outcome, reference: reference,
            activationType: plan.activationType.rawValue)
        let old = (try? readFile(path)) ?? []
        if let time = ResultFile.time(in: old), file.bytes(time: time) == old { return }
        try makeFolder(folder)
        try writeFile(file.bytes(time: Int(currentEpochSeconds() * 1000)), to: path)
    }

    /// Writes `results.csv`: one line for each autoencoder, evaluation and metric.
    func writeTable() throws {
        guard !results.isEmpty else { return }
        var text = "eval,release,sae_id,hook,layer,category,metric,value\n"
        for result in results {
            let start = [
                result.evaluation, result.release, result.id, result.hook, "\(result.layer)",
            ].map(csvField)
            for (category, values) in result.outcome.metrics {
                for case (let name, let value?) in values {
                    text +=
                        (start + [category, name, "\(value)"].map(csvField)).joined(separator: ",")
                        + "\n"
                }
            }
            for (name, value) in result.outcome.additions {
                text +=
                    (start + ["saeval", name, "\(value)"].map(csvField)).joined(separator: ",")
                    + "\n"
            }
        }
        try writeFile(Array(text.utf8), to: "\(plan.output)/results.csv")
    }

    private func csvField(_ text: String) -> String {
        text.contains(where: { ",\"\n".contains($0) })
            ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}
