import Tensors

/// The functions between two linear maps.
public enum ActivationFunction: String, Sendable, Codable {
    /// `max(x, 0)`.
    case relu
    /// Gaussian error linear unit with the exact error function.
    case gelu
    /// The same with the tanh approximation, `gelu_new` and `gelu_pytorch_tanh` in Hugging Face
    /// configs.
    case geluTanh
    /// `x · sigmoid(x)`.
    case silu
}

/// A weight matrix and its bias.
public struct LinearWeights: Sendable {
    /// How the matrix is stored.
    public enum Layout: Sendable { case outputsByInputs, inputsByOutputs }
    /// `[outputs, inputs]` or `[inputs, outputs]`.
    public var weight: Tensor
    /// Which of its axes is which.
    public var layout: Layout
    /// `[outputs]`.
    public var bias: Tensor?

    /// The weights of a linear layer.
    ///
    /// - Shapes: `weight` is `[outputs, inputs]` by default; `bias` is `[outputs]`.
    public init(weight: Tensor, layout: Layout = .outputsByInputs, bias: Tensor? = nil) {
        (self.weight, self.layout, self.bias) = (weight, layout, bias)
    }

    /// Length of the input axis.
    public var inputs: Int { layout == .outputsByInputs ? weight.shape[1] : weight.shape[0] }
    /// Length of the output axis.
    public var outputs: Int { layout == .outputsByInputs ? weight.shape[0] : weight.shape[1] }
}

/// A matrix in memory, read as it is stored or transposed.
public struct MatrixView: Sendable {
    /// `[rows, columns]`, or `[columns, rows]` when transposed.
    public var tensor: Tensor
    /// Whether rows of the matrix are columns of the tensor.
    public var isTransposed: Bool

    /// Sees a tensor of two axes as a matrix, without a copy.
    public init(_ tensor: Tensor, isTransposed: Bool = false) {
        (self.tensor, self.isTransposed) = (tensor, isTransposed)
    }

    /// Rows of the matrix as it is seen.
    public var rows: Int { isTransposed ? tensor.shape[1] : tensor.shape[0] }
    /// Columns of the matrix as it is seen.
    public var columns: Int { isTransposed ? tensor.shape[0] : tensor.shape[1] }
}

/// Cosines and sines for rotary position embedding.
public struct RotaryTable: Sendable {
    /// Elements of each head that are rotated; half of them pair with the other half.
    public var rotarySize: Int
    /// Size of one head.
    public var headSize: Int
    /// `[positions, rotarySize / 2]`.
    public var cosines: Tensor
    /// `[positions, rotarySize / 2]`.
    public var sines: Tensor

    /// Takes a table that was computed; its shapes are described at the properties.
    public init(rotarySize: Int, headSize: Int, cosines: Tensor, sines: Tensor) {
        (self.rotarySize, self.headSize) = (rotarySize, headSize)
        (self.cosines, self.sines) = (cosines, sines)
    }
}

/// Sizes and options of causal attention.
public struct AttentionShape: Sendable {
    /// Texts that are computed together.
    public var batch: Int
    /// Tokens of each text, padding included.
    public var positions: Int
    /// Heads of the queries.
    public var heads: Int
    /// Heads of keys and values, each shared by `heads / keyHeads` heads of the queries.
    public var keyHeads: Int
    /// Width of one head.
    public var headSize: Int
    /// Factor on the scores before the soft-max.
    public var scale: Float
    /// `cap · tanh(score / cap)` on the scaled scores.
    public var softCap: Float?
    /// A position sees itself and the `window - 1` before it.
    public var window: Int?

    /// Sizes of one attention; by default, every earlier position is seen and scores are not capped.
    public init(
        batch: Int, positions: Int, heads: Int, keyHeads: Int, headSize: Int, scale: Float,
        softCap: Float? = nil, window: Int? = nil
    ) {
        (self.batch, self.positions, self.heads, self.keyHeads) = (
            batch, positions, heads, keyHeads
        )
        (self.headSize, self.scale, self.softCap, self.window) = (headSize, scale, softCap, window)
    }
}

/// What turns activations into latents: `activation((x - inputBias) · W + bias)`, then times
/// `latentScale`.
public struct EncoderWeights: Sendable {
    /// The function between product and latents. All vectors are `[latents]`.
    public enum Activation: Sendable {
        /// `relu(p + bias)`.
        case relu(bias: [Float])
        /// The k largest of `(p + bias) · rankScale` per row, lowest latent first among equals,
        /// then relu; the value kept is the ranked one.
        case topK(bias: [Float], k: Int, rankScale: [Float]?)
        /// `relu(p + bias)` where `p + bias > threshold`, else 0.
        case jumpReLU(bias: [Float], threshold: [Float])
        /// `relu(p · magnitudeScale + magnitudeBias)` where `p + gateBias > 0`, else 0.
        case gated(gateBias: [Float], magnitudeScale: [Float], magnitudeBias: [Float])
    }

