import Basics
import EvalKit
import Results
import Testing

@testable import Evals

/// Probes of two classes with given accuracies.
private func part(
    _ dataset: String, _ source: FeatureSource, full: [Double]?, _ sparse: [Int: [Double]]
) -> ProbedDataset {
    ProbedDataset(
        dataset: dataset, source: source, classes: ["p", "q"],
        full: full.map {
            FullProbes(accuracies: $0, lastAccuracies: $0.map { $0 / 2 }, epochs: [3, 4])
        },
        sparse: sparse.keys.sorted().map { SparseProbes(k: $0, accuracies: sparse[$0] ?? []) })
}

/// Settings of two datasets and two values of k, one of which SAE Bench has no field for.
private func settings() -> SparseProbingSettings {
    var settings = SparseProbingSettings()
    (settings.datasetNames, settings.kValues) = (["d/1", "d/2"], [1, 3])
    return settings
}

/// The outcome of some parts.
private func outcome(_ parts: [ProbedDataset]) throws -> Outcome {
    try SparseProbingOutcome(
        settings: settings(), cohort: toyCohort(modelSize: 3, latents: [5]), parts: parts
    ).outcome()
}

/// All parts of two datasets.
private let parts = [
    part("d/1", .model, full: [0.5, 0.75], [1: [0.5, 0.5], 3: [0.25, 0.75]]),
    part("d/1", .latents, full: [1, 0.5], [1: [0.75, 0.25], 3: [1, 1]]),
    part("d/2", .model, full: [1, 1], [1: [1, 0.5], 3: [1, 1]]),
    part("d/2", .latents, full: [0, 1], [1: [0.5, 1], 3: [0, 0]]),
]

struct SparseProbingOutcomeTests {
    @Test("Metrics are means over classes, then over datasets; what did not run is null")
    func means() throws {
        let outcome = try outcome(parts)
        #expect(outcome.categories.map(\.name) == ["llm", "sae"])
        #expect(try outcome.metric("llm_test_accuracy") == (0.625 + 1) / 2)
        #expect(try outcome.metric("llm_top_1_test_accuracy") == (0.5 + 0.75) / 2)
        #expect(try outcome.metric("sae_test_accuracy") == (0.75 + 0.5) / 2)
        #expect(try outcome.metric("sae_top_3_test_accuracy") == 0.5)
        #expect(try outcome.metric("llm_test_accuracy_of_last_epoch") == (0.3125 + 0.5) / 2)
        #expect(try outcome.metric("sae_test_accuracy_of_last_epoch") == (0.375 + 0.25) / 2)
        let values = outcome.categories[1].metrics
        #expect(values.first { $0.name == "sae_top_50_test_accuracy" }?.value == .some(nil))
    }

