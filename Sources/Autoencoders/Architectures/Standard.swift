import Kernels

/// `f = relu(s · W_enc + b_enc)`.
///
/// - Source: `StandardSAE` of SAELens 6; Bricken et al. 2023.
struct Standard: PlainArchitecture {
    /// The name in configurations.
    static let name = "standard"

    /// Reads `b_enc`.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        let bias = try weights.latentVector("b_enc")
        return ArchitectureParts(activation: .relu(bias: bias), encoderBias: bias)
    }
}
