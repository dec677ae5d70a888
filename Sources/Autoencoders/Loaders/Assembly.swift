import Formats
import Kernels
import Tensors

/// Makes an autoencoder of a SAELens 6 configuration and tensors under SAELens's names.
///
/// Every layout ends here: it translates its own configuration and names, and hands them over.
func assemble(
    _ configuration: AutoencoderConfiguration, _ source: any TensorSource,
    _ reference: AutoencoderReference, foldingDecoderNorms: Bool
) throws -> LinearAutoencoder {
    let architecture = try architecture(named: configuration.architecture, path: configuration.path)
    let normalization = try configuration.normalization
    try configuration.checkSupported()
    let stored = try StoredParts(configuration, architecture, source)
    let parts = stored.parts
    let scale = try configuration.activationScale
    let folding = parts.folding.resolved(isWanted: foldingDecoderNorms, norms: stored.norms)
    let uniform = scale.map { [Float](repeating: $0, count: configuration.latents) }
    let latentScale = folding.isFolded ? stored.norms : uniform
    let outputBias = scale.map { scale in stored.outputBias.map { $0 / scale } }
    var notes = folding.notes
    if let scale { notes.append("activations are multiplied by \(scale) before encoding") }
    let subtracts = try configuration.subtractsDecoderBias(architecture)
    let encoder = EncoderWeights(
        matrix: stored.encoder.tensor, isTransposed: stored.encoder.isTransposed,
        inputBias: subtracts ? outputBias ?? stored.outputBias : nil,
        activation: scale.map { parts.activation.forInputs(dividedBy: $0) } ?? parts.activation,
        // Architectures that rank by norms scale the values themselves.
        latentScale: folding.scalesValues ? stored.norms : folding.scalesRows ? nil : uniform)
    let rowScale = (folding.scalesRows ? stored.norms : uniform).map { $0.map { 1 / $0 } }
    return LinearAutoencoder(
        description: AutoencoderDescription(
            architecture: configuration.architecture, computedAs: architecture.computedAs,
            modelSize: configuration.modelSize, latents: configuration.latents,
            hookName: try configuration.hookName,
            outputHookName: try configuration.outputHookName(architecture),
            modelName: configuration.modelName, contextSize: configuration.contextSize,
            prependsBeginning: configuration.prependsBeginning, release: reference.release,
            id: reference.id, k: parts.k, path: reference.path,
            storedBytes: reference.storedBytes, storedType: stored.decoder.type,
            isFolded: folding.isFolded, notes: notes,
            configuration: try configuration.resultConfiguration(architecture)),
        encoder: encoder,
        decoder: DecoderWeights(
            matrix: stored.decoder, bias: outputBias ?? stored.outputBias,
            rowScale: product(rowScale, stored.finetuningFactors)),
        encoderBias: folding.isFolded
            ? zip(parts.encoderBias, stored.norms).map { $0 * $1 / (scale ?? 1) }
            : parts.encoderBias,
        latentScale: latentScale, normalization: normalization, skip: stored.skip)
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
    init(
        _ configuration: AutoencoderConfiguration, _ architecture: any Architecture.Type,
        _ source: any TensorSource
    ) throws {
        let outputSize = try configuration.outputSize(architecture)
        var weights = WeightReader(
            source: source, modelSize: configuration.modelSize, latents: configuration.latents)
        encoder = try weights.encoder()
        let (matrix, rowNorms) = try weights.matrix(
            "W_dec", shape: [configuration.latents, outputSize],
            axes: architecture.target == .input ? "[latents, model]" : "[latents, output]")
        guard rowNorms.contains(where: { $0 > 0 }) else {
            throw AutoencoderError(
                .malformed, "\(source.path): all rows of `W_dec` are zero",
                advice: "export the file again; this decoder was never trained")
        }
        (decoder, norms) = (matrix, rowNorms.map { max($0, smallestNorm) })
        outputBias = try weights.vector("b_dec", count: outputSize)
        parts = try architecture.parts(configuration, &weights, norms: norms)
        skip =
            architecture.target == .otherHook(skips: true)
            ? LinearWeights(
                weight: try weights.matrix(
                    "W_skip", shape: [outputSize, configuration.modelSize], axes: "[output, model]"
                ).matrix) : nil
        finetuningFactors = try weights.finetuningFactors(
            isExpected: try configuration.truth("finetuning_scaling_factor") ?? false)
        try weights.checkAllUsed()
    }
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
