import Basics
import EvalKit
import Foundation
import Plans
import Results

/// Merges the partial results of single results and writes SAE Bench's files.
struct ResultWriter: Sendable {
    /// What is run.
    let plan: RunPlan
    /// Its evaluations.
    let evaluations: [AnyEvaluation]

    /// Where the file of a result is, below `eval_results`.
    func file(of item: ResultItem) -> String {
        let reference = subject(of: item).reference
        let name = resultFileName(release: reference.release, id: reference.id)
        return "\(evaluations[item.evaluation].identifier)/\(name)"
    }

    /// The autoencoder that a result is about.
    func subject(of item: ResultItem) -> Subject {
        plan.cohorts[item.cohort].cohort.subjects[item.subject.value]
    }

    /// Merges partial results and writes the file, unless its content is the same but for the time.
    ///
    /// - Parameter partials: all partial results in the order of units.
    /// - Returns: the result and its lines of the table.
    /// - Throws: an error of the evaluation or of the file.
    func write(_ item: ResultItem, _ partials: [String]) throws -> (RunResult, ResultRows) {
        let cohort = plan.cohorts[item.cohort].cohort
        let outcome = try evaluations[item.evaluation].outcome(partials, item.subject, cohort)
        return try write(outcome, evaluation: item.evaluation, subject: subject(of: item), item)
    }

    private func write(
        _ outcome: Outcome, evaluation: Int, subject: Subject, _ item: ResultItem
    ) throws -> (RunResult, ResultRows) {
        var outcome = outcome
        outcome.notes += subject.notes
        outcome.notes += plan.beginningNotes(plan.cohorts[item.cohort].rowSets[evaluation])
        let (reference, hook) = (subject.reference, plan.cohorts[item.cohort].cohort.hook)
        let file = ResultFile(
            identifier: evaluations[evaluation].identifier, runKey: plan.key, outcome: outcome,
            reference: reference, activationType: plan.activationType.rawValue)
        let path = "\(plan.output)/eval_results/\(self.file(of: item))"
        let old = (try? readFile(path)) ?? []
        if ResultFile.time(in: old).map({ file.bytes(time: $0) == old }) != true {
            if outcome.incomplete != nil, ResultFile.isComplete(old) {
                throw RunError(
                    .unsuitable,
                    "\(path) holds the whole result, which one of fewer parts does not replace",
                    advice: "mend what is missing, or give another folder after --output")
            }
            try makeFolder(parentFolder(of: path))
            try writeFile(file.bytes(time: Int(currentEpochSeconds() * 1000)), to: path)
        }
        guard let rows = ResultRows(file.json(time: 0), hook: (hook.description, hook.layer)) else {
            preconditionFailure("a result of ours is a result")
        }
        var kept = outcome
        (kept.details, kept.unstructured) = (.null, .null)
        let result = RunResult(
            evaluation: evaluations[evaluation].identifier, release: reference.release,
            id: reference.id, hook: hook.description, layer: hook.layer, outcome: kept)
        return (result, rows)
    }
}
