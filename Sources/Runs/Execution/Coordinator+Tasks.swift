import Activations
import Basics
import EvalKit
import Plans
import Results
import Storage

/// What the coordinator does when tasks begin and end.
extension Coordinator: WorkPoolOwner {
    func task(_ index: Int) throws -> WorkTask? {
        switch graph.work[index] {
        case .block(let rowSet, let block, let sets):
            return .harvest(rowSet: rowSet, block: block, sets: sets)
        case .unit(let unit, let subjects):
            var (able, earlier): ([SubjectIndex], [[String]]) = ([], [])
            for subject in subjects {
                if let texts = dependencyResults(of: unit, for: subject) {
                    able.append(subject)
                    earlier.append(texts)
                } else {
                    try fail(
                        unit, subject,
                        "an earlier part of the evaluation failed, on which this rests")
                }
            }
            return able.isEmpty ? nil : .unit(index: unit, subjects: able, earlier: earlier)
        }
    }

    func began(_ index: Int, rank: Int) {
        log.write("begin", [("rank", .integer(rank)), ("task", .string(name(of: index)))])
    }

    func finished(_ index: Int, _ report: WorkReport?, rank: Int, met: [Int]) throws {
        switch report {
        case .harvested(let report): try finish(block: index, report, rank)
        case .evaluated(let report): try finish(unit: index, report, rank)
        case .ready, .fatal, nil: break
        }
        for set in met.compactMap({ graph.setOfDependency[$0] }) {
            try ActivationFile.complete(plan.activationSets[set].path)
        }
        try takeResults()
        progress.finish(cost: graph.tasks[index].cost)
    }

    func lost(_ rank: Int, task: Int?, reason: String) {
        log.write(
            "lost",
            [
                ("rank", .integer(rank)), ("task", task.map { .string(name(of: $0)) } ?? .null),
                ("reason", .string(reason)),
            ])
        progress.end()
        Console.note("\(reason); the run goes on without it")
    }

    // MARK: - Ends

    private func finish(block index: Int, _ report: BlockReport, _ rank: Int) throws {
        guard case .block(_, let block, _) = graph.work[index] else { return }
        for (set, checksum) in zip(report.sets, report.checksums) {
            try worker.file(set).markDone(block: block, checksum: checksum)
        }
        log.write("block", members(of: index, report.times, rank))
    }

    private func finish(unit index: Int, _ report: UnitReport, _ rank: Int) throws {
        guard case .unit(let number, _) = graph.work[index] else { return }
        let unit = plan.units[number]
        let cohort = plan.cohorts[unit.cohort].cohort
        let evaluation = plan.evaluations[unit.evaluation].identifier
        let keys = Dictionary(uniqueKeysWithValues: zip(unit.subjects, unit.keys))
        let partials = report.partials
        let done = partials.compactMap { keys[$0.0] }
        if !done.isEmpty {
            try record.append(
                .unit(
                    JournalEntry.UnitRecord(
                        evaluation: evaluation, unit: unit.unit, rank: rank,
                        seconds: report.times.seconds,
                        cost: TaskGraph.cost(of: (number, partials.map(\.0)), in: plan),
                        epochSeconds: currentEpochSeconds(),
                        subjects: partials.map { subjectName($0.0, of: unit, in: cohort) },
                        keys: done, partials: partials.map(\.1))))
            try write(results: pending.add(done))
        }
        for failure in report.failures { try fail(number, failure.subject, failure.reason) }
        log.write(
            "unit",
            members(of: index, report.times, rank) + [
                ("evaluation", .string(evaluation)), ("hook", .string(cohort.hook.description)),
                ("unit", .string(unit.unit)),
                ("keys", .array(done.map { .string($0.hex) })),
            ])
    }

    /// What the log says of the end of every task.
    private func members(of index: Int, _ times: TaskTimes, _ rank: Int) -> [(String, JSON)] {
        peakBytes[rank] = max(peakBytes[rank], times.peakBytes)
        let parts = [
            ("loading", times.loading), ("reading", times.reading), ("writing", times.writing),
        ].map { JSONMember(key: $0.0, value: .number($0.1)) }
        return [
            ("rank", .integer(rank)), ("task", .string(name(of: index))),
            ("seconds", .number(times.seconds)), ("parts", .object(parts)),
            ("bytes_read", .integer(times.bytesRead)),
            ("bytes_written", .integer(times.bytesWritten)),
            ("peak_bytes", .integer(times.peakBytes)),
        ]
    }

    /// The name of a task in the log.
    private func name(of index: Int) -> String {
        switch graph.work[index] {
        case .block(let rowSet, let block, _): return "block \(rowSet).\(block)"
        case .unit(let number, let subjects):
            let unit = plan.units[number]
            let cohort = plan.cohorts[unit.cohort].cohort
            let subject =
                subjects.count == 1
                ? subjectName(subjects[0], of: unit, in: cohort)
                : "\(subjects.count) autoencoders at \(cohort.hook)"
            return
                "\(number) \(plan.evaluations[unit.evaluation].identifier) \(unit.unit), \(subject)"
        }
    }

    // MARK: - Partial results

    /// The partial results of the units that a unit depends on; nil when one is missing.
    private func dependencyResults(of unit: Int, for subject: SubjectIndex) -> [String]? {
        var texts: [String] = []
        for earlier in plan.units[unit].dependsOn.map({ plan.units[$0] }) {
            guard let index = earlier.subjects.firstIndex(of: subject),
                let text = record.partials[earlier.keys[index]]
            else { return nil }
            texts.append(text)
        }
        return texts
    }

    /// Whom a result concerns.
    private func subjectName(_ subject: SubjectIndex, of unit: RunPlan.UnitPlan, in cohort: Cohort)
        -> String
    {
        unit.isSharedByAllSubjects
            ? "all autoencoders at \(cohort.hook)" : cohort.subjects[subject.value].name
    }

    private func fail(_ number: Int, _ index: SubjectIndex, _ reason: String) throws {
        let unit = plan.units[number]
        let evaluation = plan.evaluations[unit.evaluation].identifier
        let subject = subjectName(index, of: unit, in: plan.cohorts[unit.cohort].cohort)
        try fail(evaluation, subject, as: subject, reason)
    }

    /// Counts, keeps and tells a failure, the first of an evaluation and subject alone.
    ///
    /// - Parameter name: what the failure goes by at the end of the run.
    func fail(_ evaluation: String, _ subject: String, as name: String, _ reason: String) throws {
        guard failures["\(evaluation) \(subject)"] == nil else { return }
        failures["\(evaluation) \(subject)"] = FailedItem(name: name, reason: reason)
        try record.append(.failure(evaluation: evaluation, subject: subject, reason: reason))
        log.write(
            "failure",
            [
                ("evaluation", .string(evaluation)), ("sae", .string(subject)),
                ("reason", .string(reason)),
            ])
        progress.end()
        Console.note("\(name) failed: \(reason)")
    }
}
