import Kernels
import Tensors

/// A sparse autoencoder as evaluations see it.
///
/// A type of your own needs ``description``, ``encode(_:on:)``, ``decode(_:of:on:)`` and
/// ``decoderMatrix``; everything else has a default. Its calls come from many threads at once.
public protocol Autoencoder: Sendable {
    /// What it is and where it belongs.
    var description: AutoencoderDescription { get }

    /// Encodes activations into the non-zero latents of each row, ascending by latent.
    ///
    /// - Shapes: x is `[tokens, model]`, `float32`.
    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes

    /// Decodes latents back into the space of the activations.
    ///
    /// - Parameter x: the activations that were encoded; normalisations need their statistics.
    /// - Shapes: x and the result are `[tokens, model]`, `float32`.
    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor

    /// The encoder as stored, one row for each latent; nil leaves its statistics out.
    var encoderMatrix: MatrixView? { get }

    /// The decoder as stored, one row for each latent.
    var decoderMatrix: MatrixView { get }

    /// The encoder's bias, already times ``latentScale``: `b_enc`, `b_mag` for gated, else zeros.
    ///
    /// - Shapes: `[latents]`.
    var encoderBias: [Float] { get }

    /// What folding multiplied each latent by; nil when nothing was folded.
    ///
    /// The folded encoder's norms are those of ``encoderMatrix`` times this, the folded decoder's
    /// those of ``decoderMatrix`` divided by it. Cosines do not change.
    ///
    /// - Shapes: `[latents]`.
    var latentScale: [Float]? { get }

    /// What encodes some latents alone, with the bits that ``encode(_:on:)`` gives them; nil where
    /// latents depend on one another, as under top-k.
    ///
    /// - Parameter latents: ascending; codes number them by their places here.
    func encoding(of latents: [Int]) -> LatentEncoding?
}

/// Encodes activations `[tokens, model]` into the non-zeros of the latents that it was made for.
public typealias LatentEncoding = @Sendable (Tensor, any KernelBackend) throws -> SparseCodes

extension Autoencoder {
    /// No encoder matrix.
    public var encoderMatrix: MatrixView? { nil }
    /// Zeros.
    public var encoderBias: [Float] { [Float](repeating: 0, count: description.latents) }
    /// Nothing folded.
    public var latentScale: [Float]? { nil }
    /// No latents alone.
    public func encoding(of latents: [Int]) -> LatentEncoding? { nil }
}

extension Autoencoder {
    /// The name in messages.
    private var name: String { "\(description.release)/\(description.id)" }

    /// Checks that activations are what the encoder takes.
    func check(_ x: Tensor) throws(AutoencoderError) {
        guard x.shape.count == 2, x.shape[1] == description.modelSize, x.type == .float32 else {
            throw AutoencoderError(
                .shape,
                "\(name) takes float32 [tokens, \(description.modelSize)], "
                    + "not \(x.type) of shape \(x.shape)",
                advice: "run it on the model and hook it was made for, \(description.hookName)")
        }
    }

    /// Checks that codes belong to this autoencoder and to the activations.
    func check(_ codes: SparseCodes, of x: Tensor) throws(AutoencoderError) {
        try check(x)
        guard codes.latents == description.latents, codes.rows == x.rows else {
            throw AutoencoderError(
                .shape,
                "\(name) was given \(codes.rows) rows of \(codes.latents) latents to decode, "
                    + "expected \(x.rows) rows of \(description.latents)",
                advice: "decode what this autoencoder encoded, with the same activations")
        }
    }
}
