import Kernels

/// The training form of BatchTopK: the threshold that training tracked stands for the batch's top
/// k.
///
/// `f = relu(p)` where `p > topk_threshold`, else 0. With `rescale_acts_by_decoder_norm`, the
/// default of training, the threshold applies to `p · ‖W_dec‖` and the values carry the norms.
///
/// - Source: `BatchTopKTrainingSAE` of SAELens 6 and its export to `jumprelu`; Bussmann et al.
///   2024.
struct BatchTopK: LinearArchitecture {
    /// The name in configurations.
    static let name = "batchtopk"
    /// What SAELens exports it as.
    static let computedAs = JumpReLU.name
    /// Whether the threshold applies to `p · ‖W_dec‖`.
    let isRescaled: Bool

    /// Reads whether values are rescaled.
    init(_ settings: SAELensSettings) throws {
        isRescaled = try settings.truth(TopK.rescaleKey) ?? true
    }

    /// Reads `b_enc` and the one threshold.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        let bias = try weights.latentVector("b_enc")
        let threshold = try weights.scalar("topk_threshold")
        let thresholds =
            isRescaled
            ? norms.map { threshold / $0 } : [Float](repeating: threshold, count: weights.latents)
        return ArchitectureParts(
            activation: .jumpReLU(bias: bias, threshold: thresholds), encoderBias: bias,
            folding: isRescaled ? .always : .scaling)
    }
}

/// The training form of Matryoshka BatchTopK, which encodes and decodes as ``BatchTopK`` does.
///
/// - Source: `MatryoshkaBatchTopKTrainingSAE` of SAELens 6; Bussmann et al. 2025.
struct MatryoshkaBatchTopK: LinearArchitecture {
    /// The name in configurations.
    static let name = "matryoshka_batchtopk"
    /// What SAELens exports it as.
    static let computedAs = JumpReLU.name
    /// What it is without the groups of training.
    private let batchTopK: BatchTopK

    /// Reads the same settings as ``BatchTopK``.
    init(_ settings: SAELensSettings) throws { batchTopK = try BatchTopK(settings) }

    /// Reads the same tensors as ``BatchTopK``.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        try batchTopK.parts(&weights, norms: norms)
    }
}
