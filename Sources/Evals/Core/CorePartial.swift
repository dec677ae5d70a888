import EvalKit

/// What one unit of the core evaluation covers. Batches count from the start of their phase.
public enum CoreUnit: Codable, Sendable, Hashable {
    /// Behaviour and loss on some batches.
    case reconstruction(Range<Int>)
    /// Sparsity and variance on some batches.
    case sparsity(Range<Int>)
    /// Statistics of the weights of some latents.
    case weights(Range<Int>)
}

/// What one unit yields for one autoencoder.
public enum CorePartial: Codable, Sendable {
    case reconstruction(ReconstructionSums)
    case sparsity(SparsitySums)
    case weights(WeightStatistics)
}

/// Sums over kept tokens of the reconstruction phase.
public struct ReconstructionSums: Codable, Sendable, Equatable {
    /// Tokens with a divergence.
    public var tokens = 0
    /// Tokens with a loss: those that have a successor in their row.
    public var lossTokens = 0
    /// Divergence from the clean model in nats, with the reconstruction spliced in.
    public var divergenceWithSAE = 0.0
    /// The same with the hook set to zero.
    public var divergenceWithAblation = 0.0
    /// Cross entropy in nats with the reconstruction spliced in.
    public var lossWithSAE = 0.0
    /// The same of the clean model.
    public var lossWithoutSAE = 0.0
    /// The same with the hook set to zero.
    public var lossWithAblation = 0.0

    init() {}

    static func + (first: Self, second: Self) -> Self {
        var sum = first
        sum.tokens += second.tokens
        sum.lossTokens += second.lossTokens
        sum.divergenceWithSAE += second.divergenceWithSAE
        sum.divergenceWithAblation += second.divergenceWithAblation
        sum.lossWithSAE += second.lossWithSAE
        sum.lossWithoutSAE += second.lossWithoutSAE
        sum.lossWithAblation += second.lossWithAblation
        return sum
    }
}

/// Sums of the sparsity and variance phase.
public struct SparsitySums: Codable, Sendable, Equatable {
    /// One entry a batch, in order.
    public var batches: [BatchSums]
    /// Kept tokens on which each latent is above 0.
    public var firings: PackedCounts
    /// Rows in which each latent is above 0 on a kept token.
    public var firingRows: PackedCounts
    /// Sum of activations over kept tokens, `[model]`.
    public var inputSum: [Double]

    init(
        batches: [BatchSums], firings: PackedCounts, firingRows: PackedCounts, inputSum: [Double]
    ) {
        (self.batches, self.firings, self.firingRows, self.inputSum) = (
            batches, firings, firingRows, inputSum
        )
    }
}

/// Sums over the kept tokens of one batch; x is the activation, y its reconstruction.
public struct BatchSums: Codable, Sendable, Equatable {
    /// Tokens that were kept.
    public var tokens = 0
    /// `Σ ‖x‖`
    public var inputNorm = 0.0
    /// `Σ ‖y‖`
    public var outputNorm = 0.0
    /// `Σ ‖y‖ / ‖x‖`
    public var normRatio = 0.0
    /// `Σ ‖x‖²`
    public var inputSquared = 0.0
    /// `Σ ‖y‖²`
    public var outputSquared = 0.0
    /// `Σ x · y`
    public var dot = 0.0
    /// `Σ ‖x - y‖²`
    public var errorSquared = 0.0
    /// `Σ cos(x, y)`
    public var cosine = 0.0
    /// `Σ (1 - ‖x - y‖² / ‖x - batch mean‖²)`
    public var legacyVariance = 0.0
    /// Latents that are not 0.
    public var nonZeros = 0
    /// Signed sum of latents.
    public var latentSum = 0.0

    init() {}

    static func + (first: Self, second: Self) -> Self {
        var sum = first
        sum.tokens += second.tokens
        sum.inputNorm += second.inputNorm
        sum.outputNorm += second.outputNorm
        sum.normRatio += second.normRatio
        sum.inputSquared += second.inputSquared
        sum.outputSquared += second.outputSquared
        sum.dot += second.dot
        sum.errorSquared += second.errorSquared
        sum.cosine += second.cosine
        sum.legacyVariance += second.legacyVariance
        sum.nonZeros += second.nonZeros
        sum.latentSum += second.latentSum
        return sum
    }
}

/// Statistics of weights, one value a latent of the unit's range.
public struct WeightStatistics: Codable, Sendable, Equatable {
    /// The biases of the encoder; NaN where it has none.
    public var encoderBias: [Float]
    /// Euclidean norms of the encoder's directions, times what scales the latents.
    public var encoderNorm: [Float]
    /// Cosine of each latent's encoder direction and decoder direction.
    public var encoderDecoderCosine: [Float]
    /// Largest cosine of the encoder direction and that of another latent.
    public var maximumEncoderCosine: [Float]
    /// Largest cosine of the decoder direction and that of another latent.
    public var maximumDecoderCosine: [Float]

    init(
        encoderBias: [Float], encoderNorm: [Float], encoderDecoderCosine: [Float],
        maximumEncoderCosine: [Float],
        maximumDecoderCosine: [Float]
    ) {
        (self.encoderBias, self.encoderNorm) = (encoderBias, encoderNorm)
        self.encoderDecoderCosine = encoderDecoderCosine
        (self.maximumEncoderCosine, self.maximumDecoderCosine) = (
            maximumEncoderCosine, maximumDecoderCosine
        )
    }
}
