import Basics
import EvalKit
import Results

/// Merges the probes of one autoencoder into SAE Bench's metrics and ours: means over the classes of
/// a dataset, then over datasets, summed in their order as SAE Bench does.
struct SparseProbingOutcome {
    /// What the evaluation was told.
    let settings: SparseProbingSettings
    /// The autoencoders that were evaluated together.
    let cohort: Cohort
    /// The datasets that are present, in the order of the settings.
    private let datasets: [DatasetAccuracies]

    /// Values of k for which SAE Bench's results have a field.
    static let declaredValues = [1, 2, 5, 10, 20, 50, 100]

    /// Sorts what units gave by dataset.
    ///
    /// - Throws: ``EvaluationError`` when there is no dataset, or when a list of accuracies has
    ///   another length than that of classes.
    init(settings: SparseProbingSettings, cohort: Cohort, parts: [ProbedDataset]) throws {
        (self.settings, self.cohort) = (settings, cohort)
        for part in parts {
            let lengths =
                [part.full?.accuracies.count, part.full?.lastAccuracies.count]
                .compactMap { $0 } + part.sparse.map(\.accuracies.count)
            guard lengths.allSatisfy({ $0 == part.classes.count }), !part.classes.isEmpty else {
                throw EvaluationError(
                    .damagedPartial, "Accuracies on `\(part.dataset)` differ in number from classes"
                )
            }
        }
        datasets = settings.datasetNames.compactMap { dataset in
            let parts = parts.filter { $0.dataset == dataset }
            guard let model = parts.first(where: { $0.source == .model }),
                let latents = parts.first(where: { $0.source == .latents })
            else { return nil }
            return DatasetAccuracies(settings: settings, model: model, latents: latents)
        }
        guard !datasets.isEmpty else {
            throw EvaluationError(
                .unsuitable, "No dataset of `sparse_probing.dataset_names` could be used",
                advice: "see the errors of the datasets above")
        }
    }

    /// The result; without means over datasets when one is missing.
    func outcome() throws -> Outcome {
        let present = Set(datasets.map(\.dataset))
        return wholeOutcome.withoutMeans(
            missing: settings.datasetNames.filter { !present.contains($0) },
            of: settings.datasetNames.count, "datasets", described: SparseProbing.metrics)
    }

    /// The result as if there were no datasets but those that are present.
    private var wholeOutcome: Outcome {
        Outcome(
            metrics: [FeatureSource.model, .latents].flatMap { source in
                [Metric](source.rawValue, fields(source).map { ($0, mean(of: $0)) })
            } + [Metric](own: additions),
            details: DetailTable(
                key: "dataset_name",
                datasets.map { dataset in
                    let fields = fields(.model) + fields(.latents)
                    return (dataset.name, fields.map { ($0, dataset.mean(of: $0)) })
                }),
            saeBench: SAEBenchParts(
                config: settings.config(
                    modelName: cohort.modelName, activationType: cohort.activationType),
                unstructured: .object(
                    datasets.map { JSONMember(key: $0.name, value: $0.unstructured) })))
    }

    /// The metrics of a source of features: SAE Bench's fields, then other values of k.
    private func fields(_ source: FeatureSource) -> [String] {
        let others = settings.kValues.filter { !Self.declaredValues.contains($0) }
        return [metricName(source)]
            + (Self.declaredValues + others).map { metricName(source, k: $0) }
    }

    /// The mean over datasets; nil when no dataset has the metric.
    private func mean(of metric: String) -> Double? {
        average(datasets.compactMap { $0.mean(of: metric) })
    }

    /// What SAE Bench does not report.
    private var additions: NamedValues {
        [
            ("llm_test_accuracy_of_last_epoch", average(datasets.compactMap(\.lastOfModel))),
            ("sae_test_accuracy_of_last_epoch", average(datasets.compactMap(\.lastOfLatents))),
            ("datasets", Double(datasets.count)),
        ]
    }
}

/// The accuracies of one dataset by metric and class.
private struct DatasetAccuracies {
    /// The dataset's id.
    let dataset: String
    /// The name that results give the dataset.
    let name: String
    /// Mean accuracies of the last epoch.
    let lastOfModel: Double?
    let lastOfLatents: Double?
    /// Metrics in SAE Bench's order.
    private let metrics: [(name: String, values: [(className: String, accuracy: Double)])]

    /// Gathers the parts of one dataset.
    init(settings: SparseProbingSettings, model: ProbedDataset, latents: ProbedDataset) {
        dataset = model.dataset
        name = "\(dataset)_results"
        lastOfModel = average(model.full?.lastAccuracies ?? [])
        lastOfLatents = average(latents.full?.lastAccuracies ?? [])
        let full = { (part: ProbedDataset) in
            // SAE Bench writes this for a probe that it leaves out.
            part.full.map { Array(zip(part.classes, $0.accuracies)) } ?? [("-1", -1)]
        }
        let sparse = { (part: ProbedDataset) in
            part.sparse.map {
                (metricName(part.source, k: $0.k), Array(zip(part.classes, $0.accuracies)))
            }
        }
        metrics =
            [(metricName(.latents), full(latents)), (metricName(.model), full(model))]
            + sparse(model) + sparse(latents)
    }

    /// The mean over classes; nil when there is no such metric.
    func mean(of metric: String) -> Double? {
        metrics.first { $0.name == metric }.flatMap { average($0.values.map(\.accuracy)) }
    }

    /// The entry of `eval_result_unstructured`.
    var unstructured: JSON {
        .object(
            metrics.map { metric in
                JSONMember(
                    key: metric.name,
                    value: .object(
                        metric.values.map { name, accuracy in
                            let value: JSON = name == "-1" ? .integer(-1) : .number(accuracy)
                            return JSONMember(key: name, value: value)
                        }))
            })
    }
}

/// SAE Bench's name of a metric; without k that of the probe on all features.
func metricName(_ source: FeatureSource, k: Int? = nil) -> String {
    k.map { "\(source.rawValue)_top_\($0)_test_accuracy" } ?? "\(source.rawValue)_test_accuracy"
}

/// The mean of some numbers, nil of none.
private func average(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
