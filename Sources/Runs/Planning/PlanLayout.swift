import Basics
import Corpora
import EvalKit
import Formats
import LanguageModels
import Storage
import Tensors

/// Lays out row sets, activation sets and units for cohorts.
struct PlanLayout {
    let evaluations: [AnyEvaluation]
    let model: ModelPlace
    let activationType: ElementType
    let backendName: String
    let artifacts: String
    let modelKey: ContentHash
    private let inputs: InputPlanner

    private(set) var rowSets: [RunPlan.RowSet] = []
    private(set) var activationSets: [RunPlan.ActivationSet] = []
    private(set) var cohorts: [RunPlan.CohortPlan] = []
    private(set) var units: [RunPlan.UnitPlan] = []
    /// Inputs and autoencoders that an evaluation has to do without.
    private(set) var failures: [RunPlan.FailedItem] = []
    /// Inputs that could not be made, and why.
    private var failedInputs: [InputRequest: any Error] = [:]

    init(
        evaluations: [AnyEvaluation], model: ModelPlace, activationType: ElementType,
        backendName: String, artifacts: String, inputs: InputPlanner
    ) throws {
        (self.evaluations, self.model, self.artifacts) = (evaluations, model, artifacts)
        (self.activationType, self.backendName, self.inputs) = (activationType, backendName, inputs)
        modelKey = try ContentKeys.model(folder: model.folder, files: model.weightFiles)
    }

    /// Lays cohorts out: first what they read, then, if there is room for it, their units.
    ///
    /// - Parameter requiringSpace: whether to refuse a plan whose activations do not fit on the
    ///   disk.
    /// - Throws: the first error of an input when no evaluation can do anything.
    mutating func add(_ cohorts: [Cohort], requiringSpace: Bool) throws {
        for cohort in cohorts {
            let sets = evaluations.map { evaluation in
                evaluation.inputs(cohort).map { rowSet(for: $0, of: evaluation) }
            }
            self.cohorts.append(RunPlan.CohortPlan(cohort: cohort, rowSets: sets))
            for set in Set(sets.joined().compactMap { $0 }).sorted() {
                for hook in hooks(of: cohort, rowSet: set) {
                    addActivationSet(rowSet: set, hook: hook)
                }
            }
        }
        if requiringSpace { try checkSpace() }
        for cohort in self.cohorts.indices {
            for evaluation in evaluations.indices {
                try addUnits(evaluation: evaluation, cohort: cohort)
            }
        }
        guard !units.isEmpty else {
            if let error = failedInputs.values.first, failedInputs.count == 1 { throw error }
            throw RunError(
                .unsuitable,
                "Nothing can be evaluated: "
                    + failures.map { "\($0.name): \($0.reason)" }.joined(separator: " "),
                advice: "correct the config")
        }
    }

    private func checkSpace() throws {
        let needed = activationSets.filter { !fileExists($0.path) }.reduce(64 << 20) {
            $0 + $1.byteCount
        }
        guard let free = freeBytes(at: artifacts), needed > free else { return }
        throw RunError(
            .noSpace,
            "The activations need \(byteText(needed)) in \(artifacts), where \(byteText(free)) are free",
            advice:
                "fewer batches or datasets, `dtype: bfloat16`, another `artifacts` folder, or `saeval artifacts rm`"
        )
    }

    // MARK: - Inputs

    /// The row set of an input; nil, and a failure of the evaluation, when it cannot be made.
    private mutating func rowSet(for request: InputRequest, of evaluation: AnyEvaluation) -> Int? {
        if let index = rowSets.firstIndex(where: { $0.request == request }) { return index }
        do {
            if let error = failedInputs[request] { throw error }
            rowSets.append(try inputs.rowSet(for: request, of: evaluation))
            return rowSets.count - 1
        } catch {
            failedInputs[request] = error
            let name = "\(evaluation.identifier) on \(request.dataset)"
            if !failures.contains(where: { $0.name == name }) {
                failures.append(RunPlan.FailedItem(name: name, reason: "\(error)"))
            }
            return nil
        }
    }

    /// Hooks whose activations are stored: over packed rows the model also goes on after the hook.
    private func hooks(of cohort: Cohort, rowSet: Int) -> [HookPoint] {
        guard case .rows = rowSets[rowSet].request else { return [cohort.hook] }
        return Set([cohort.hook, cohort.hook.restart]).sorted()
    }

    private func activationKey(rowSet: Int, hook: HookPoint) -> ContentHash {
        ContentKeys.activations(
            model: modelKey, rows: rowSets[rowSet].key, hook: hook, type: activationType,
            backend: backendName)
    }

    private mutating func addActivationSet(rowSet: Int, hook: HookPoint) {
        let key = activationKey(rowSet: rowSet, hook: hook)
        guard !activationSets.contains(where: { $0.key == key }) else { return }
        activationSets.append(
            RunPlan.ActivationSet(
                rowSet: rowSet, hook: hook, key: key,
                path: ArtifactStore(folder: artifacts).activationsPath(
                    hook: hook.description, key: key),
                byteCount: rowSets[rowSet].storedRows * model.description.size(at: hook)
                    * activationType.byteCount))
    }

    // MARK: - Units

    private mutating func addUnits(evaluation: Int, cohort index: Int) throws {
        let (cohort, sets) = (cohorts[index].cohort, cohorts[index].rowSets[evaluation])
        let plan = RunPlan.EvaluationPlan(
            identifier: evaluations[evaluation].identifier,
            settings: evaluations[evaluation].settings.text())
        let suitable = suitableSubjects(evaluation: evaluation, cohort)
        var places: [Int?] = []
        for planned in try evaluations[evaluation].units(cohort) {
            places.append(nil)
            let subjects = planned.subjects.filter(suitable.contains)
            let read = (planned.inputs ?? Array(sets.indices)).map { sets[$0] }
            let after = planned.after.map { places[$0] }
            guard !subjects.isEmpty, !read.contains(nil), !after.contains(nil) else { continue }
            let activations = read.compactMap { $0 }.flatMap { set in
                hooks(of: cohort, rowSet: set).map { activationKey(rowSet: set, hook: $0) }
            }
            let keys = subjects.map { subject in
                ContentKeys.partial(
                    evaluation: plan, unit: planned.unit, activations: activations, model: modelKey,
                    subject: planned.servesAll ? nil : cohort.subjects[subject.value],
                    hook: cohort.hook, specialTokens: cohort.specialTokens, streams: cohort.streams,
                    backend: backendName)
            }
            places[places.count - 1] = units.count
            units.append(
                RunPlan.UnitPlan(
                    evaluation: evaluation, cohort: index, unit: planned.unit, subjects: subjects,
                    keys: keys, cost: planned.cost, servesAll: planned.servesAll,
                    reads: activations.compactMap { key in
                        activationSets.firstIndex { $0.key == key }
                    }, after: after.compactMap { $0 }))
        }
    }

    /// The autoencoders of a cohort that an evaluation takes; the others are failures.
    private mutating func suitableSubjects(evaluation: Int, _ cohort: Cohort) -> Set<SubjectIndex> {
        var suitable: Set<SubjectIndex> = []
        for (place, subject) in cohort.subjects.enumerated() {
            do {
                try evaluations[evaluation].check(subject, cohort)
                suitable.insert(SubjectIndex(place))
            } catch {
                failures.append(
                    RunPlan.FailedItem(
                        name: "\(subject.name) (\(evaluations[evaluation].identifier))",
                        reason: "\(error)"))
            }
        }
        return suitable
    }
}
