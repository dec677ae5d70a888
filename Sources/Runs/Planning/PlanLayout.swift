import Basics
import Corpora
import EvalKit
import Formats
import LanguageModels
import Storage
import Tensors

/// Lays out row sets, activation sets and units for cohorts.
struct PlanLayout {
    let configuration: RunConfiguration
    let evaluations: [AnyEvaluation]
    let model: ModelPlace
    let activationType: ElementType
    let backendName: String
    let modelKey: ContentHash

    private(set) var rowSets: [RunPlan.RowSet] = []
    private(set) var activationSets: [RunPlan.ActivationSet] = []
    private(set) var cohorts: [RunPlan.CohortPlan] = []
    private(set) var units: [RunPlan.UnitPlan] = []
    private(set) var notes: [String] = []

    init(
        configuration: RunConfiguration, evaluations: [AnyEvaluation], model: ModelPlace,
        activationType: ElementType,
        backendName: String
    ) throws {
        (self.configuration, self.evaluations, self.model) = (configuration, evaluations, model)
        (self.activationType, self.backendName) = (activationType, backendName)
        modelKey = try ContentKeys.model(folder: model.folder, files: model.weightFiles)
    }

    /// Lays cohorts out: first what they read, then, if there is room for it, their units.
    ///
    /// - Parameter requiringSpace: whether to refuse a plan whose activations do not fit on the
    ///   disk.
    mutating func add(_ cohorts: [Cohort], requiringSpace: Bool) throws {
        var keys: [[[ContentHash]]] = []
        for cohort in cohorts {
            let indices = try evaluations.map { evaluation in
                try evaluation.inputs(cohort).first.flatMap { input in
                    if case .rows(let request) = input { try rowSet(for: request) } else { nil }
                }
            }
            self.cohorts.append(RunPlan.CohortPlan(cohort: cohort, rowSets: indices))
            let hooks = Set([cohort.hook, cohort.hook.restart]).sorted()
            keys.append(
                indices.map { rowSet in
                    rowSet.map { index in hooks.map { activationSet(rowSet: index, hook: $0) } }
                        ?? []
                })
        }
        if requiringSpace { try checkSpace() }
        for cohort in self.cohorts.indices {
            for evaluation in evaluations.indices {
                try addUnits(
                    evaluation: evaluation, cohort: cohort, activations: keys[cohort][evaluation])
            }
        }
    }

    private func checkSpace() throws {
        let folder = configuration.artifacts
        let needed = activationSets.filter { !fileExists($0.path) }.reduce(64 << 20) {
            $0 + $1.byteCount
        }
        guard let free = freeBytes(at: folder), needed > free else { return }
        throw RunError(
            .noSpace,
            "The activations need \(byteText(needed)) in \(folder), where \(byteText(free)) are free",
            advice:
                "fewer batches, `dtype: bfloat16`, another `artifacts` folder, or `saeval artifacts rm`"
        )
    }

    private mutating func rowSet(for request: RowRequest) throws -> Int {
        if let index = rowSets.firstIndex(where: { $0.request == request }) { return index }
        guard request.contextSize <= model.description.contextSize else {
            throw RunError(
                .unsuitable,
                "`context_size` is \(request.contextSize), but \(configuration.model) takes at most \(model.description.contextSize) positions",
                advice: "set context_size to at most \(model.description.contextSize)")
        }
        guard bytes(of: request) != nil else {
            throw RunError(
                .noSpace,
                "The plan reads \(request.rows) rows of \(request.contextSize) tokens, whose activations exceed \(byteText(Self.mostBytes))",
                advice: "fewer batches or a smaller batch_size_prompts")
        }
        let path = try datasetPath(request.dataset)
        let key = try ContentKeys.rows(
            dataset: path, tokenizer: model.folder,
            request: (request.contextSize, request.rows, request.prependsBOS))
        rowSets.append(
            RunPlan.RowSet(
                request: request, datasetPath: path, key: key,
                path: ArtifactStore(folder: configuration.artifacts).tokensPath(key: key)))
        return rowSets.count - 1
    }

    /// Activations of one hook beyond this are refused.
    private static let mostBytes = 1 << 50

    /// Bytes of a row set's activations at one hook; nil when they are too many.
    private func bytes(of request: RowRequest) -> Int? {
        var bytes = 1
        for factor in [
            request.rows, request.contextSize,
            max(model.description.modelSize, model.description.headsSize), activationType.byteCount,
        ] {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: factor)
            guard !overflow, product <= Self.mostBytes else { return nil }
            bytes = product
        }
        return bytes
    }

    /// The file of a dataset id.
    private func datasetPath(_ id: String) throws -> String {
        if let entry = configuration.datasets.first(where: { $0.id == id }),
            HubPath.isHubPath(entry.path)
        {
            return try configuration.hubCache.file(HubPath(entry.path))
        }
        if let entry = configuration.datasets.first(where: { $0.id == id }) {
            guard fileExists(entry.path) else {
                throw RunError(
                    .missing, "Dataset `\(id)`: \(entry.path) is not a file",
                    advice: "correct the path under `datasets:`")
            }
            return entry.path
        }
        guard fileExists(id) else {
            throw RunError(
                .missing, "Dataset `\(id)` has no file",
                advice: "add `datasets: {\(id): FILE}`, known are "
                    + (configuration.datasets.isEmpty
                        ? "none" : configuration.datasets.map(\.id).joined(separator: ", ")))
        }
        return id
    }

    private mutating func activationSet(rowSet: Int, hook: HookPoint) -> ContentHash {
        let rows = rowSets[rowSet]
        let key = ContentKeys.activations(
            model: modelKey, rows: rows.key, hook: hook, type: activationType, backend: backendName)
        if !activationSets.contains(where: { $0.key == key }) {
            activationSets.append(
                RunPlan.ActivationSet(
                    rowSet: rowSet, hook: hook, key: key,
                    path: ArtifactStore(folder: configuration.artifacts).activationsPath(
                        hook: hook.description, key: key),
                    byteCount: rows.request.rows * rows.request.contextSize
                        * model.description.size(at: hook)
                        * activationType.byteCount))
        }
        return key
    }

    private mutating func addUnits(evaluation: Int, cohort index: Int, activations: [ContentHash])
        throws
    {
        let cohort = cohorts[index].cohort
        let plan = RunPlan.EvaluationPlan(
            identifier: evaluations[evaluation].identifier,
            settings: evaluations[evaluation].settings.text())
        for planned in try evaluations[evaluation].units(cohort) {
            let keys = planned.subjects.map { subject in
                ContentKeys.partial(
                    evaluation: plan, unit: planned.unit, activations: activations, model: modelKey,
                    subject: cohort.subjects[subject.value], specialTokens: cohort.specialTokens,
                    backend: backendName)
            }
            units.append(
                RunPlan.UnitPlan(
                    evaluation: evaluation, cohort: index, unit: planned.unit,
                    subjects: planned.subjects,
                    keys: keys, cost: planned.cost))
        }
    }
}
