import Kernels
import Tensors

/// An autoencoder of one linear encoder, one activation function and one linear decoder: every
/// architecture that is read from files.
public struct LinearAutoencoder: Autoencoder {
    /// What it is and where it belongs.
    public internal(set) var description: AutoencoderDescription
    /// The encoder as the backend takes it.
    public let encoder: EncoderWeights
    /// The decoder as the backend takes it.
    public let decoder: DecoderWeights
    /// The encoder's bias, already times ``latentScale``.
    public let encoderBias: [Float]
    /// What folding multiplied each latent by.
    public let latentScale: [Float]?
    /// What is done to the activations first.
    let normalization: ActivationNormalization
    /// `[output, model]`, applied to the activations as they come and added to what is decoded.
    let skip: LinearWeights?

    /// The encoder as stored, one row for each latent.
    public var encoderMatrix: MatrixView? {
        MatrixView(encoder.matrix, isTransposed: !encoder.isTransposed)
    }

    /// The decoder as stored, one row for each latent.
    public var decoderMatrix: MatrixView { MatrixView(decoder.matrix) }

    /// Encodes activations into the non-zero latents of each row.
    ///
    /// - Shapes: x is `[tokens, model]`, `float32`.
    /// - Cost: `2 · tokens · model · latents` FLOP.
    public func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try check(x)
        return try backend.encode(normalization.applied(to: x), encoder)
    }

    /// What encodes some latents alone; nil for top-k.
    ///
    /// - Cost: copies their part of the encoder, `model · latents` numbers as they are stored; then
    ///   `2 · tokens · model · latents` FLOP.
    public func encoding(of latents: [Int]) -> LatentEncoding? {
        guard let encoder = encoder.selecting(latents) else { return nil }
        return { x, backend in
            try check(x)
            return try backend.encode(normalization.applied(to: x), encoder)
        }
    }

    /// Decodes latents back into the space of the activations.
    ///
    /// - Shapes: x and the result are `[tokens, model]`, `float32`; transcoders give
    ///   `[tokens, output]`.
    /// - Cost: `2 · non-zeros · model` FLOP.
    public func decode(
        _ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend
    ) throws -> Tensor {
        try check(codes, of: x)
        let reconstruction = try backend.decode(codes, decoder)
        if description.outputHookName == nil { normalization.undo(on: reconstruction, of: x) }
        if let skip { try backend.add(reconstruction, backend.linear(x, skip)) }
        return reconstruction
    }
}
