import Basics
import EvalKit
import Results

/// What the coordinator does when results are complete: each is written at once, on a thread beside
/// the work.
extension Coordinator {
    /// Hands in results whose partial results are all there.
    ///
    /// - Parameter indices: their places in the plan.
    func write(results indices: [Int]) throws {
        guard !indices.isEmpty else { return }
        // Before the files are there: who replaces one must know what it rests on.
        try record.append(.results(try indices.map { try resultRecord(of: pending.items[$0]) }))
        for index in indices {
            queue.add(index, pending.items[index], pending.texts(of: index, in: record.partials))
        }
    }

    /// Takes in what became of results.
    func takeResults() throws {
        for end in queue.takeEnds() {
            switch end {
            case .written(let index, let result):
                results[index] = result
                let item = pending.items[index]
                log.write(
                    "result",
                    [
                        ("evaluation", .string(result.evaluation)),
                        ("sae", .string(writer.subject(of: item).name)),
                        ("file", .string(writer.file(of: item))),
                    ])
            case .failed(let index, let reason):
                let item = pending.items[index]
                let evaluation = plan.evaluations[item.evaluation].identifier
                let name = writer.subject(of: item).name
                try fail(evaluation, name, as: "\(name) (\(evaluation))", reason)
            case .tableFailed(let reason):
                tableFailure = reason
            case .note(let sentence):
                note(sentence)
            }
        }
    }

    /// Waits until all results that were handed in are written.
    ///
    /// - Returns: those that are, in the order of the plan.
    func finishResults() throws -> [RunResult] {
        // A table that failed in between may succeed at the end.
        try takeResults()
        tableFailure = nil
        queue.finish()
        try takeResults()
        if let tableFailure { try fail("table", "results.csv", as: "results.csv", tableFailure) }
        return results.sorted { $0.key < $1.key }.map(\.value)
    }

    /// What the journal says of a result, after what it rests on.
    private func resultRecord(of item: ResultItem) throws -> JournalEntry.ResultRecord {
        let subject = writer.subject(of: item)
        let hook = plan.cohorts[item.cohort].cohort.hook
        return JournalEntry.ResultRecord(
            file: writer.file(of: item),
            evaluation: plan.evaluations[item.evaluation].identifier,
            release: subject.reference.release, id: subject.reference.id,
            path: subject.reference.path, autoencoder: subject.key, hook: hook.description,
            layer: hook.layer, conditions: try conditions(of: item))
    }

    /// The key of what a result rests on, which the journal then has.
    private func conditions(of item: ResultItem) throws -> ContentHash {
        if let key = conditionKeys[[item.evaluation, item.cohort]] { return key }
        let conditions = try ResultConditions(
            plan, evaluation: item.evaluation, cohort: item.cohort,
            device: worker.workspace.source.backend.name)
        if record.ledger.conditions[conditions.key] == nil {
            try record.append(.conditions(conditions))
        }
        conditionKeys[[item.evaluation, item.cohort]] = conditions.key
        return conditions.key
    }
}
