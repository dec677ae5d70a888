import Basics
import Corpora
import EvalKit
import Probes

/// What SCR and TPP can be told; names and defaults of SAE Bench 0.6.0.
public struct AttributionSettings: EvaluationSettings {
    /// Seed of the choice of texts, of negatives and of probes.
    public var randomSeed = 42
    /// Ids of the labelled datasets.
    public var datasetNames = [
        "LabHC/bias_in_bios_class_set1", "canrager/amazon_reviews_mcauley_1and5",
    ]
    /// Epochs without a better test accuracy that end the training of a probe; as many as there are
    /// epochs never do.
    public var earlyStoppingPatience = 20
    /// Training texts of a probe, half of them positive.
    public var trainSetSize = 4000
    /// Test texts of a probe, half of them positive.
    public var testSetSize = 1000
    /// Tokens kept of each text, BOS included.
    public var contextLength = 128
    /// Texts of one training step; the strength of the learnt correlations depends on it.
    public var probeTrainBatchSize = 16
    /// Kept for configs of SAE Bench; no number depends on it.
    public var probeTestBatchSize = 500
    /// Epochs of a probe.
    public var probeEpochs = 20
    /// Learning rate of a probe.
    public var probeLr = 1e-3
    /// Weight of the absolute values of a probe's weights in its loss.
    public var probeL1Penalty = 1e-3
    /// Kept for configs of SAE Bench; no number depends on it.
    public var saeBatchSize = 125
    /// Kept for configs of SAE Bench; no number depends on it.
    public var llmBatchSize = 32
    /// The type of activations that the config expects; empty takes that of the run.
    public var llmDtype = ""
    /// Kept for configs of SAE Bench; no number depends on it.
    public var lowerVramUsage = false
    /// Numbers of latents that are ablated.
    public var nValues = [2, 5, 10, 20, 50, 100, 500]
    /// For SCR the pairs of classes of each dataset.
    public var column1ValsLookup: [String: [[String]]] = [
        "LabHC/bias_in_bios_class_set1": [
            ["professor", "nurse"], ["architect", "journalist"], ["surgeon", "psychologist"],
            ["attorney", "teacher"],
        ],
        "canrager/amazon_reviews_mcauley_1and5": [
            ["Books", "CDs_and_Vinyl"], ["Software", "Electronics"],
            ["Pet_Supplies", "Office_Products"],
            ["Industrial_and_Scientific", "Toys_and_Games"],
        ],
    ]

    /// For TPP classes of a dataset in place of SAE Bench's; not a setting of SAE Bench.
    public var chosenClasses: [String: [ClassName]] = [:]

    public init() {}

    public func validate() throws(EvaluationError) {
        for (key, value, least) in [
            ("random_seed", randomSeed, 0), ("early_stopping_patience", earlyStoppingPatience, 1),
            ("train_set_size", trainSetSize, 4), ("test_set_size", testSetSize, 4),
            ("context_length", contextLength, 2),
            ("probe_train_batch_size", probeTrainBatchSize, 1),
            ("probe_test_batch_size", probeTestBatchSize, 1), ("probe_epochs", probeEpochs, 1),
            ("sae_batch_size", saeBatchSize, 1), ("llm_batch_size", llmBatchSize, 1),
        ] where value < least || value > 100_000_000 {
            throw EvaluationError(
                .outOfRange, "`\(key)` is \(value)",
                advice: "give an integer of at least \(least)")
        }
        for (key, value) in [("probe_lr", probeLr), ("probe_l1_penalty", probeL1Penalty)]
        where !(value >= 0 && value <= 1000) {
            throw EvaluationError(
                .outOfRange, "`\(key)` is \(value)", advice: "give a number from 0 to 1000")
        }
        let types = ["", "float32", "bfloat16", "float16"]
        guard types.contains(llmDtype) else {
            throw EvaluationError(
                .outOfRange, "`llm_dtype` is `\(llmDtype)`",
                advice: suggestion(for: llmDtype, among: Array(types.dropFirst())))
        }
        guard !nValues.isEmpty, nValues.allSatisfy({ (1...100_000_000).contains($0) }),
            Set(nValues).count == nValues.count
        else {
            throw EvaluationError(
                .outOfRange, "`n_values` is \(nValues)",
                advice: "give different integers above 0")
        }
        guard !datasetNames.isEmpty, Set(datasetNames).count == datasetNames.count else {
            throw EvaluationError(
                .outOfRange, "`dataset_names` is \(datasetNames)",
                advice: "name each dataset once")
        }
        try validatePairs()
    }

    /// Checks the pairs of classes.
    private func validatePairs() throws(EvaluationError) {
        for (dataset, pairs) in column1ValsLookup.sorted(by: { $0.key < $1.key }) {
            guard pairs.allSatisfy({ $0.count == 2 && $0[0] != $0[1] }),
                Set(pairs).count == pairs.count
            else {
                throw EvaluationError(
                    .outOfRange, "`column1_vals_lookup.\(dataset)` is \(pairs)",
                    advice: "give lists of two different classes, each list once")
            }
        }
        for (dataset, classes) in chosenClasses.sorted(by: { $0.key < $1.key }) {
            guard datasetNames.contains(dataset) else {
                throw EvaluationError(
                    .outOfRange,
                    "`chosen_classes` names `\(dataset)`, which is not in `dataset_names`",
                    advice: suggestion(for: dataset, among: datasetNames))
            }
            guard classes.count >= 2, Set(classes).count == classes.count else {
                throw EvaluationError(
                    .outOfRange, "`chosen_classes.\(dataset)` is \(classes.map(\.text))",
                    advice: "give two different classes or more")
            }
        }
    }
}

extension AttributionSettings {
    /// How probes are trained.
    var training: AdamWSettings {
        AdamWSettings(
            learningRate: probeLr, batchSize: probeTrainBatchSize, epochs: probeEpochs,
            patience: earlyStoppingPatience, l1Penalty: probeL1Penalty)
    }

    /// The settings as SAE Bench writes them: its keys in its order.
    ///
    /// - Parameter activationType: the type in which activations were stored.
    func config(isSCR: Bool, modelName: String, activationType: String) -> JSON {
        let names = datasetNames + column1ValsLookup.keys.sorted()
        var lookup: [JSONMember] = []
        for name in names where !lookup.contains(where: { $0.key == name }) {
            guard let pairs = column1ValsLookup[name] else { continue }
            let values = pairs.map { JSON.array($0.map { .string($0) }) }
            lookup.append(JSONMember(key: name, value: .array(values)))
        }
        return .object([
            "random_seed": .integer(randomSeed),
            "dataset_names": .array(datasetNames.map { .string($0) }), "perform_scr": .bool(isSCR),
            "early_stopping_patience": .integer(earlyStoppingPatience),
            "train_set_size": .integer(trainSetSize), "test_set_size": .integer(testSetSize),
            "context_length": .integer(contextLength),
            "probe_train_batch_size": .integer(probeTrainBatchSize),
            "probe_test_batch_size": .integer(min(probeTestBatchSize, 500)),
            "probe_epochs": .integer(probeEpochs), "probe_lr": .number(probeLr),
            "probe_l1_penalty": .number(probeL1Penalty), "sae_batch_size": .integer(saeBatchSize),
            "llm_batch_size": .integer(llmBatchSize), "llm_dtype": .string(activationType),
            "lower_vram_usage": .bool(lowerVramUsage), "model_name": .string(modelName),
            "n_values": .array(nValues.map { .integer($0) }),
            "column1_vals_lookup": .object(lookup),
        ])
    }
}
