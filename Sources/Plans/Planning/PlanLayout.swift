import Activations
import Basics
import Corpora
import EvalKit
import Formats
import LanguageModels
import Results
import Storage
import Tensors

/// Lays out row sets, activation sets and units for cohorts.
struct PlanLayout {
    let evaluations: [AnyEvaluation]
    let model: ModelPlace
    let activationType: ElementType
    let backendName: String
    private let configuration: RunConfiguration
    let modelKey: ContentHash
    private let inputs: InputPlanner
    /// Canonical text of each evaluation's settings.
    private let settings: [String]

    private(set) var rowSets: [RowSet] = []
    private(set) var activationSets: [ActivationSet] = []
    /// Why activations are stored or not.
    private(set) var storage: ActivationStorage?
    /// What the decision rests on, for each activation set.
    private(set) var demands: [ActivationDemand] = []
    /// For each unit the fraction of its inputs that it reads.
    private(set) var readShares: [Double] = []
    /// Bytes that one wave may write; nil where nothing limits them.
    var diskBudget: Int?
    private(set) var cohorts: [RunPlan.CohortPlan] = []
    private(set) var units: [RunPlan.UnitPlan] = []
    /// Inputs and autoencoders that an evaluation has to do without.
    private(set) var failures: [FailedItem] = []
    /// Inputs that could not be made, and why.
    private var failedInputs: [InputRequest: any Error] = [:]
    /// The folder of artifacts.
    var artifacts: String { configuration.artifacts }
    /// Where row sets and activation sets are in their lists.
    private var rowSetIndices: [InputRequest: Int] = [:]
    private var activationSetIndices: [ActivationPlace: Int] = [:]
    private var activationSetsByKey: [ContentHash: Int] = [:]

    /// What tells activation sets of a run apart.
    private struct ActivationPlace: Hashable {
        var rowSet: Int
        var hook: HookPoint
    }

    init(
        evaluations: [AnyEvaluation], model: ModelPlace, activationType: ElementType,
        backendName: String, inputs: InputPlanner
    ) throws {
        (self.evaluations, self.model) = (evaluations, model)
        configuration = inputs.configuration
        (self.activationType, self.backendName, self.inputs) = (activationType, backendName, inputs)
        settings = evaluations.map { $0.settings.text() }
        modelKey = try model.contentKey()
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
        let stores = configuration.activations == .store
        if requiringSpace, stores, let largest = missingBytes.max() { try checkSpace(for: largest) }
        for cohort in self.cohorts.indices {
            for evaluation in evaluations.indices {
                try addUnits(evaluation: evaluation, cohort: cohort)
            }
        }
        decideStorage(configuration.activations, diskGiB: configuration.diskGiB)
        if requiringSpace, let largest = storage?.waveBytes.max() { try checkSpace(for: largest) }
        guard !units.isEmpty else {
            if let error = failedInputs.values.first, failedInputs.count == 1 { throw error }
            throw RunError(
                .unsuitable,
                "Nothing can be evaluated: "
                    + failures.map { "\($0.name): \($0.reason)" }.joined(separator: " "),
                advice: "correct the config")
        }
    }

    /// Bytes of the activations that are not on disk, for each set.
    private var missingBytes: [Int] {
        activationSets.filter { !fileExists($0.path) }.map(\.byteCount)
    }

    /// Refuses a plan whose waves do not fit on the disk.
    ///
    /// - Parameter bytes: what is written at a time.
    private func checkSpace(for bytes: Int) throws {
        let needed = bytes + Self.reservedBytes
        guard bytes > 0, let free = freeBytes(at: artifacts), needed > free else { return }
        throw RunError(
            .noSpace,
            "The activations need \(byteText(needed)) in \(artifacts), where \(byteText(free)) are free",
            advice:
                "fewer batches or datasets, `dtype: bfloat16`, `activations: auto`, another `artifacts` folder, or `saeval artifacts rm`"
        )
    }

    /// Takes a decision about what is stored.
    ///
    /// - Parameters:
    ///   - demands: what it rests on.
    ///   - shares: for each unit the fraction of its inputs that it reads.
    mutating func apply(
        _ storage: ActivationStorage, demands: [ActivationDemand], shares: [Double]
    ) {
        (self.storage, self.demands, readShares) = (storage, demands, shares)
        for index in activationSets.indices {
            activationSets[index].policy = storage.policies[index]
            activationSets[index].wave = storage.waves[index]
        }
        for index in units.indices {
            for set in units[index].reads where storage.policies[set] == .recompute {
                units[index].cost += shares[index] * demands[set].operations
            }
        }
    }

    // MARK: - Inputs

