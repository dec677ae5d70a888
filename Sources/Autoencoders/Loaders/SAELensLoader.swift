import Basics
import Formats
import Kernels
import Tensors

/// `cfg.json` and `sae_weights.safetensors`, as SAELens 3 to 6 writes them.
struct SAELensLayout: AutoencoderLayout {
    /// The configuration.
    static let configurationFile = "cfg.json"
    /// The weights.
    static let weightFile = "sae_weights.safetensors"

    /// The name in listings.
    let name = "sae_lens"
    /// Both files.
    let files = [weightFile, configurationFile]

    /// The tensors need no translation; what `sae.yaml` says joins the configuration.
    func translate(_ place: AutoencoderPlace) throws -> AutoencoderTranslation {
        let path = place.path(Self.configurationFile)
        var json = place.facts.applied(to: try JSON(file: path))
        if let stated = place.stated { json = try stated.joined(to: json) }
        return AutoencoderTranslation(
            configuration: try AutoencoderConfiguration(json, path: path),
            tensors: { TranslatedTensors(try SafetensorsFile(path: place.weights), [:]) })
    }
}

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
    var weights = WeightReader(
        source: source, modelSize: configuration.modelSize, latents: configuration.latents)
    let encoderMatrix = try weights.encoder()
    let outputSize = try configuration.outputSize(architecture)
    let (decoderMatrix, rowNorms) = try weights.matrix(
        "W_dec", shape: [configuration.latents, outputSize],
        axes: architecture.target == .input ? "[latents, model]" : "[latents, output]")
    guard rowNorms.contains(where: { $0 > 0 }) else {
        throw AutoencoderError(
            .malformed, "\(source.path): all rows of `W_dec` are zero",
            advice: "export the file again; this decoder was never trained")
    }
    let decoderBias = try weights.vector("b_dec", count: outputSize)
    let norms = rowNorms.map { max($0, smallestNorm) }
    let parts = try architecture.parts(configuration, &weights, norms: norms)
    let skip = try skipConnection(architecture, &weights, outputSize: outputSize)
    let finetuning = try weights.finetuningFactors(
        isExpected: try configuration.truth("finetuning_scaling_factor") ?? false)
    try weights.checkAllUsed()

    let scale = try configuration.activationScale
    let scaledBias = scale.map { scale in decoderBias.map { $0 / scale } } ?? decoderBias
    let folding = parts.folding.resolved(isWanted: foldingDecoderNorms, norms: norms)
    let uniform = scale.map { [Float](repeating: $0, count: configuration.latents) }
    // Architectures that rank by norms scale the values themselves.
    let valueScale = folding.scalesValues ? norms : folding.scalesRows ? nil : uniform
    let rowScale = (folding.scalesRows ? norms : uniform).map { $0.map { 1 / $0 } }
    let latentScale = folding.isFolded ? norms : uniform
    let subtracts = try configuration.subtractsDecoderBias(architecture)
    var encoder = EncoderWeights(
        matrix: encoderMatrix.tensor, isTransposed: encoderMatrix.isTransposed,
        inputBias: subtracts ? scaledBias : nil,
        activation: scale.map { parts.activation.forInputs(dividedBy: $0) } ?? parts.activation)
    encoder.latentScale = valueScale
    let decoder = DecoderWeights(
        matrix: decoderMatrix, bias: scaledBias, rowScale: product(rowScale, finetuning))
    var notes = folding.notes
    if let scale { notes.append("activations are multiplied by \(scale) before encoding") }
    var autoencoder = LinearAutoencoder(
        description: AutoencoderDescription(
            architecture: configuration.architecture, computedAs: architecture.computedAs,
            modelSize: configuration.modelSize, latents: configuration.latents,
            hookName: try configuration.hookName,
            outputHookName: try configuration.outputHookName(architecture),
            modelName: configuration.modelName, contextSize: configuration.contextSize,
            prependsBeginning: configuration.prependsBeginning, release: reference.release,
            id: reference.id, k: parts.k, path: reference.path,
            storedBytes: reference.storedBytes, storedType: decoderMatrix.type,
            isFolded: folding.isFolded, notes: notes,
            configuration: try configuration.resultConfiguration(architecture)),
        encoder: encoder, decoder: decoder,
        encoderBias: folding.isFolded
            ? zip(parts.encoderBias, norms).map { $0 * $1 / (scale ?? 1) } : parts.encoderBias,
        latentScale: latentScale, normalization: normalization)
    autoencoder.skip = skip
    return autoencoder
}

/// Reads the skip connection of architectures that have one, `[output, model]`.
private func skipConnection(
    _ architecture: any Architecture.Type, _ weights: inout WeightReader, outputSize: Int
) throws -> LinearWeights? {
    guard architecture.target == .otherHook(skips: true) else { return nil }
    let (matrix, _) = try weights.matrix(
        "W_skip", shape: [outputSize, weights.modelSize], axes: "[output, model]")
    return LinearWeights(weight: matrix)
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

/// The smallest norm a decoder row is divided by, as in SAELens.
let smallestNorm: Float = 1e-8

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