    /// `[model, latents]` as SAELens stores it, or transposed.
    public var matrix: Tensor
    /// Whether the matrix is stored as `[latents, model]`.
    public var isTransposed: Bool
    /// Subtracted from x first, `[model]`.
    public var inputBias: [Float]?
    /// What turns pre-activations into the values of latents.
    public var activation: Activation
    /// Positive factors on the resulting values, `[latents]`: how folded decoder norms are applied.
    public var latentScale: [Float]?

    /// The weights of an encoder.
    ///
    /// - Shapes: `matrix` is `[model, latents]`, or `[latents, model]` when transposed; `inputBias` is
    ///   `[model]` and `latentScale` is `[latents]`.
    public init(
        matrix: Tensor, isTransposed: Bool = false, inputBias: [Float]? = nil,
        activation: Activation,
        latentScale: [Float]? = nil
    ) {
        (self.matrix, self.isTransposed, self.inputBias) = (matrix, isTransposed, inputBias)
        (self.activation, self.latentScale) = (activation, latentScale)
    }

    /// Number of latents.
    public var latents: Int { isTransposed ? matrix.shape[0] : matrix.shape[1] }
    /// Width of the activations that it takes.
    public var modelSize: Int { isTransposed ? matrix.shape[1] : matrix.shape[0] }
}

/// What turns latents into a reconstruction.
public struct DecoderWeights: Sendable {
    /// `[latents, model]`.
    public var matrix: Tensor
    /// `[model]`.
    public var bias: [Float]
    /// Factors on the values before the sum, `[latents]`.
    public var rowScale: [Float]?

    /// The weights of a decoder.
    ///
    /// - Shapes: `matrix` is `[latents, model]`, `bias` is `[model]` and `rowScale` is `[latents]`.
    public init(matrix: Tensor, bias: [Float], rowScale: [Float]? = nil) {
        (self.matrix, self.bias, self.rowScale) = (matrix, bias, rowScale)
    }
}

/// The non-zero latents of some rows.
public struct SparseCodes: Sendable {
    /// Length of the latent axis.
    public var latents: Int
    /// Row r holds entries `rowStarts[r]..<rowStarts[r + 1]`; one more than there are rows.
    public var rowStarts: [Int] { didSet { onDevice = nil } }
    /// Latents, ascending within a row.
    public var indices: [Int32] { didSet { onDevice = nil } }
    /// Values, none of them 0.
    public var values: [Float] { didSet { onDevice = nil } }
    /// The same on a device, until they are changed here.
    var onDevice: (any CodesOnDevice)?

    /// Codes in compressed rows; by default, those of no token at all.
    ///
    /// - Shapes: `rowStarts` is `[tokens + 1]`; `indices` and `values` hold one entry for each latent
    ///   that is not 0.
    public init(latents: Int, rowStarts: [Int] = [0], indices: [Int32] = [], values: [Float] = []) {
        (self.latents, self.rowStarts) = (latents, rowStarts)
        (self.indices, self.values) = (indices, values)
    }

    /// Number of rows.
    public var rows: Int { rowStarts.count - 1 }
}

/// Codes as a backend keeps them in the memory of its device.
protocol CodesOnDevice: Sendable {}

/// How often latents fire.
public struct Firings: Sendable, Equatable {
    /// Tokens at which each latent is above 0, `[latents]`.
    public var tokens: [Int32]
    /// Sequences with such a token, `[latents]`.
    public var sequences: [Int32]

    /// Counts that were made elsewhere.
    ///
    /// - Shapes: both are `[latents]`.
    public init(tokens: [Int32], sequences: [Int32]) {
        (self.tokens, self.sequences) = (tokens, sequences)
    }
}

/// Sums over one row of activations x and its reconstruction y.
public struct RowStatistics: Sendable, Equatable {
    /// `Σ x²`
    public var inputSquared: Double
    /// `Σ y²`
    public var outputSquared: Double
    /// `Σ x y`
    public var dot: Double
    /// `Σ (x - y)²`
    public var errorSquared: Double

    /// The sums of one row, x being the input and y the output.
    public init(inputSquared: Double, outputSquared: Double, dot: Double, errorSquared: Double) {
        (self.inputSquared, self.outputSquared) = (inputSquared, outputSquared)
        (self.dot, self.errorSquared) = (dot, errorSquared)
    }
}
