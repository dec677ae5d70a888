import Basics
import Tensors

/// The arithmetic that models, autoencoders and evaluations are made of.
///
/// ``ReferenceBackend`` is plain loops and decides what is right; ``CPUBackend`` is C and
/// ``CUDABackend`` a GPU. A backend is called from many threads at once, each call on its own data.
/// On the processor a row of a result depends on the same row of the input alone, bit for bit: not
/// on the other rows of the call, nor on threads. So results do not depend on how rows are cut into
/// chunks, units and ranks. A GPU promises the same bits for the same call; there ``chunks`` says
/// how rows are cut, whatever threads and ranks there are.
///
/// All activations are `float32`, row major. Weights may be `float32`, `bfloat16` or `float16` and
/// are widened piece by piece. `rows` is tokens (batch × position). A tolerance is the largest
/// difference from the reference as a share of the largest number in the expected result;
/// `KernelsTests` hold every backend to it.
public protocol KernelBackend: Sendable {
    /// The name in logs and in the keys of what is kept, such as `cpu`.
    var name: String { get }

    /// How evaluations cut rows for it.
    var chunks: ChunkPolicy { get }

    /// Waits for all work.
    ///
    /// - Throws: an error of work that was queued earlier; results since the last call are void.
    func synchronize() throws

    /// Makes ``chunks`` smaller after a call that found no memory.
    ///
    /// - Returns: whether it did, so that the work may be tried again.
    func useSmallerChunks() -> Bool

    /// Looks token embeddings up: `[rows, model] = table[tokens] · scale`.
    ///
    /// - Throws: ``KernelError`` when a token is outside the table.
    /// - Tolerance: 0.
    func embedding(_ tokens: [Int32], table: Tensor, scale: Float) throws -> Tensor

    /// `[rows, outputs] = x · W + bias`.
    ///
    /// - Cost: `2 · rows · inputs · outputs` FLOP.
    /// - Tolerance: 1e-5.
    func linear(_ x: Tensor, _ weights: LinearWeights) throws -> Tensor

    /// Layer norm over the last axis, biased variance: `(x - mean) / sqrt(var + epsilon) · weight +
    /// bias`.
    ///
    /// - Tolerance: 1e-6.
    func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) throws -> Tensor

    /// Root-mean-square norm over the last axis: `x / sqrt(mean(x²) + epsilon) · (weight +
    /// offset)`.
    ///
    /// - Tolerance: 1e-6.
    func rmsNorm(_ x: Tensor, weight: Tensor, offset: Float, epsilon: Float) throws -> Tensor

    /// Rotates queries or keys in place: x is `[batch · positions, heads · head]`, half-split
    /// pairing on the first `table.rotarySize` elements of each head.
    ///
    /// - Tolerance: 1e-6.
    func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable) throws

    /// Causal soft-max attention: `q` `[rows, heads · head]`, `k` and `v` `[rows, keyHeads ·
    /// head]`, the result like `q`. Query head h reads key head `h / (heads / keyHeads)`.
    ///
    /// - Tolerance: 1e-6.
    func attention(queries: Tensor, keys: Tensor, values: Tensor, _ shape: AttentionShape) throws
        -> Tensor

    /// Applies an activation function in place.
    ///
    /// - Tolerance: 1e-6 over all floats; a NaN stays one.
    func activate(_ x: Tensor, _ function: ActivationFunction) throws

    /// `gate ← function(gate) · up`, elementwise, in place.
    ///
    /// - Tolerance: 1e-6.
    func gate(_ gate: Tensor, up: Tensor, _ function: ActivationFunction) throws

    /// `x ← x + y`, elementwise, in place.
    ///
    /// - Tolerance: 0.
    func add(_ x: Tensor, _ y: Tensor) throws

    /// `x ← cap · tanh(x / cap)`, in place.
    ///
    /// - Tolerance: 1e-6.
    func softCap(_ x: Tensor, cap: Float) throws

    /// Encodes activations `[rows, model]` into the non-zero latents of each row, ascending by
    /// latent.
    ///
    /// - Cost: `2 · rows · model · latents` FLOP.
    /// - Tolerance: 1e-5; 0 where all sums are exact.
    /// - Throws: ``KernelError`` when a pre-activation is not a number or plus infinity.
    func encode(_ x: Tensor, _ encoder: EncoderWeights) throws -> SparseCodes

    /// `[rows, model] = Σ_j values · rowScale[j] · decoder[j] + bias`.
    ///
    /// - Cost: `2 · non-zeros · model` FLOP, bound by memory; dense blocks go through a product.
    /// - Tolerance: 1e-6.
    func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor

    /// For each row of logits `[rows, vocabulary]`: the logarithm of the sum of exponentials.
    ///
    /// - Tolerance: 1e-6; NaN if any logit is.
    func logSumExp(_ logits: Tensor) throws -> [Double]

    /// Kullback–Leibler divergence of each row, `Σ p (log p - log q)`, p from `clean`, q from
    /// `changed`, both
    /// `[rows, vocabulary]`; `changed` may have one row, which then serves all rows.
    ///
    /// - Tolerance: 1e-5, and 5e-9 beside it.
    func divergence(
        clean: Tensor, cleanLogSumExp: [Double], changed: Tensor, changedLogSumExp: [Double]
    ) throws -> [Double]

    /// One element of each row: `[rows] = x[row, columns[row]]`.
    ///
    /// - Tolerance: 0.
    func elements(of x: Tensor, at columns: [Int32]) throws -> [Float]

    /// Splits the outputs of a fused query-key-value map, `[rows, groups, 3, width]`, into three
    /// times `[rows, groups · width]`.
    ///
    /// - Tolerance: 0.
    func splitFused(_ fused: Tensor, groups: Int) throws -> [Tensor]

    /// Writes rows of x `[rows, model]` over those of y for which `isReplaced` holds, in place.
    ///
    /// - Tolerance: 0.
    func replaceRows(of y: Tensor, with x: Tensor, where isReplaced: [Bool]) throws

    /// How often each latent is above 0 among the tokens that are kept, and in how many sequences
    /// of `positions` tokens.
    ///
    /// - Tolerance: 0.
    func firings(of codes: SparseCodes, kept: [Bool], positions: Int) throws -> Firings

    /// Means of the codes of each text, whose tokens are `starts[text]..<starts[text + 1]`, summed
    /// in the order of tokens in `Double`; means of 0 are left out.
    ///
    /// - Tolerance: 0.
    func means(of codes: SparseCodes, over starts: [Int]) throws -> SparseCodes

    /// For each row of x and its reconstruction `[rows, model]`: squared norms, dot product and
    /// squared error.
    ///
    /// - Tolerance: 1e-12.
    func rowStatistics(_ x: Tensor, _ reconstruction: Tensor) throws -> [RowStatistics]

    /// For each row in `range` of a matrix `[rows, model]`: the largest cosine with any other row.
    ///
    /// - Parameter norms: the norm of every row; a row of norm 0 has cosine 0 with all.
    /// - Cost: `2 · range · rows · model` FLOP.
    /// - Tolerance: 1e-5.
    func maximumCosines(of range: Range<Int>, in matrix: MatrixView, norms: [Float]) throws
        -> [Float]

    /// Norms of the rows of a matrix.
    ///
    /// - Tolerance: 1e-6.
    func norms(of matrix: MatrixView) throws -> [Float]

    /// Dot products of equal rows of two matrices of one shape.
    ///
    /// - Tolerance: 1e-6.
    func rowDots(_ first: MatrixView, _ second: MatrixView) throws -> [Float]

    /// Converts `float32` to a stored type, rounding to nearest even.
    ///
    /// - Tolerance: 0.
    func convert(_ x: Tensor, to type: ElementType) throws -> Tensor

    /// Widens a stored type to `float32`; a `float32` tensor comes back as it is.
    ///
    /// - Tolerance: 0.
    func widen(_ x: Tensor) throws -> Tensor
}

