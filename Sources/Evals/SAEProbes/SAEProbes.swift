import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Probes
import Results
import Tensors

/// SAE-probes: how much a few latents at the last token of a text know about 113 binary questions,
/// against a probe of the model's own activations.
///
/// - Source: Kantamneni et al. 2025 as `sparse_probing_sae_probes` of SAE Bench 0.6.0 runs it, with
///   sae-probes 0.4.2; differences in this folder's README.
public struct SAEProbes: Evaluation {
    public static let identifier = "sparse_probing_sae_probes"
    public static let summary =
        "probes of k latents at the last token on the 113 datasets of sae-probes"

    public static let metrics =
        [MetricDescription("llm_test_accuracy", title: "LLM")]
        + [1, 2, 5].map { k in
            MetricDescription("sae_top_\(k)_test_accuracy", better: .higher, title: "top \(k)")
        } + [
            MetricDescription("sae_*", better: .higher),
            MetricDescription("datasets", isCount: true),
        ]

    /// Most tokens of a text; the front of a longer one is cut off.
    static let contextLength = 1024
    /// Most texts of a dataset.
    static let mostTexts = 5000

    let settings: SAEProbesSettings

    public init(settings: SAEProbesSettings) { self.settings = settings }

    public func inputs(for cohort: Cohort) -> [InputRequest] {
        settings.datasets.map { .texts(request($0, in: cohort)) }
    }

    /// The texts of a dataset: at most as many tokens as the model has positions.
    func request(_ dataset: String, in cohort: Cohort) -> TextRequest {
        TextRequest(
            dataset: dataset, selection: .binary(limit: Self.mostTexts),
            contextLength: min(Self.contextLength, cohort.model.contextSize), truncation: .start,
            stored: .last)
    }

    public func check(_ subject: Subject, in cohort: Cohort) throws {
        let latents = subject.reference.latents
        guard let large = settings.ks.max(), large > latents else { return }
        throw EvaluationError(
            .unsuitable,
            "`\(Self.identifier).ks` asks for \(large) latents, but \(subject.name) has \(latents)",
            advice: "give ks of at most \(latents)")
    }

    public func check(_ texts: TextRows, of request: TextRequest) throws {
        let labels = try ProbingTask.labels(of: texts, dataset: request.dataset)
        _ = try DatasetSplit(
            labels: labels, seed: UInt32(settings.randomSeed), dataset: request.dataset)
    }

    public func units(for cohort: Cohort) throws -> [PlannedUnit<SAEProbesUnit>] {
        let all = cohort.subjectIndices
        return settings.datasets.enumerated().flatMap { index, dataset in
            let baseline = PlannedUnit(
                unit: SAEProbesUnit.baseline(dataset: dataset), subjects: all,
                cost: searchCost(columns: cohort.activationSize, passes: 300), inputs: [index],
                isSharedByAllSubjects: true, memory: UnitMemory(.textActivations))
            let latents = all.map { subject in
                PlannedUnit(
                    unit: SAEProbesUnit.latents(dataset: dataset), subjects: [subject],
                    cost: settings.ks.reduce(0) {
                        $0 + searchCost(columns: $1, passes: 20 + Double($1))
                    }, costPerToken: cohort[subject].encodeCost(), inputs: [index],
                    memory: UnitMemory(.lastLatents))
            }
            return (settings.includeLlmBaseline ? [baseline] : []) + latents
        }
    }

    /// Operations of the eleven fits of a search, each of some passes over the rows.
    private func searchCost(columns: Int, passes: Double) -> Double {
        LoopCost.factor * 11 * passes * 4 * Double(DatasetSplit.mostTraining) * Double(columns)
    }

    public func evaluate(
        _ unit: SAEProbesUnit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<SAEProbesPartial, any Error>] {
        let task = try ProbingTask(settings: settings, dataset: unit.dataset, context: context)
        switch unit {
        case .baseline(let dataset):
            let result = try task.baseline()
            return subjects.results { _ in .baseline(dataset: dataset, result) }
        case .latents(let dataset):
            return subjects.results { .latents(dataset: dataset, try task.latents(of: $0)) }
        }
    }

    public func outcome(
        of partials: [SAEProbesPartial], for subject: SubjectIndex, in cohort: Cohort
    ) throws -> Outcome {
        SAEProbesOutcome(settings: settings, cohort: cohort, partials: partials).outcome()
    }
}
