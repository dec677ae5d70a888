import Basics
import EvalKit
import Probes
import Results

/// Merges the datasets of one autoencoder into SAE Bench's metrics and details.
struct SAEProbesOutcome {
    private let settings: SAEProbesSettings
    private let cohort: Cohort
    /// Datasets with results, in the order of SAE Bench's files.
    private let datasets: [String]
    private var baselines: [String: ProbeResult] = [:]
    private var latents: [String: [LatentProbeResult]] = [:]

    /// Numbers of latents for which SAE Bench's results have fields.
    static let declared = [1, 2, 5, 10, 20, 50, 100]

    /// SAE Bench's key of scores by number of latents.
    private static let byK = "sae_metrics_by_k"

    init(settings: SAEProbesSettings, cohort: Cohort, partials: [SAEProbesPartial]) {
        (self.settings, self.cohort) = (settings, cohort)
        for partial in partials {
            switch partial {
            case .baseline(let dataset, let result): baselines[dataset] = result
            case .latents(let dataset, let results): latents[dataset] = results
            }
        }
        let suffix = "_\(cohort.hook)_\(settings.regType).json"
        datasets = latents.keys.sorted {
            ($0 + suffix).utf8.lexicographicallyPrecedes(($1 + suffix).utf8)
        }
    }

    /// The result; without means over datasets when one is missing.
    func outcome() -> Outcome {
        let missing = settings.datasets.filter { latents[$0] == nil }
        let means = meansByK
        return Outcome(
            metrics: [Metric](
                "llm", baselineValues(mean(of: datasets.compactMap { baselines[$0]?.scores })))
                + [Metric]("sae", latentValues(means)) + [Metric](own: additions),
            details: DetailTable(key: "dataset_name", datasets.map { ($0, details($0)) }),
            saeBench: SAEBenchParts(
                config: config, unstructured: unstructured,
                detailsTrailing: [
                    (Self.byK, datasets.map { json(scores(of: $0)) })
                ],
                trailing: [(Self.byK, means.isEmpty || !missing.isEmpty ? .null : json(means))])
        ).withoutMeans(
            missing: missing, of: settings.datasets.count, "datasets", described: SAEProbes.metrics)
    }

    // MARK: - Settings as SAE Bench writes them

    private var config: JSON {
        .object([
            "model_name": .string(cohort.modelName),
            "random_seed": .integer(settings.randomSeed),
            "dataset_names": .array(settings.datasets.map { .string($0) }),
            "reg_type": .string(settings.regType), "setting": .string(settings.setting),
            "ks": .array(settings.ks.map { .integer($0) }), "binarize": .bool(settings.binarize),
            "results_path": .string(settings.resultsPath),
            "model_cache_path": settings.modelCachePath.map(JSON.string) ?? .null,
            "include_llm_baseline": .bool(settings.includeLlmBaseline),
            "baseline_method": .string(settings.baselineMethod),
        ])
    }

    // MARK: - Metrics

    /// Means over the datasets for each number of latents, in the order of the settings.
    private var meansByK: [(k: Int, scores: ClassificationScores)] {
        settings.ks.compactMap { k in
            mean(of: datasets.compactMap { scores(of: $0, k: k) }).map { (k, $0) }
        }
    }

    private func scores(of dataset: String, k: Int) -> ClassificationScores? {
        latents[dataset]?.first { $0.k == k }?.result.scores
    }

    private func mean(of scores: [ClassificationScores]) -> ClassificationScores? {
        guard !scores.isEmpty else { return nil }
        let count = Double(scores.count)
        return ClassificationScores(
            accuracy: scores.reduce(0) { $0 + $1.accuracy } / count,
            auc: scores.reduce(0) { $0 + $1.auc } / count,
            f1: scores.reduce(0) { $0 + $1.f1 } / count)
    }

    private func baselineValues(_ scores: ClassificationScores?) -> NamedValues {
        values("llm", scores)
    }

    /// SAE Bench has no probe of all latents, yet a field for it.
    private func latentValues(_ scores: [(k: Int, scores: ClassificationScores)]) -> NamedValues {
        [("sae_test_accuracy", nil)]
            + Self.declared.flatMap { k in
                values("sae_top_\(k)", scores.first { $0.k == k }?.scores)
            }
    }

    private func values(_ prefix: String, _ scores: ClassificationScores?) -> NamedValues {
        [
            ("\(prefix)_test_accuracy", scores?.accuracy), ("\(prefix)_test_auc", scores?.auc),
            ("\(prefix)_test_f1", scores?.f1),
        ]
    }

    // MARK: - Details

    private func details(_ dataset: String) -> NamedValues {
        baselineValues(baselines[dataset]?.scores) + latentValues(scores(of: dataset))
    }

    /// The scores of a dataset for each number of latents, in the order of the settings.
    private func scores(of dataset: String) -> [(k: Int, scores: ClassificationScores)] {
        settings.ks.compactMap { k in scores(of: dataset, k: k).map { (k, $0) } }
    }

    private func json(_ scores: [(k: Int, scores: ClassificationScores)]) -> JSON {
        .object(
            scores.map { entry in
                JSONMember(
                    key: "\(entry.k)",
                    value: .object([
                        "test_accuracy": .number(entry.scores.accuracy),
                        "test_auc": .number(entry.scores.auc),
                        "test_f1": .number(entry.scores.f1),
                    ]))
            })
    }

    /// What SAE Bench reads from sae-probes and drops: how each probe was chosen, and its latents.
    private var unstructured: JSON {
        .object(
            datasets.map { dataset in
                var members: [JSONMember] = []
                if let baseline = baselines[dataset] {
                    members.append(JSONMember(key: "llm", value: .object(choice(baseline))))
                }
                for entry in latents[dataset] ?? [] {
                    let indices = JSONMember(
                        key: "indices", value: .array(entry.latents.map { .integer($0) }))
                    members.append(
                        JSONMember(
                            key: "sae_top_\(entry.k)",
                            value: .object(choice(entry.result) + [indices])
                        ))
                }
                return JSONMember(key: dataset, value: .object(members))
            })
    }

    private func choice(_ result: ProbeResult) -> [JSONMember] {
        [
            JSONMember(key: "val_auc", value: .number(result.validationAUC)),
            JSONMember(key: "C", value: result.inverseStrength.map(JSON.number) ?? .null),
        ]
    }

    private var additions: NamedValues {
        let undeclared = meansByK.filter { !Self.declared.contains($0.k) }
        return [("datasets", Double(datasets.count))]
            + undeclared.flatMap { values("sae_top_\($0.k)", $0.scores) }
    }
}
