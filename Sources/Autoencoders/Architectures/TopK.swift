import Basics
import Kernels

/// The k largest of `p = s · W_enc + b_enc`, then relu; with `rescale_acts_by_decoder_norm`, the k
/// largest of `p · ‖W_dec‖`, whose decoder divides by the norms again.
///
/// - Source: `TopKSAE` of SAELens 6; Gao et al. 2024. Among equals the lowest latent is kept.
enum TopK: Architecture {
    /// The name in configurations.
    static let name = "topk"
    /// Latents compete.
    static let hasIndependentLatents = false

    /// `k` and whether values are rescaled.
    static func settings(_ configuration: AutoencoderConfiguration) -> [JSONMember] {
        [
            JSONMember(key: "k", value: configuration.json["k"] ?? .integer(defaultK)),
            JSONMember(
                key: rescaleKey, value: configuration.json[rescaleKey] ?? .bool(false)),
        ]
    }

    /// Reads `b_enc` and k.
    static func parts(
        _ configuration: AutoencoderConfiguration, _ weights: inout WeightReader, norms: [Float]
    ) throws -> ArchitectureParts {
        let k = try configuration.integer("k") ?? defaultK
        guard k > 0, k <= configuration.latents else {
            throw AutoencoderError(
                .malformed,
                "\(configuration.path): `k` is \(k), expected 1 to \(configuration.latents)",
                advice: "set `k` to the number of latents that training kept")
        }
        let bias = try weights.latentVector("b_enc")
        let isRescaled = try configuration.truth(rescaleKey) ?? false
        return ArchitectureParts(
            activation: .topK(bias: bias, k: k, rankScale: isRescaled ? norms : nil),
            encoderBias: bias, k: k,
            folding: isRescaled
                ? .ranking
                : .refused(reason: "folding could change which latents the top k keeps"))
    }

    /// What SAELens takes when the configuration is silent.
    private static let defaultK = 100
    /// The key that rescales by decoder norms.
    static let rescaleKey = "rescale_acts_by_decoder_norm"
}
