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
    let (decoderMatrix, rowNorms) = try weights.matrix(
        "W_dec", shape: [configuration.latents, configuration.modelSize], axes: "[latents, model]")
    guard rowNorms.contains(where: { $0 > 0 }) else {
        throw AutoencoderError(
            .malformed, "\(source.path): all rows of `W_dec` are zero",
            advice: "export the file again; this decoder was never trained")
    }
    let decoderBias = try weights.modelVector("b_dec")
    let norms = rowNorms.map { max($0, smallestNorm) }
    let parts = try architecture.parts(configuration, &weights, norms: norms)
    try weights.checkAllUsed()

    var encoder = EncoderWeights(
        matrix: encoderMatrix.tensor, isTransposed: encoderMatrix.isTransposed,
        inputBias: configuration.subtractsDecoderBias ? decoderBias : nil,
        activation: parts.activation)
    var decoder = DecoderWeights(matrix: decoderMatrix, bias: decoderBias)
    let folding = parts.folding.resolved(isWanted: foldingDecoderNorms, norms: norms)
    if folding.scalesValues { encoder.latentScale = norms }
    if folding.scalesRows { decoder.rowScale = norms.map { 1 / $0 } }
    let latentScale = folding.isFolded ? norms : nil
    return LinearAutoencoder(
        description: AutoencoderDescription(
            architecture: configuration.architecture, computedAs: architecture.computedAs,
            modelSize: configuration.modelSize, latents: configuration.latents,
            hookName: try configuration.hookName, modelName: configuration.modelName,
            contextSize: configuration.contextSize,
            prependsBeginning: configuration.prependsBeginning, release: reference.release,
            id: reference.id, k: parts.k, path: reference.path,
            storedBytes: reference.storedBytes, storedType: decoderMatrix.type,
            isFolded: folding.isFolded, notes: folding.notes,
            configuration: configuration.resultConfiguration(architecture)),
        encoder: encoder, decoder: decoder,
        encoderBias: latentScale.map { zip(parts.encoderBias, $0).map(*) } ?? parts.encoderBias,
        latentScale: latentScale, normalization: normalization)
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
