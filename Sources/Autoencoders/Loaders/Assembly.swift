import Formats
import Kernels
import Tensors

extension AutoencoderLayout {
    /// Assembles the encoder and the decoder of a linear architecture.
    func load(
        _ reference: AutoencoderReference, _ function: AutoencoderFunction,
        foldingDecoderNorms: Bool
    ) throws -> any Autoencoder {
        let source = try reference.openWeights(of: function)
        let stored = try StoredParts(function, source)
        let parts = stored.parts
        let scale = function.normalization.factor
        let folding = parts.folding.resolved(
            isWanted: foldingDecoderNorms && function.foldsDecoderNorms, norms: stored.norms)
        let uniform = scale.map { [Float](repeating: $0, count: function.latents) }
        let outputBias = scale.map { scale in stored.outputBias.map { $0 / scale } }
        let encoder = EncoderWeights(
            matrix: stored.encoder.tensor, isTransposed: stored.encoder.isTransposed,
            inputBias: function.subtractsDecoderBias ? outputBias ?? stored.outputBias : nil,
            activation: scale.map { parts.activation.forInputs(dividedBy: $0) } ?? parts.activation,
            // Architectures that rank by norms scale the values themselves.
            latentScale: folding.scalesValues ? stored.norms : folding.scalesRows ? nil : uniform)
        let rowScale = (folding.scalesRows ? stored.norms : uniform).map { $0.map { 1 / $0 } }
        var description = AutoencoderDescription(reference, storedType: stored.decoder.type)
        (description.k, description.isFolded) = (parts.k, folding.isFolded)
        description.notes =
            folding.notes
            + (scale.map { ["activations are multiplied by \($0) before encoding"] } ?? [])
            + reference.notes
            + (function.foldsDecoderNorms ? [] : unitNormNotes(stored.decoder))
        return LinearAutoencoder(
            description: description, encoder: encoder,
            decoder: DecoderWeights(
                matrix: stored.decoder, bias: outputBias ?? stored.outputBias,
                rowScale: product(rowScale, stored.finetuningFactors)),
            encoderBias: folding.isFolded
                ? zip(parts.encoderBias, stored.norms).map { $0 * $1 / (scale ?? 1) }
                : parts.encoderBias,
            latentScale: folding.isFolded ? stored.norms : uniform,
            normalization: function.normalization.ofRows, skip: stored.skip)
    }
}

/// The smallest norm a decoder row is divided by, as in SAELens.
let smallestNorm: Float = 1e-8

/// The tensors of an autoencoder as they are stored, checked.
private struct StoredParts {
    /// `[model, latents]`, or transposed.
    let encoder: MatrixView
    /// `[latents, output]`.
    let decoder: Tensor
    /// The norms of the decoder's rows, at least ``smallestNorm``, `[latents]`.
    let norms: [Float]
    /// `[output]`.
    let outputBias: [Float]
    /// What the architecture makes of its vectors.
    let parts: ArchitectureParts
    /// `[output, model]`, for architectures that have it.
    let skip: LinearWeights?
    /// Factors on the latents before the decoder, `[latents]`.
    let finetuningFactors: [Float]?

    /// Reads all that an architecture asks for.
    init(_ function: AutoencoderFunction, _ source: any TensorSource) throws {
        guard let architecture = function.architecture as? any LinearArchitecture else {
            preconditionFailure("the layout of a baseline loads it itself")
        }
        let target = type(of: architecture).target
        var weights = WeightReader(
            source: source, modelSize: function.modelSize, latents: function.latents)
        encoder = try weights.encoder()
        let (matrix, rowNorms) = try weights.matrix(
            "W_dec", shape: [function.latents, function.outputSize],
            axes: target == .input ? "[latents, model]" : "[latents, output]")
        guard rowNorms.contains(where: { $0 > 0 }) else {
            throw AutoencoderError(
                .malformed, "\(source.path): all rows of `W_dec` are zero",
                advice: "export the file again; this decoder was never trained")
        }
        (decoder, norms) = (matrix, rowNorms.map { max($0, smallestNorm) })
        outputBias = try weights.vector("b_dec", count: function.outputSize)
        parts = try architecture.parts(&weights, norms: norms)
        skip =
            target == .otherHook(skips: true)
            ? LinearWeights(
                weight: try weights.matrix(
                    "W_skip", shape: [function.outputSize, function.modelSize],
                    axes: "[output, model]"
                ).matrix) : nil
        finetuningFactors = try weights.finetuningFactors(isExpected: function.isFinetuned)
        try weights.checkAllUsed()
    }
}

/// What to say about a decoder whose rows SAE Bench would refuse.
///
/// - Source: `check_decoder_norms` of SAE Bench: 1e-5, and 1e-2 for 16-bit weights, beside the
///   1e-5 of `torch.allclose`.
private func unitNormNotes(_ decoder: Tensor) -> [String] {
    let tolerance: Double = decoder.type == .float32 ? 2e-5 : 1e-2 + 1e-5
    let norms = (0..<decoder.rows).map { squaredNorm(of: decoder, row: $0).squareRoot() }
    guard let worst = norms.max(by: { abs($0 - 1) < abs($1 - 1) }), abs(worst - 1) > tolerance
    else { return [] }
    return ["decoder norms are not 1 (\(Float(worst)) at worst), which SAE Bench refuses to load"]
}

/// The product of two lists of factors, either of which may be missing.
private func product(_ first: [Float]?, _ second: [Float]?) -> [Float]? {
    guard let first, let second else { return first ?? second }
    return zip(first, second).map(*)
}

extension EncoderWeights.Activation {
    /// The activation g with `scale · g(p) = f(scale · p)`, so that activations need no scaling.
    ///
    /// Every activation here is positively homogeneous in products, biases and thresholds together.
    fileprivate func forInputs(dividedBy scale: Float) -> EncoderWeights.Activation {
        func divided(_ values: [Float]) -> [Float] { values.map { $0 / scale } }
        switch self {
        case .relu(let bias): return .relu(bias: divided(bias))
        case .topK(let bias, let k, let rankScale):
            return .topK(bias: divided(bias), k: k, rankScale: rankScale)
        case .jumpReLU(let bias, let threshold):
            return .jumpReLU(bias: divided(bias), threshold: divided(threshold))
        case .gated(let gateBias, let magnitudeScale, let magnitudeBias):
            return .gated(
                gateBias: divided(gateBias), magnitudeScale: magnitudeScale,
                magnitudeBias: divided(magnitudeBias))
        }
    }
}

extension Folding {
    /// What folding comes to.
    struct Outcome {
        /// Whether the encoder multiplies values by the norms after its activation.
        var scalesValues = false
        /// Whether the decoder divides its rows by the norms.
        var scalesRows = false
        /// Whether the result counts as folded.
        var isFolded = false
        /// What readers of the results should know.
        var notes: [String] = []
    }

    /// Decides what to do for a wish to fold or not.
    func resolved(isWanted: Bool, norms: [Float]) -> Outcome {
        switch self {
        case .scaling:
            return Outcome(scalesValues: isWanted, scalesRows: isWanted, isFolded: isWanted)
        case .ranking:
            return Outcome(scalesRows: true, isFolded: isWanted)
        case .always:
            return Outcome(scalesValues: true, scalesRows: true, isFolded: true)
        case .refused(let reason):
            let areUnit = norms.allSatisfy { abs($0 - 1) <= 1e-2 }
            let note = "decoder norms are not 1 and were not folded: \(reason)"
            return Outcome(notes: isWanted && !areUnit ? [note] : [])
        }
    }
}