    /// The row set of an input; nil, and a failure of the evaluation, when it cannot be made.
    private mutating func rowSet(for request: InputRequest, of evaluation: AnyEvaluation) -> Int? {
        if let index = rowSetIndices[request] { return index }
        do {
            if let error = failedInputs[request] { throw error }
            rowSets.append(try inputs.rowSet(for: request, of: evaluation))
            rowSetIndices[request] = rowSets.count - 1
            return rowSets.count - 1
        } catch {
            failedInputs[request] = error
            let name = "\(evaluation.identifier) on \(request.dataset)"
            if !failures.contains(where: { $0.name == name }) {
                failures.append(FailedItem(name: name, reason: "\(error)"))
            }
            return nil
        }
    }

    /// Hooks whose activations are stored: over packed rows the model also goes on after the hook.
    private func hooks(of cohort: Cohort, rowSet: Int) -> [HookPoint] {
        guard case .rows = rowSets[rowSet].request else { return [cohort.hook] }
        return Set([cohort.hook, cohort.hook.restart]).sorted()
    }

    private mutating func addActivationSet(rowSet: Int, hook: HookPoint) {
        let place = ActivationPlace(rowSet: rowSet, hook: hook)
        guard activationSetIndices[place] == nil else { return }
        let key = ContentKeys.activations(
            model: modelKey, rows: rowSets[rowSet].key, hook: hook, type: activationType,
            backend: backendName)
        // Equal rows under two names share their activations.
        let known = activationSetsByKey[key]
        activationSetIndices[place] = known ?? activationSets.count
        guard known == nil else { return }
        activationSetsByKey[key] = activationSets.count
        activationSets.append(
            ActivationSet(
                rowSet: rowSet, hook: hook, key: key,
                path: ArtifactStore(folder: artifacts).activationsPath(
                    hook: hook.description, key: key),
                byteCount: rowSets[rowSet].storedRows * model.description.size(at: hook)
                    * activationType.byteCount))
    }

    // MARK: - Units

    private mutating func addUnits(evaluation: Int, cohort index: Int) throws {
        let entry = cohorts[index]
        let cohort = entry.cohort
        let suitable = suitableSubjects(evaluation: evaluation, cohort)
        // For each input its activation sets; nil where it could not be made.
        let readByInput = entry.rowSets[evaluation].map { set in
            set.map { set in
                hooks(of: cohort, rowSet: set).compactMap {
                    activationSetIndices[ActivationPlace(rowSet: set, hook: $0)]
                }
            }
        }
        let every = Array(readByInput.indices)
        var places: [Int?] = []
        for planned in try evaluations[evaluation].units(cohort) {
            places.append(nil)
            let subjects =
                suitable.count == cohort.subjects.count
                ? planned.subjects : planned.subjects.filter(suitable.contains)
            let read = (planned.inputs ?? every).map { readByInput[$0] }
            let dependencies = planned.dependsOn.map { places[$0] }
            guard !subjects.isEmpty, !read.contains(where: { $0 == nil }),
                !dependencies.contains(nil)
            else { continue }
            let reads = read.flatMap { $0 ?? [] }
            let tokens = Set(reads.map { activationSets[$0].rowSet }).reduce(0) {
                $0 + rowSets[$1].storedRows
            }
            places[places.count - 1] = units.count
            units.append(
                RunPlan.UnitPlan(
                    evaluation: evaluation, cohort: index, unit: planned.unit, subjects: subjects,
                    keys: keys(of: planned, subjects, evaluation: evaluation, cohort, reads: reads),
                    cost: planned.cost + planned.costPerToken * Double(tokens),
                    isSharedByAllSubjects: planned.isSharedByAllSubjects,
                    reads: reads, dependsOn: dependencies.compactMap { $0 }, memory: planned.memory)
            )
        }
    }

    /// The keys of a unit's partial results.
    ///
    /// Where the model is not on disk nothing can be kept, and one name serves all subjects.
    private func keys(
        of planned: PlannedUnit<String>, _ subjects: [SubjectIndex], evaluation: Int,
        _ cohort: Cohort, reads: [Int]
    ) -> [ContentHash] {
        if model.isOutlined {
            return Array(
                repeating: ContentHash(hex: "outlined unit \(units.count)"), count: subjects.count)
        }
        let plan = RunPlan.EvaluationPlan(
            identifier: evaluations[evaluation].identifier,
            settings: settings[evaluation])
        let activations = reads.map { activationSets[$0].key }
        return subjects.map { subject in
            ContentKeys.partial(
                evaluation: plan, unit: planned.unit, activations: activations, model: modelKey,
                subject: planned.isSharedByAllSubjects ? nil : cohort.subjects[subject.value],
                hook: cohort.hook, specialTokens: cohort.specialTokens, streams: cohort.streams,
                backend: backendName)
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
                    FailedItem(
                        name: "\(subject.name) (\(evaluations[evaluation].identifier))",
                        reason: "\(error)"))
            }
        }
        return suitable
    }
}
