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
        configuration: RunConfiguration, evaluations: [AnyEvaluation], model: ModelPlace, activationType: ElementType,
        backendName: String
    ) throws {
        (self.configuration, self.evaluations, self.model) = (configuration, evaluations, model)
        (self.activationType, self.backendName) = (activationType, backendName)
        modelKey = try ContentKeys.model(folder: model.folder, files: model.weightFiles)
    }

    mutating func add(_ cohorts: [Cohort]) throws {
        for cohort in cohorts {
            let indices = try evaluations.map { try $0.rows(cohort).map { try rowSet(for: $0) } }
            self.cohorts.append(RunPlan.CohortPlan(cohort: cohort, rowSets: indices))
            for (evaluation, rowSet) in zip(evaluations.indices, indices) {
                var keys: [ContentHash] = []
                if let rowSet {
                    for hook in Set([cohort.hook, cohort.hook.restart]).sorted() {
                        keys.append(activationSet(rowSet: rowSet, hook: hook))
                    }
                }
                try addUnits(evaluation: evaluation, activations: keys)
            }
        }
    }

    private mutating func rowSet(for request: RowRequest) throws -> Int {
        if let index = rowSets.firstIndex(where: { $0.request == request }) { return index }
        guard request.contextSize <= model.description.contextSize else {
            throw RunError(
                .unsuitable, "`context_size` is \(request.contextSize), but \(configuration.model) takes at most \(model.description.contextSize) positions",
                advice: "set context_size to at most \(model.description.contextSize)")
        }
        guard bytes(of: request) != nil else {
            throw RunError(
                .noSpace, "The plan reads \(request.rows) rows of \(request.contextSize) tokens, whose activations exceed \(byteText(Self.mostBytes))",
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
        for factor in [request.rows, request.contextSize, model.description.modelSize, activationType.byteCount] {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: factor)
            guard !overflow, product <= Self.mostBytes else { return nil }
            bytes = product
        }
        return bytes
    }

    private func datasetPath(_ id: String) throws -> String {
        if let entry = configuration.datasets.first(where: { $0.id == id }) {
            guard fileExists(entry.path) else {
                throw RunError(
                    .missing, "Dataset `\(id)`: \(entry.path) is not a file", advice: "correct the path under `datasets:`")
            }
            return entry.path
        }
        guard fileExists(id) else {
            throw RunError(
                .missing, "Dataset `\(id)` has no file", advice: "add `datasets: {\(id): FILE}`, known are "
                    + (configuration.datasets.isEmpty ? "none" : configuration.datasets.map(\.id).joined(separator: ", ")))
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
                    path: ArtifactStore(folder: configuration.artifacts).activationsPath(hook: hook.description, key: key),
                    byteCount: rows.request.rows * rows.request.contextSize * model.description.modelSize
                        * activationType.byteCount))
        }
        return key
    }

    private mutating func addUnits(evaluation: Int, activations: [ContentHash]) throws {
        let cohort = cohorts[cohorts.count - 1].cohort
        let plan = RunPlan.EvaluationPlan(
            identifier: evaluations[evaluation].identifier, settings: evaluations[evaluation].settings.text())
        for planned in try evaluations[evaluation].units(cohort) {
            let keys = planned.subjects.map { subject in
                ContentKeys.partial(
                    evaluation: plan, unit: planned.unit, activations: activations, model: modelKey,
                    subject: cohort.subjects[subject.value], specialTokens: cohort.specialTokens, backend: backendName)
            }
            units.append(
                RunPlan.UnitPlan(
                    evaluation: evaluation, cohort: cohorts.count - 1, unit: planned.unit, subjects: planned.subjects,
                    keys: keys, cost: planned.cost))
        }
    }
}
