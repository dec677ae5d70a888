import Basics
import Tensors

/// The arithmetic that models, autoencoders and evaluations are made of.
///
/// ``ReferenceBackend`` is plain loops and decides what is right; ``CPUBackend`` is C. A backend is called from
/// many threads at once, each call on its own data, and runs each call on the calling thread. A row of a result
/// depends on the same row of the input alone, bit for bit: not on the other rows of the call, nor on threads.
/// So results do not depend on how rows are cut into chunks, units and ranks.
///
/// All activations are `float32`, row major. Weights may be `float32`, `bfloat16` or `float16` and are widened
/// piece by piece. `rows` is tokens (batch × position).
public protocol KernelBackend: Sendable {
    /// The name in logs, such as `cpu`.
    var name: String { get }

    /// Looks token embeddings up: `[rows, model] = table[tokens] · scale`.
    ///
    /// - Throws: ``KernelError`` when a token lies outside the table.
    func embedding(_ tokens: [Int32], table: Tensor, scale: Float) throws -> Tensor

    /// `[rows, outputs] = x · W + bias`.
    ///
    /// - Cost: `2 · rows · inputs · outputs` FLOP. Tolerance: relative 1e-5 of the row's norm product.
    func linear(_ x: Tensor, _ weights: LinearWeights) throws -> Tensor

    /// Layer norm over the last axis, biased variance: `(x - mean) / sqrt(var + epsilon) · weight + bias`.
    func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) throws -> Tensor

    /// Root-mean-square norm over the last axis: `x / sqrt(mean(x²) + epsilon) · (weight + offset)`.
    func rmsNorm(_ x: Tensor, weight: Tensor, offset: Float, epsilon: Float) throws -> Tensor

    /// Rotates queries or keys in place: x is `[batch · positions, heads · head]`, half-split pairing on the
    /// first `table.rotarySize` elements of each head.
    func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable) throws

    /// Causal soft-max attention: `q` `[rows, heads · head]`, `k` and `v` `[rows, keyHeads · head]`, the result
    /// like `q`. Query head h reads key head `h / (heads / keyHeads)`.
    func attention(queries: Tensor, keys: Tensor, values: Tensor, _ shape: AttentionShape) throws -> Tensor

    /// Applies an activation function in place.
    func activate(_ x: Tensor, _ function: ActivationFunction) throws

    /// `gate ← function(gate) · up`, elementwise, in place.
    func gate(_ gate: Tensor, up: Tensor, _ function: ActivationFunction) throws

    /// `x ← x + y`, elementwise, in place.
    func add(_ x: Tensor, _ y: Tensor) throws

    /// `x ← cap · tanh(x / cap)`, in place.
    func softCap(_ x: Tensor, cap: Float) throws

    /// Encodes activations `[rows, model]` into the non-zero latents of each row, ascending by latent.
    ///
    /// - Cost: `2 · rows · model · latents` FLOP.
    func encode(_ x: Tensor, _ encoder: EncoderWeights) throws -> SparseCodes

    /// `[rows, model] = Σ_j values · rowScale[j] · decoder[j] + bias`.
    ///
    /// - Cost: `2 · non-zeros · model` FLOP, bound by memory; dense blocks go through a product.
    func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor

    /// For each row of logits `[rows, vocabulary]`: the logarithm of the sum of exponentials.
    func logSumExp(_ logits: Tensor) throws -> [Double]

    /// Kullback–Leibler divergence of each row, `Σ p (log p - log q)`, p from `clean`, q from `changed`, both
    /// `[rows, vocabulary]`; `changed` may have one row, which then serves all rows.
    func divergence(
        clean: Tensor, cleanLogSumExp: [Double], changed: Tensor, changedLogSumExp: [Double]
    ) throws -> [Double]

    /// For each row of x and its reconstruction `[rows, model]`: squared norms, dot product and squared error.
    func rowStatistics(_ x: Tensor, _ reconstruction: Tensor) throws -> [RowStatistics]

    /// For each row in `range` of a matrix `[rows, model]`: the largest cosine with any other row.
    ///
    /// - Parameter norms: the norm of every row; a row of norm 0 has cosine 0 with all.
    /// - Cost: `2 · range · rows · model` FLOP.
    func maximumCosines(of range: Range<Int>, in matrix: MatrixView, norms: [Float]) throws -> [Float]

    /// Norms of the rows of a matrix.
    func norms(of matrix: MatrixView) throws -> [Float]

    /// Dot products of equal rows of two matrices of one shape.
    func rowDots(_ first: MatrixView, _ second: MatrixView) throws -> [Float]

    /// Converts `float32` to a stored type, rounding to nearest even.
    func convert(_ x: Tensor, to type: ElementType) throws -> Tensor

    /// Widens a stored type to `float32`; a `float32` tensor comes back as it is.
    func widen(_ x: Tensor) throws -> Tensor
}

/// Rows of every product block.
public let blockRows = 256

/// Tokens that one thread takes at a time: more of them spread the cost of reading weights, fewer need less memory.
public let chunkTokens = 2 * blockRows

/// What can go wrong in the arithmetic.
public enum KernelDomain: FailureDomain {
    public enum Code: String, Sendable { case tokenOutOfRange, shape, unsupported, notFinite }
    public static let name = "kernels"
}

/// An error of the arithmetic.
public typealias KernelError = Failure<KernelDomain>

