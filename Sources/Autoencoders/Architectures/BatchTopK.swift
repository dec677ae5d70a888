import Basics
import Kernels

/// The training form of BatchTopK: the threshold that training tracked stands for the batch's top
/// k.
///
/// `f = relu(p)` where `p > topk_threshold`, else 0. With `rescale_acts_by_decoder_norm`, the
/// default of training, the threshold applies to `p · ‖W_dec‖` and the values carry the norms.
///
/// - Source: `BatchTopKTrainingSAE` of SAELens 6 and its export to `jumprelu`; Bussmann et al.
///   2024.
enum BatchTopK: Architecture {
    /// The name in configurations.
    static let name = "batchtopk"
    /// What SAELens exports it as.
    static let computedAs = JumpReLU.name

    /// Reads `b_enc` and the one threshold.
    static func parts(
        _ configuration: AutoencoderConfiguration, _ weights: inout WeightReader, norms: [Float]
    ) throws -> ArchitectureParts {
        let bias = try weights.latentVector("b_enc")
        let threshold = try weights.scalar("topk_threshold")
        let isRescaled = try configuration.truth(TopK.rescaleKey) ?? true
        let thresholds =
            isRescaled
            ? norms.map { threshold / $0 }
            : [Float](repeating: threshold, count: configuration.latents)
        return ArchitectureParts(
            activation: .jumpReLU(bias: bias, threshold: thresholds), encoderBias: bias,
            folding: isRescaled ? .always : .scaling)
    }
}

/// The training form of Matryoshka BatchTopK, which encodes and decodes as ``BatchTopK`` does.
///
/// - Source: `MatryoshkaBatchTopKTrainingSAE` of SAELens 6; Bussmann et al. 2025.
enum MatryoshkaBatchTopK: Architecture {
    /// The name in configurations.
    static let name = "matryoshka_batchtopk"
    /// What SAELens exports it as.
    static let computedAs = JumpReLU.name

    /// Reads the same tensors as ``BatchTopK``.
    static func parts(
        _ configuration: AutoencoderConfiguration, _ weights: inout WeightReader, norms: [Float]
    ) throws -> ArchitectureParts {
        try BatchTopK.parts(configuration, &weights, norms: norms)
    }
}
