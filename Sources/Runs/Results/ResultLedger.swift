import Basics
import EvalKit

/// What a run's journal tells of its results: which files were written, and under which conditions.
struct ResultLedger {
    /// Conditions by their keys.
    private(set) var conditions: [ContentHash: ResultConditions] = [:]
    /// What was last recorded of each file, by its path below `eval_results`.
    private var records: [String: JournalEntry.ResultRecord] = [:]

    /// Takes in an entry of the journal.
    mutating func add(_ entry: JournalEntry) {
        switch entry {
        case .conditions(let conditions): self.conditions[conditions.key] = conditions
        case .results(let new): for record in new { records[record.file] = record }
        case .start, .unit, .failure, .made, .end: break
        }
    }

    /// The hooks that results go by, by file.
    var hooks: [String: (name: String, layer: Int)] { records.mapValues { ($0.hook, $0.layer) } }

    /// Refuses a plan whose results would stand among those of other settings, or replace those of
    /// another autoencoder.
    ///
    /// - Parameter device: what computes; nil where it is not known yet.
    /// - Throws: ``RunError`` that names the setting, both values and the remedy.
    func check(_ plan: RunPlan, device: String?) throws {
        let records = records.values
            .filter { fileExists("\(plan.output)/eval_results/\($0.file)") }
            .sorted { $0.file.utf8.lexicographicallyPrecedes($1.file.utf8) }
        for (index, evaluation) in plan.evaluations.enumerated() {
            let new = try plan.cohorts.indices.map {
                try ResultConditions(plan, evaluation: index, cohort: $0, device: device)
            }
            let earlier = records.filter { $0.evaluation == evaluation.identifier }
            for key in Set(earlier.map(\.conditions)).sorted(by: { $0.hex < $1.hex }) {
                guard let old = conditions[key] else { continue }
                // Cohorts may read other rows of the same dataset.
                let differences = new.map { $0.difference(from: old) }
                guard case .some(let difference?) = differences.first,
                    differences.allSatisfy({ $0 != nil })
                else { continue }
                throw otherSettings(
                    plan, evaluation.identifier, difference,
                    count: earlier.count { $0.conditions == key })
            }
        }
        try checkAutoencoders(
            plan, Dictionary(records.map { ($0.file, $0) }) { first, _ in first })
    }

    private func otherSettings(
        _ plan: RunPlan, _ evaluation: String,
        _ difference: (old: ResultConditions.Condition, new: ResultConditions.Condition),
        count: Int
    ) -> RunError {
        RunError(
            .exists,
            "\(plan.output) holds \(count) \(count == 1 ? "result" : "results") of `\(evaluation)` "
                + "with `\(difference.old.name)` \(difference.old.value), now "
                + difference.new.value,
            advice: "give another folder after --output, or remove "
                + "\(plan.output)/eval_results/\(evaluation)")
    }

    /// Refuses to replace the result of another autoencoder. Weights that changed under the same path
    /// are the same autoencoder, and so are the same weights under another path.
    private func checkAutoencoders(
        _ plan: RunPlan, _ records: [String: JournalEntry.ResultRecord]
    ) throws {
        for subject in plan.cohorts.flatMap(\.cohort.subjects) {
            let reference = subject.reference
            let name = resultFileName(release: reference.release, id: reference.id)
            for evaluation in plan.evaluations {
                let file = "\(evaluation.identifier)/\(name)"
                guard let old = records[file] else { continue }
                let isSameName = old.release == reference.release && old.id == reference.id
                let isSame = old.path == reference.path || old.autoencoder == subject.key
                guard !isSameName || !isSame else { continue }
                throw RunError(
                    .exists,
                    "\(plan.output)/eval_results/\(file) holds the result of \(old.path) "
                        + "(\(old.release)/\(old.id)), now \(reference.path) "
                        + "(\(reference.release)/\(reference.id))",
                    advice: "give another folder after --output, or rename one of both")
            }
        }
    }
}

extension RunPlan {
    /// Refuses the plan where its output folder holds results of other settings or of other
    /// autoencoders under the same names. Writes nothing.
    ///
    /// - Throws: ``RunError`` that names the setting, both values and the remedy.
    public func checkEarlierResults() throws {
        var ledger = ResultLedger()
        for entry in try RunRecord.entries(in: output) { ledger.add(entry) }
        try ledger.check(self, device: nil)
    }
}
