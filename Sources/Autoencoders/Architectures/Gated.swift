import Kernels

/// `f = relu(p · exp(r_mag) + b_mag)` where `p + b_gate > 0`, else 0, with `p = s · W_enc`.
///
/// - Source: `GatedSAE` of SAELens 6; Rajamanoharan et al. 2024a. Folding multiplies `b_gate` and
///   `b_mag` by the norms and leaves `r_mag`, as SAELens 6 does.
struct Gated: PlainArchitecture {
    /// The name in configurations.
    static let name = "gated"

    /// Reads `b_gate`, `b_mag` and `r_mag`.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        let gateBias = try weights.latentVector("b_gate")
        let magnitudeBias = try weights.latentVector("b_mag")
        let magnitudeScale = try weights.latentExponentials("r_mag")
        return ArchitectureParts(
            activation: .gated(
                gateBias: gateBias, magnitudeScale: magnitudeScale, magnitudeBias: magnitudeBias),
            encoderBias: magnitudeBias)
    }
}