/// The functions between two linear maps.
public enum ActivationFunction: String, Sendable, Codable {
    /// `max(x, 0)`.
    case relu
    /// Gaussian error linear unit with the exact error function.
    case gelu
    /// The same with the tanh approximation, `gelu_new` and `gelu_pytorch_tanh` in Hugging Face configs.
    case geluTanh
    /// `x · sigmoid(x)`.
    case silu
}

/// A weight matrix and its bias.
public struct LinearWeights: Sendable {
    /// How the matrix lies in memory.
    public enum Layout: Sendable { case outputsByInputs, inputsByOutputs }
    /// `[outputs, inputs]` or `[inputs, outputs]`.
    public var weight: Tensor
    public var layout: Layout
    /// `[outputs]`.
    public var bias: Tensor?

    public init(weight: Tensor, layout: Layout = .outputsByInputs, bias: Tensor? = nil) {
        (self.weight, self.layout, self.bias) = (weight, layout, bias)
    }

    /// Length of the input axis.
    public var inputs: Int { layout == .outputsByInputs ? weight.shape[1] : weight.shape[0] }
    /// Length of the output axis.
    public var outputs: Int { layout == .outputsByInputs ? weight.shape[0] : weight.shape[1] }
}

/// A matrix in memory, read as it lies or transposed.
public struct MatrixView: Sendable {
    /// `[rows, columns]`, or `[columns, rows]` when transposed.
    public var tensor: Tensor
    public var isTransposed: Bool

    public init(_ tensor: Tensor, isTransposed: Bool = false) {
        (self.tensor, self.isTransposed) = (tensor, isTransposed)
    }

    public var rows: Int { isTransposed ? tensor.shape[1] : tensor.shape[0] }
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

    public init(rotarySize: Int, headSize: Int, cosines: Tensor, sines: Tensor) {
        (self.rotarySize, self.headSize) = (rotarySize, headSize)
        (self.cosines, self.sines) = (cosines, sines)
    }
}

/// Sizes and options of causal attention.
public struct AttentionShape: Sendable {
    public var batch: Int
    public var positions: Int
    public var heads: Int
    public var keyHeads: Int
    public var headSize: Int
    /// Factor on the scores before the soft-max.
    public var scale: Float
    /// `cap · tanh(score / cap)` on the scaled scores.
    public var softCap: Float?
    /// A position sees itself and the `window - 1` before it.
    public var window: Int?

    public init(
        batch: Int, positions: Int, heads: Int, keyHeads: Int, headSize: Int, scale: Float,
        softCap: Float? = nil, window: Int? = nil
    ) {
        (self.batch, self.positions, self.heads, self.keyHeads) = (batch, positions, heads, keyHeads)
        (self.headSize, self.scale, self.softCap, self.window) = (headSize, scale, softCap, window)
    }
}

/// What turns activations into latents: `activation((x - inputBias) · W + bias)`, then times `latentScale`.
public struct EncoderWeights: Sendable {
    /// The function between product and latents. All vectors are `[latents]`.
    public enum Activation: Sendable {
        /// `relu(p + bias)`.
        case relu(bias: [Float])
        /// The k largest of `(p + bias) · rankScale` per row, lowest latent first among equals, then relu; the
        /// value kept is the ranked one.
        case topK(bias: [Float], k: Int, rankScale: [Float]?)
        /// `relu(p + bias)` where `p + bias > threshold`, else 0.
        case jumpReLU(bias: [Float], threshold: [Float])
        /// `relu(p · magnitudeScale + magnitudeBias)` where `p + gateBias > 0`, else 0.
        case gated(gateBias: [Float], magnitudeScale: [Float], magnitudeBias: [Float])
    }

    /// `[model, latents]` as SAELens stores it, or transposed.
    public var matrix: Tensor
    /// Whether the matrix lies as `[latents, model]`.
    public var isTransposed: Bool
    /// Subtracted from x first, `[model]`.
    public var inputBias: [Float]?
    public var activation: Activation
    /// Positive factors on the resulting values, `[latents]`: how folded decoder norms are applied.
    public var latentScale: [Float]?

    public init(
        matrix: Tensor, isTransposed: Bool = false, inputBias: [Float]? = nil, activation: Activation,
        latentScale: [Float]? = nil
    ) {
        (self.matrix, self.isTransposed, self.inputBias) = (matrix, isTransposed, inputBias)
        (self.activation, self.latentScale) = (activation, latentScale)
    }

    public var latents: Int { isTransposed ? matrix.shape[0] : matrix.shape[1] }
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

    public init(matrix: Tensor, bias: [Float], rowScale: [Float]? = nil) {
        (self.matrix, self.bias, self.rowScale) = (matrix, bias, rowScale)
    }
}

/// The non-zero latents of some rows.
public struct SparseCodes: Sendable {
    /// Length of the latent axis.
    public var latents: Int
    /// Row r holds entries `rowStarts[r]..<rowStarts[r + 1]`; one more than there are rows.
    public var rowStarts: [Int]
    /// Latents, ascending within a row.
    public var indices: [Int32]
    /// Values, none of them 0.
    public var values: [Float]

    public init(latents: Int, rowStarts: [Int] = [0], indices: [Int32] = [], values: [Float] = []) {
        (self.latents, self.rowStarts) = (latents, rowStarts)
        (self.indices, self.values) = (indices, values)
    }

    /// Number of rows.
    public var rows: Int { rowStarts.count - 1 }
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

    public init(inputSquared: Double, outputSquared: Double, dot: Double, errorSquared: Double) {
        (self.inputSquared, self.outputSquared) = (inputSquared, outputSquared)
        (self.dot, self.errorSquared) = (dot, errorSquared)
    }
}