    @Test("Values of k without a field of SAE Bench come after its fields")
    func fields() throws {
        let fields = ["1", "2", "5", "10", "20", "50", "100", "3"]
        let expected = { (source: String) in
            ["\(source)_test_accuracy"] + fields.map { "\(source)_top_\($0)_test_accuracy" }
        }
        let outcome = try outcome(parts)
        #expect(outcome.categories[0].metrics.map(\.name) == expected("llm"))
        #expect(outcome.categories[1].metrics.map(\.name) == expected("sae"))
        let details = try #require(outcome.detailRows.elements)
        #expect(details.count == 2)
        #expect(
            details[0].members?.map(\.key)
                == ["dataset_name"] + expected("llm") + expected("sae"))
        #expect(details[1]["dataset_name"]?.text == "d/2_results")
        #expect(details[1]["sae_top_1_test_accuracy"]?.double == 0.75)
        #expect(details[1]["sae_top_2_test_accuracy"]?.isNull == true)
    }

    @Test("Accuracies of classes are in SAE Bench's order of metrics")
    func unstructured() throws {
        let unstructured = try #require(try outcome(parts).saeBench.unstructured["d/1_results"])
        #expect(
            unstructured.text()
                == "{\"sae_test_accuracy\": {\"p\": 1.0, \"q\": 0.5}, "
                + "\"llm_test_accuracy\": {\"p\": 0.5, \"q\": 0.75}, "
                + "\"llm_top_1_test_accuracy\": {\"p\": 0.5, \"q\": 0.5}, "
                + "\"llm_top_3_test_accuracy\": {\"p\": 0.25, \"q\": 0.75}, "
                + "\"sae_top_1_test_accuracy\": {\"p\": 0.75, \"q\": 0.25}, "
                + "\"sae_top_3_test_accuracy\": {\"p\": 1.0, \"q\": 1.0}}")
    }

    @Test("A probe that is left out to save memory counts -1, as upstream")
    func lowerMemory() throws {
        let without = parts.map { part in
            var part = part
            if part.source == .latents { part.full = nil }
            return part
        }
        let outcome = try outcome(without)
        #expect(try outcome.metric("sae_test_accuracy") == -1)
        #expect(try outcome.metric("llm_test_accuracy") == (0.625 + 1) / 2)
        let unstructured = outcome.saeBench.unstructured["d/2_results"]?["sae_test_accuracy"]
        #expect(unstructured?.text() == "{\"-1\": -1}")
        #expect(!outcome.ownMetrics.contains { $0.name.hasPrefix("sae") })
    }

    @Test("Without one of its datasets no mean is a score, and what there is of it stands beside")
    func missingDataset() throws {
        let outcome = try outcome(Array(parts[2...]))
        #expect(outcome.hasNoMeans)
        let names = try Self.whole().categories[0].metrics.map(\.name)
        #expect(outcome.categories[0].metrics.map(\.name) == names)
        #expect(outcome.incomplete?.missing == ["d/1"])
        #expect(try outcome.partialMean("llm_test_accuracy") == 1)
        #expect(try outcome.partialMean("sae_top_1_test_accuracy") == 0.75)
        #expect(try outcome.partialMean("llm_test_accuracy_of_last_epoch") == 0.5)
        #expect(outcome.ownMetrics.map(\.name) == ["datasets"])
        #expect(outcome.notes.count == 1 && outcome.notes[0].contains("1 of 2 datasets"))
        #expect(outcome.notes[0].contains("`d/1`"))
        #expect(outcome.detailRows.elements?.count == 1)
        #expect(outcome.saeBench.unstructured.members?.map(\.key) == ["d/2_results"])
        #expect(try outcome.metric("datasets") == 1)
        #expect(throws: EvaluationError.self) { try Self.outcomeOfNothing() }
        let whole = try Self.whole()
        #expect(whole.incomplete == nil && whole.notes.isEmpty)
    }

    /// What comes of all datasets.
    private static func whole() throws -> Outcome { try outcome(parts) }

    /// What comes of no dataset at all.
    private static func outcomeOfNothing() throws -> Outcome { try outcome([]) }

    @Test("Lists that are shorter than the classes are refused")
    func damaged() throws {
        var damaged = parts
        damaged[1].sparse[0].accuracies.removeLast()
        #expect(throws: EvaluationError.self) { try outcome(damaged) }
    }

    @Test("The config is written with SAE Bench's keys, in its order")
    func config() throws {
        let config = try outcome(parts).saeBench.config
        #expect(
            config.members?.map(\.key) == [
                "random_seed", "dataset_names", "probe_train_set_size", "probe_test_set_size",
                "context_length", "sae_batch_size", "llm_batch_size", "llm_dtype", "model_name",
                "k_values", "lower_vram_usage",
            ])
        #expect(config["llm_batch_size"]?.isNull == true)
        #expect(config["llm_dtype"]?.text == "float32")
        let known = settings().config(
            modelName: "EleutherAI/pythia-70m-deduped", activationType: "bfloat16")
        #expect(known["llm_batch_size"]?.integer == 512)
        #expect(known["llm_dtype"]?.text == "bfloat16")
    }
}
