/// A change to some of an autoencoder's latents in the activations that it reads; what it cannot
/// reconstruct stays.
///
/// `x ← x + Σ_f (f′ - f) · decoder[f]` over the edited latents f, where f′ is what ``action`` makes
/// of f. Coded edits are part of keys: equal edits have equal JSON.
///
/// - Source: SAE Bench 0.6.0, ablation of SCR and TPP and clamping of unlearning; the actions of
///   steered evaluations in lm-evaluation-harness and its forks.
public struct LatentEdit: Codable, Hashable, Sendable {
    /// What a latent becomes.
    public enum Action: Codable, Hashable, Sendable {
        /// `f′ = f + coefficient`: adds that multiple of the decoder's row, whether or not the
        /// latent fires.
        case add(coefficient: Float)
        /// `f′ = value`.
        case clamp(value: Float)
        /// `f′ = factor · f`.
        case scale(factor: Float)
        /// `f′ = 0`.
        case ablate
    }

    /// Where a latent is edited: at positions where a latent is above a threshold.
    public struct Condition: Codable, Hashable, Sendable {
        /// The latent that decides; nil for each edited latent itself.
        public var latent: Int?
        /// The threshold; at 0 the latent fires.
        public var above: Float

        /// Takes all values.
        public init(latent: Int? = nil, above: Float = 0) {
            (self.latent, self.above) = (latent, above)
        }
    }

    /// Which positions of a row are edited.
    public enum Positions: String, Codable, Sendable {
        /// All.
        case all
        /// All but the first, which holds BOS.
        case allButFirst = "all_but_first"
    }

    /// The edited latents, each on its own.
    public var latents: [Int]
    /// What they become.
    public var action: Action
    /// Where; nil for everywhere.
    public var condition: Condition?
    /// Which positions.
    public var positions: Positions

    /// Takes all values.
    public init(
        _ latents: [Int], _ action: Action, where condition: Condition? = nil,
        positions: Positions = .all
    ) {
        (self.latents, self.action) = (latents, action)
        (self.condition, self.positions) = (condition, positions)
    }

    /// The latents whose values it reads, ascending.
    var readLatents: [Int] {
        Set(latents + [condition?.latent].compactMap(\.self)).sorted()
    }

    /// What a latent becomes.
    ///
    /// - Parameter deciding: the value of the latent that decides.
    func edited(_ value: Float, deciding: Float) -> Float {
        if let condition, !(deciding > condition.above) { return value }
        return switch action {
        case .add(let coefficient): value + coefficient
        case .clamp(let target): target
        case .scale(let factor): value * factor
        case .ablate: 0
        }
    }
}
