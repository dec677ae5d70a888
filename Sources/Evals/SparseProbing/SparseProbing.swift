import Activations
import Autoencoders
import Basics
import Corpora
import EvalKit
import Probes
import Results

/// SAE Bench's sparse probing: how well a linear probe on a few latents of an autoencoder tells
/// classes of texts apart.
///
/// - Source: `sae_bench/evals/sparse_probing` of SAE Bench 0.6.0; differences in this folder's
///   README.
public struct SparseProbing: Evaluation {
    public static let identifier = "sparse_probing"
    public static let summary =
        "accuracy of linear probes on k latents, against k channels and all of the model"

    public static let metrics =
        columns(of: .model, title: "LLM", better: nil)
        + columns(of: .latents, title: "SAE", better: .higher) + [
            MetricDescription("sae_*", better: .higher),
            MetricDescription("datasets", isCount: true),
        ]

    /// The columns of a source of features: the probe on all of them, then those on a few.
    private static func columns(
        of source: FeatureSource, title: String, better: MetricDescription.Direction?
    ) -> [MetricDescription] {
        [MetricDescription(metricName(source), better: better, title: title)]
            + [1, 2, 5].map { (k: Int) in
                MetricDescription(
                    metricName(source, k: k), better: better, title: "\(title) k=\(k)")
            }
    }

    /// What it was told.
    let settings: SparseProbingSettings

    /// Takes its settings.
    public init(settings: SparseProbingSettings) { self.settings = settings }

    public func inputs(for cohort: Cohort) -> [InputRequest] {
        settings.datasetNames.map { .texts(settings.request($0)) }
    }

    public func check(_ subject: Subject, in cohort: Cohort) throws {
        let latents = subject.reference.latents
        if let k = settings.kValues.max(), k > latents {
            throw EvaluationError(
                .unsuitable,
                "`sparse_probing.k_values` holds \(k), but \(subject.name) has \(latents) latents",
                advice: "leave out values above \(latents)")
        }
        try cohort.check(llmDtype: settings.llmDtype, of: Self.identifier)
    }

    public func units(for cohort: Cohort) throws -> [PlannedUnit<SparseProbingUnit>] {
        let subjects = cohort.subjectIndices
        let costs = ProbingCosts(settings: settings, cohort: cohort)
        let memory = UnitMemory(.textLatents, trainsProbes: !settings.lowerVramUsage)
        guard cohort.streams == .independent else {
            return subjects.map { subject in
                PlannedUnit(
                    unit: .upstream, subjects: [subject],
                    cost: Double(settings.datasetNames.count)
                        * (costs.model + costs.latents(subject)),
                    costPerToken: costs.pooling + cohort[subject].encodeCost(), memory: memory)
            }
        }
        return settings.datasetNames.enumerated().flatMap { index, dataset in
            let model = PlannedUnit(
                unit: SparseProbingUnit.model(dataset: dataset), subjects: subjects,
                cost: costs.model, costPerToken: costs.pooling, inputs: [index],
                isSharedByAllSubjects: true, memory: UnitMemory(.textActivations))
            let latents = subjects.map { subject in
                PlannedUnit(
                    unit: SparseProbingUnit.latents(dataset: dataset), subjects: [subject],
                    cost: costs.latents(subject), costPerToken: cohort[subject].encodeCost(),
                    inputs: [index], memory: memory)
            }
            return [model] + latents
        }
    }

    public func evaluate(
        _ unit: SparseProbingUnit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<SparseProbingPartial, any Error>] {
        let probing = DatasetProbing(settings: settings, context: context)
        switch unit {
        case .model(let dataset):
            let part = try probing.part(dataset, source: .model)
            return subjects.results { _ in SparseProbingPartial([part]) }
        case .latents(let dataset):
            return subjects.results { subject in
                SparseProbingPartial([
                    try probing.part(dataset, source: .latents, of: subject)
                ])
            }
        case .upstream:
            return subjects.results { subject in
                var generator = TorchGenerator(seed: UInt64(settings.randomSeed))
                return SparseProbingPartial(try probing.upstream(subject, using: &generator))
            }
        }
    }

    public func outcome(
        of partials: [SparseProbingPartial], for subject: SubjectIndex, in cohort: Cohort
    ) throws -> Outcome {
        try SparseProbingOutcome(
            settings: settings, cohort: cohort, parts: partials.flatMap(\.parts)
        ).outcome()
    }
}

extension SparseProbingSettings {
    /// The texts of a dataset.
    func request(_ dataset: String) -> TextRequest {
        TextRequest(
            dataset: dataset,
            selection: .classes(
                train: probeTrainSetSize, test: probeTestSetSize, seed: randomSeed,
                classes: chosenClasses[dataset]?.map(\.text)),
            contextLength: contextLength)
    }
}

/// Floating-point operations of one dataset, about.
private struct ProbingCosts {
    /// What the evaluation was told.
    let settings: SparseProbingSettings
    /// The autoencoders and their hook.
    let cohort: Cohort

    /// Classes of a dataset and epochs of a probe, about.
    private static let (classes, epochs) = (5.0, 40.0)

    /// One full and the sparse probes of each class on some features a text.
    private func probes(features: Double) -> Double {
        let rows = Double(settings.probeTrainSetSize + settings.probeTestSetSize)
        return LoopCost.factor * Self.classes * rows * features * 6 * Self.epochs
    }

    /// The probes on the model's activations.
    var model: Double { probes(features: Double(cohort.activationSize)) }

    /// Pooling one token's activations.
    var pooling: Double { LoopCost.factor * 2 * Double(cohort.activationSize) }

    /// The probes of an autoencoder.
    func latents(_ subject: SubjectIndex) -> Double {
        let latents = Double(cohort[subject].reference.latents)
        return settings.lowerVramUsage ? 0 : probes(features: latents / 10)
    }
}
