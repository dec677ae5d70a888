import Basics
import EvalKit

/// What the sparse-probing evaluation can be told; names and defaults of SAE Bench 0.6.0.
public struct SparseProbingSettings: EvaluationSettings {
    /// Seed of the choice of texts, of negatives and of probes.
    public var randomSeed = 42
    /// Ids of the labelled datasets.
    public var datasetNames = [
        "LabHC/bias_in_bios_class_set1", "LabHC/bias_in_bios_class_set2",
        "LabHC/bias_in_bios_class_set3", "canrager/amazon_reviews_mcauley_1and5",
        "canrager/amazon_reviews_mcauley_1and5_sentiment", "codeparrot/github-code",
        "fancyzhx/ag_news", "Helsinki-NLP/europarl",
    ]
    /// Training texts of a probe, half of them positive.
    public var probeTrainSetSize = 4000
    /// Test texts of a probe, half of them positive.
    public var probeTestSetSize = 1000
    /// Tokens kept of each text, BOS included.
    public var contextLength = 128
    /// Kept for configs of SAE Bench; no number depends on it.
    public var saeBatchSize = 125
    /// Kept for configs of SAE Bench; no number depends on it.
    public var llmBatchSize: Int?
    /// The type of activations that the config expects; empty takes that of the run.
    public var llmDtype = ""
    /// Numbers of latents, or channels of the model, that a sparse probe may use.
    public var kValues = [1, 2, 5]
    /// Leaves out the probe on all latents, as SAE Bench does.
    public var lowerVramUsage = false
    /// Classes of a dataset in place of SAE Bench's, by dataset; not a setting of SAE Bench.
    public var chosenClasses: [String: [ClassName]] = [:]

    /// The settings of SAE Bench.
    public init() {}

    /// Writes every key, null where there is no value, since keys are what a config may hold.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(randomSeed, forKey: .randomSeed)
        try container.encode(datasetNames, forKey: .datasetNames)
        try container.encode(probeTrainSetSize, forKey: .probeTrainSetSize)
        try container.encode(probeTestSetSize, forKey: .probeTestSetSize)
        try container.encode(contextLength, forKey: .contextLength)
        try container.encode(saeBatchSize, forKey: .saeBatchSize)
        try container.encode(llmBatchSize, forKey: .llmBatchSize)
        try container.encode(llmDtype, forKey: .llmDtype)
        try container.encode(kValues, forKey: .kValues)
        try container.encode(lowerVramUsage, forKey: .lowerVramUsage)
        try container.encode(chosenClasses, forKey: .chosenClasses)
    }

    public func validate() throws(EvaluationError) {
        for (key, value, least) in [
            ("probe_train_set_size", probeTrainSetSize, 2),
            ("probe_test_set_size", probeTestSetSize, 2), ("context_length", contextLength, 2),
            ("sae_batch_size", saeBatchSize, 1), ("llm_batch_size", llmBatchSize ?? 1, 1),
            ("random_seed", randomSeed, 0),
        ] where value < least || value > 100_000_000 {
            throw EvaluationError(
                .outOfRange, "`sparse_probing.\(key)` is \(value)",
                advice: "give an integer of at least \(least)")
        }
        let types = ["", "float32", "bfloat16", "float16"]
        guard types.contains(llmDtype) else {
            throw EvaluationError(
                .outOfRange, "`sparse_probing.llm_dtype` is `\(llmDtype)`",
                advice: suggestion(for: llmDtype, among: Array(types.dropFirst())))
        }
        guard kValues.allSatisfy({ $0 > 0 && $0 <= 100_000_000 }),
            Set(kValues).count == kValues.count
        else {
            throw EvaluationError(
                .outOfRange, "`sparse_probing.k_values` is \(kValues)",
                advice: "give different integers above 0")
        }
        guard !datasetNames.isEmpty, Set(datasetNames).count == datasetNames.count else {
            throw EvaluationError(
                .outOfRange, "`sparse_probing.dataset_names` is \(datasetNames)",
                advice: "name each dataset once")
        }
        try validateClasses()
    }

    /// Checks the lists of classes.
    private func validateClasses() throws(EvaluationError) {
        for (dataset, classes) in chosenClasses.sorted(by: { $0.key < $1.key }) {
            guard datasetNames.contains(dataset) else {
                throw EvaluationError(
                    .outOfRange,
                    "`sparse_probing.chosen_classes` names `\(dataset)`, which is not in "
                        + "`dataset_names`",
                    advice: suggestion(for: dataset, among: datasetNames))
            }
            guard classes.count >= 2, Set(classes).count == classes.count else {
                throw EvaluationError(
                    .outOfRange,
                    "`sparse_probing.chosen_classes.\(dataset)` is \(classes.map(\.text))",
                    advice: "give two different classes or more")
            }
        }
    }
}

extension SparseProbingSettings {
    /// Batches that SAE Bench runs its known models with, written into results where the config says
    /// nothing.
    private static let knownBatchSizes = [
        "pythia-70m-deduped": 512, "pythia-160m-deduped": 256, "gemma-2-2b": 32,
        "gemma-2-2b-it": 32, "gemma-2-9b": 32, "gemma-2-9b-it": 32,
    ]

    /// The settings as SAE Bench writes them: its keys in its order.
    ///
    /// - Parameter activationType: the type in which activations were stored.
    func config(modelName: String, activationType: String) -> JSON {
        let model = modelName.split(separator: "/").last.map(String.init) ?? modelName
        let batch = llmBatchSize ?? Self.knownBatchSizes[model]
        return .object([
            "random_seed": .integer(randomSeed),
            "dataset_names": .array(datasetNames.map { .string($0) }),
            "probe_train_set_size": .integer(probeTrainSetSize),
            "probe_test_set_size": .integer(probeTestSetSize),
            "context_length": .integer(contextLength), "sae_batch_size": .integer(saeBatchSize),
            "llm_batch_size": batch.map { .integer($0) } ?? .null,
            "llm_dtype": .string(activationType), "model_name": .string(modelName),
            "k_values": .array(kValues.map { .integer($0) }),
            "lower_vram_usage": .bool(lowerVramUsage),
        ])
    }
}
