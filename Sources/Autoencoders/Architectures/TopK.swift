import Basics
import Kernels

/// The k largest of `p = s · W_enc + b_enc`, then relu; with `rescale_acts_by_decoder_norm`, the k
/// largest of `p · ‖W_dec‖`, whose decoder divides by the norms again.
///
/// - Source: `TopKSAE` of SAELens 6; Gao et al. 2024. Among equals the lowest latent is kept.
struct TopK: LinearArchitecture {
    /// The name in configurations.
    static let name = "topk"
    /// Latents compete.
    static let hasIndependentLatents = false
    /// Latents kept for each token.
    let k: Int
    /// Whether the k largest are those of `p · ‖W_dec‖`.
    let isRescaled: Bool

    /// What SAELens takes when the configuration is silent.
    private static let defaultK = 100
    /// The key that rescales by decoder norms.
    static let rescaleKey = "rescale_acts_by_decoder_norm"

    /// Keeps k latents.
    init(k: Int, isRescaled: Bool = false) { (self.k, self.isRescaled) = (k, isRescaled) }

    /// Reads `k` and whether values are rescaled.
    init(_ settings: SAELensSettings) throws {
        k = try settings.integer("k") ?? Self.defaultK
        isRescaled = try settings.truth(Self.rescaleKey) ?? false
    }

    /// `k` and whether values are rescaled.
    func settings(outputSize: Int) -> [JSONMember] {
        [
            JSONMember(key: "k", value: .integer(k)),
            JSONMember(key: Self.rescaleKey, value: .bool(isRescaled)),
        ]
    }

    /// Refuses a k beyond the latents.
    func check(latents: Int, path: String) throws(AutoencoderError) {
        guard k > 0, k <= latents else {
            throw AutoencoderError(
                .malformed, "\(path): `k` is \(k), expected 1 to \(latents)",
                advice: "set `k` to the number of latents that training kept")
        }
    }

    /// Reads `b_enc`.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        let bias = try weights.latentVector("b_enc")
        return ArchitectureParts(
            activation: .topK(bias: bias, k: k, rankScale: isRescaled ? norms : nil),
            encoderBias: bias, k: k,
            folding: isRescaled
                ? .ranking
                : .refused(reason: "folding could change which latents the top k keeps"))
    }
}
