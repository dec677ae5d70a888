/// What a unit holds in memory while it is evaluated, beside weights and tokens: what a plan turns
/// into bytes.
public struct UnitMemory: Sendable, Codable, Hashable {
    /// What takes most of it.
    public enum Kind: String, Sendable, Codable {
        /// Nothing that counts.
        case little
        /// Clean and changed logits of a chunk of tokens for each thread, and codes before them.
        case logits
        /// Activations, codes and reconstructions of a chunk of tokens for each thread.
        case codes
        /// One row of activations for each text.
        case textActivations
        /// One row of the latents that fire for each text, and chunks of tokens on their way there.
        case textLatents
        /// The latents of one token of each text.
        case lastLatents
    }

    /// What takes most of it.
    public var kind: Kind
    /// Tokens of packed rows that the unit goes through.
    public var tokens: Int
    /// The share of the input's texts that are held at once.
    public var share: Double
    /// Whether probes on all features are trained, one on each thread.
    public var trainsProbes: Bool

    /// - Parameters:
    ///   - tokens: of packed rows.
    ///   - share: of the texts of the unit's input.
    ///   - trainsProbes: whether probes on all features are trained.
    public init(
        _ kind: Kind, tokens: Int = 0, share: Double = 1, trainsProbes: Bool = false
    ) {
        (self.kind, self.tokens, self.share) = (kind, tokens, share)
        self.trainsProbes = trainsProbes
    }

    /// Nothing that counts.
    public static let little = UnitMemory(.little)
}
