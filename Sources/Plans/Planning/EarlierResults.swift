import Basics
import EvalKit
import Results

extension ResultLedger {
    /// Refuses a plan whose results would stand among those of other settings, or replace those of
    /// another autoencoder.
    ///
    /// - Parameter device: what computes; nil where it is not known yet.
    /// - Throws: ``RunError`` that names the setting, both values and the remedy.
    package func check(_ plan: RunPlan, device: String?) throws {
        let records = self.records.values
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

extension ResultConditions {
    /// The conditions of an evaluation for one cohort of a plan.
    ///
    /// - Parameter device: what computes; nil leaves it out.
    package init(_ plan: RunPlan, evaluation index: Int, cohort: Int, device: String?) throws {
        let entry = plan.evaluations[index]
        let settings = try JSON(parsing: Array(entry.settings.utf8), source: "the plan")
        let (cohort, rowSets) = (plan.cohorts[cohort].cohort, plan.cohorts[cohort].rowSets[index])
        var conditions = [
            Condition(name: "model", value: plan.modelName, content: plan.modelKey),
            Condition(name: "dtype", value: plan.activationType.rawValue),
            Condition(name: "streams", value: cohort.streams.rawValue),
        ]
        conditions += device.map { [Condition(name: "device", value: $0)] } ?? []
        conditions += (settings.members ?? []).map {
            Condition(name: "\(entry.identifier).\($0.key)", value: $0.value.text())
        }
        conditions += rowSets.compactMap { $0.map { plan.rowSets[$0] } }.map { set in
            Condition(
                name: "datasets.\(set.request.dataset)", value: set.datasetPath, content: set.key)
        }
        self.init(conditions)
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