/// Rows that a product takes together through one packed slice of the weights.
public let blockRows = 256

/// How evaluations cut rows into pieces that one thread takes at a time.
public struct ChunkPolicy: Sendable, Equatable, Codable {
    /// Tokens that go through blocks and autoencoders together: more of them spread the cost of
    /// reading weights, fewer need less memory.
    public var tokens: Int
    /// The same where logits are held, which need far more memory.
    public var logitsTokens: Int
    /// Chunks in work at a time; nil for one on each thread.
    public var atOnce: Int?

    /// How rows are cut for processors, where no number depends on it.
    public static let processor = ChunkPolicy(
        tokens: 4 * blockRows, logitsTokens: 2 * blockRows, atOnce: nil)

    /// The same with half the tokens at a time, which needs less memory and takes more time; nil
    /// where that is too few to be worth it, or where numbers depend on it.
    public var halved: ChunkPolicy? {
        guard atOnce == nil, tokens > 32 else { return nil }
        return ChunkPolicy(
            tokens: tokens / 2, logitsTokens: max(16, logitsTokens / 2), atOnce: nil)
    }

    /// Things of a chunk.
    ///
    /// On processors threads that would be idle get a share; elsewhere a chunk's size may change
    /// the last bits, so it depends on nothing but the policy.
    ///
    /// - Parameters:
    ///   - most: what the policy allows, in items.
    ///   - total: all items.
    public func size(most: Int, of total: Int, threads: Int) -> Int {
        guard atOnce == nil else { return max(1, most) }
        return max(1, min(most, (total + threads - 1) / max(1, threads)))
    }

    /// Threads that work on chunks.
    public func threads(_ threads: Int) -> Int { min(threads, atOnce ?? threads) }
}

/// What can go wrong in the arithmetic.
public enum KernelDomain: FailureDomain {
    public enum Code: String, FailureCode {
        case tokenOutOfRange, shape, unsupported, notFinite
        /// No driver for GPUs.
        case noDriver
        /// No GPU, or something of CUDA is missing or too old.
        case unavailable
        /// A GPU has no memory left.
        case outOfMemory
        /// A GPU failed; nothing more can be computed on it by this process.
        case device

        public var kind: FailureKind {
            switch self {
            case .tokenOutOfRange, .unsupported, .noDriver, .unavailable: .mistake
            case .shape, .notFinite, .outOfMemory, .device: .failure
            }
        }
    }
    public static let name = "kernels"
}

/// An error of the arithmetic.
public typealias KernelError = Failure<KernelDomain>
