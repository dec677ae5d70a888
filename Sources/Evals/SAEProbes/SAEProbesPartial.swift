import Probes

/// What one unit covers: one dataset, so that a dataset that cannot be used fails alone.
public enum SAEProbesUnit: Codable, Sendable, Hashable {
    /// A probe of the model's own activations.
    case baseline(dataset: String)
    /// Probes of latents, one for each number of them.
    case latents(dataset: String)

    /// The name of the dataset.
    var dataset: String {
        switch self {
        case .baseline(let dataset), .latents(let dataset): dataset
        }
    }
}

/// What one unit yields for one autoencoder.
public enum SAEProbesPartial: Codable, Sendable {
    case baseline(dataset: String, ProbeResult)
    case latents(dataset: String, [LatentProbeResult])
}

/// How a probe does on the test texts, and how it was chosen.
public struct ProbeResult: Codable, Sendable, Equatable {
    /// The scores on the test texts.
    public var scores: ClassificationScores
    /// scikit-learn's `C`; nil where nothing was held out to choose it by.
    public var inverseStrength: Double?
    /// The area under the curve by which the penalty was chosen.
    public var validationAUC: Double
}

/// The probe of a number of latents.
public struct LatentProbeResult: Codable, Sendable, Equatable {
    /// The latents, best first.
    public var latents: [Int]
    /// How a probe on these latents alone does.
    public var result: ProbeResult

    /// Number of latents.
    var k: Int { latents.count }
}
