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
        let evaluation = evaluations[item.evaluation]
        let (cohort, subject) = (plan.cohorts[item.cohort].cohort, subject(of: item))
        var outcome = try evaluation.outcome(partials, item.subject, cohort)
        outcome.notes += subject.notes
        outcome.notes += plan.beginningNotes(plan.cohorts[item.cohort].rowSets[item.evaluation])
        var file = ResultFile(
            evaluation: evaluation.identifier, identifier: ResultFile.identifier(ofRun: plan.key),
            time: 0, release: subject.reference.release, id: subject.reference.id,
            configuration: subject.reference.configuration(type: plan.activationType.rawValue),
            outcome: outcome)
        try write(
            &file, to: "\(plan.output)/eval_results/\(self.file(of: item))", evaluation.metrics)
        let rows = ResultRows(file, hook: (cohort.hook.description, cohort.hook.layer))
        (outcome.details, outcome.saeBench) = (DetailTable(), SAEBenchParts())
        let result = RunResult(
            evaluation: file.evaluation, release: file.release, id: file.id,
            hook: cohort.hook.description, layer: cohort.hook.layer, outcome: outcome)
        return (result, rows)
    }

    /// Writes a file that is not there yet or has other content.
    ///
    /// - Throws: an error of the file; ``RunError`` where it would take the place of a whole result
    ///   without being one.
    private func write(
        _ file: inout ResultFile, to path: String, _ metrics: [MetricDescription]
    ) throws {
        let oldBytes = (try? readFile(path)) ?? []
        let old = (try? JSON(parsing: oldBytes, source: path)).flatMap {
            ResultFile($0, hasDetails: false)
        }
        if let old {
            file.time = old.time
            if file.bytes(describedBy: metrics) == oldBytes { return }
            if file.outcome.incomplete != nil, old.outcome.incomplete == nil {
                throw RunError(
                    .unsuitable,
                    "\(path) holds the whole result, which one of fewer parts does not replace",
                    advice: "mend what is missing, or give another folder after --output")
            }
        }
        file.time = Int(currentEpochSeconds() * 1000)
        try makeFolder(parentFolder(of: path))
        try writeFile(file.bytes(describedBy: metrics), to: path)
    }
}
