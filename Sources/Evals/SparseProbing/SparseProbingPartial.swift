/// What one unit of the sparse-probing evaluation covers.
public enum SparseProbingUnit: Codable, Sendable, Hashable {
    /// Probes on the model's activations on one dataset, the same for all autoencoders.
    case model(dataset: String)
    /// Probes on an autoencoder's latents on one dataset.
    case latents(dataset: String)
    /// All probes of one autoencoder on all datasets, with one generator in SAE Bench's order.
    case upstream
}

/// What one unit yields for one autoencoder.
public struct SparseProbingPartial: Codable, Sendable, Equatable {
    /// One entry for each dataset and source of features.
    public var parts: [ProbedDataset]

    /// Takes its parts.
    public init(_ parts: [ProbedDataset]) { self.parts = parts }
}

/// Where the features of a probe come from.
public enum FeatureSource: String, Codable, Sendable {
    /// The model's activations.
    case model = "llm"
    /// An autoencoder's latents.
    case latents = "sae"
}

/// Accuracies of the probes on one dataset and one source of features.
public struct ProbedDataset: Codable, Sendable, Equatable {
    /// The dataset's id.
    public var dataset: String
    /// Where the features come from.
    public var source: FeatureSource
    /// Classes in the order of the dataset; all other lists follow it.
    public var classes: [String]
    /// The probe on all features; nil when it was left out.
    public var full: FullProbes?
    /// Sparse probes in the order of the settings.
    public var sparse: [SparseProbes]

    /// Takes all values.
    public init(
        dataset: String, source: FeatureSource, classes: [String], full: FullProbes?,
        sparse: [SparseProbes]
    ) {
        (self.dataset, self.source, self.classes) = (dataset, source, classes)
        (self.full, self.sparse) = (full, sparse)
    }
}

/// Probes on all features, one for each class.
public struct FullProbes: Codable, Sendable, Equatable {
    /// Accuracies on test texts of the epoch that was best on them.
    public var accuracies: [Double]
    /// Accuracies on test texts of the last epoch.
    public var lastAccuracies: [Double]
    /// Epochs until training stopped.
    public var epochs: [Int]

    /// Takes all values.
    public init(accuracies: [Double], lastAccuracies: [Double], epochs: [Int]) {
        (self.accuracies, self.lastAccuracies) = (accuracies, lastAccuracies)
        self.epochs = epochs
    }
}

/// Probes on the k features whose means differ most, one for each class.
public struct SparseProbes: Codable, Sendable, Equatable {
    /// Features of a probe.
    public var k: Int
    /// Accuracies on test texts.
    public var accuracies: [Double]

    /// Takes all values.
    public init(k: Int, accuracies: [Double]) { (self.k, self.accuracies) = (k, accuracies) }
}
