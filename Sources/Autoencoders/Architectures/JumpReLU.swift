import Kernels

/// `f = relu(p)` where `p > threshold`, else 0, with `p = s · W_enc + b_enc`.
///
/// - Source: `JumpReLUSAE` of SAELens 6; Rajamanoharan et al. 2024b. Older training checkpoints
///   store `log_threshold`, of which the exponential is taken.
struct JumpReLU: PlainArchitecture {
    /// The name in configurations.
    static let name = "jumprelu"
    /// Whether thresholds are compared with `p · ‖W_dec‖`.
    var thresholdIncludesNorms = false

    /// Reads `b_enc` and the thresholds.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        let bias = try weights.latentVector("b_enc")
        var threshold: [Float]
        if weights.source.contains("log_threshold"), !weights.source.contains("threshold") {
            threshold = try weights.latentExponentials("log_threshold")
        } else {
            threshold = try weights.latentVector("threshold")
        }
        if thresholdIncludesNorms {
            threshold = zip(threshold, norms).map(/)
        }
        return ArchitectureParts(
            activation: .jumpReLU(bias: bias, threshold: threshold), encoderBias: bias)
    }
}
