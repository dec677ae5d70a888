import Kernels
import Tensors

/// A change of basis: every latent is a linear function of the activations, of either sign.
///
/// `f = (x - mean) · W_enc`, decoded as `f · W_dec + mean`; without an encoder `f = x - mean`.
public struct DenseAutoencoder: Autoencoder {
    /// What it is and where it belongs.
    public let description: AutoencoderDescription
    /// `[model, latents]` as it is stored; nil for the identity.
    private let encoder: MatrixView?
    /// `[model]`.
    private let mean: [Float]
    /// One row for each latent, and factors on the values before it.
    private let decoder: DecoderWeights
    /// Norms of the decoder's rows by which latents are multiplied; nil when they are not.
    private let norms: [Float]?

    /// Takes matrices whose shapes were checked.
    ///
    /// - Parameter norms: what latents are multiplied by so that the decoder's rows have norm 1.
    init(
        description: AutoencoderDescription, encoder: MatrixView?, mean: [Float], decoder: Tensor,
        norms: [Float]?
    ) {
        (self.description, self.encoder, self.mean) = (description, encoder, mean)
        self.norms = norms
        self.decoder = DecoderWeights(
            matrix: decoder, bias: mean, rowScale: norms.map { $0.map { 1 / $0 } })
    }

    /// The encoder as stored, one row for each latent.
    public var encoderMatrix: MatrixView? {
        encoder.map { MatrixView($0.tensor, isTransposed: !$0.isTransposed) }
            ?? MatrixView(decoder.matrix)
    }

    /// The decoder as stored, one row for each latent.
    public var decoderMatrix: MatrixView { MatrixView(decoder.matrix) }

    /// The norms of the decoder's rows.
    public var latentScale: [Float]? { norms }

    /// Encodes activations; zeros are left out.
    ///
    /// - Shapes: x is `[tokens, model]`, `float32`.
    /// - Cost: `2 · tokens · model · latents` FLOP.
    public func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try check(x)
        let (modelSize, latents) = (description.modelSize, description.latents)
        let centred = Tensor(uninitialized: x.shape)
        let (source, target) = (x.constantFloats, centred.floats)
        for row in 0..<x.rows {
            for (column, mean) in mean.enumerated() {
                let index = row * modelSize + column
                target[index] = source[index] - mean
            }
        }
        let values =
            try encoder.map {
                try backend.linear(
                    centred,
                    LinearWeights(
                        weight: $0.tensor,
                        layout: $0.isTransposed ? .outputsByInputs : .inputsByOutputs))
            } ?? centred
        var codes = SparseCodes(latents: latents)
        let all = values.constantFloats
        for row in 0..<values.rows {
            for latent in 0..<latents {
                let value = all[row * latents + latent]
                if value == 0 { continue }
                codes.indices.append(Int32(latent))
                codes.values.append(value * (norms?[latent] ?? 1))
            }
            codes.rowStarts.append(codes.indices.count)
        }
        return codes
    }

    /// Decodes latents back into the space of the activations.
    ///
    /// - Shapes: x and the result are `[tokens, model]`, `float32`.
    /// - Cost: `2 · non-zeros · model` FLOP.
    public func decode(
        _ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend
    ) throws -> Tensor {
        try check(codes, of: x)
        return try backend.decode(codes, decoder)
    }
}
