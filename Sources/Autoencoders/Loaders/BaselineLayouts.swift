import Basics
import Formats
import Tensors

/// SAE Bench's baseline that changes nothing: `sae.yaml` with `layout: identity` and no weights.
///
/// - Source: `IdentitySAE` of SAE Bench 0.6.0.
struct IdentityLayout: AutoencoderLayout {
    /// The name in `sae.yaml`.
    static let identifier = "identity"
    /// The name in listings.
    let name = identifier
    /// The description alone.
    let files = [SidecarMetadata.file]
    /// The longest activations; the identity matrix is made for the statistics.
    private static let longest = 1 << 14

    /// Never by files alone, since `sae.yaml` names the layout.
    func autoencoders(among names: [String], in folder: String) -> [[String]] { [] }

    /// The sizes and places that `sae.yaml` states.
    func translate(_ location: AutoencoderLocation) throws -> AutoencoderTranslation {
        guard let size = try location.sidecar?.integer("d_in") else {
            throw location.missing(
                "does not say how long activations are", "`d_in: 2304`, or yours,", self)
        }
        guard (1...Self.longest).contains(size) else {
            throw AutoencoderError(
                .malformed,
                "\(location.path(SidecarMetadata.file)): `d_in` is \(size), expected 1 to "
                    + "\(Self.longest)",
                advice: "the length of the model's activations")
        }
        return try baselineTranslation(location, self, modelSize: size, derived: nil)
    }

    /// Makes the baseline.
    func load(_ reference: AutoencoderReference, foldingDecoderNorms: Bool) throws
        -> any Autoencoder
    {
        let translation = try translate(AutoencoderLocation(reference))
        let size = translation.configuration.modelSize
        let matrix = Tensor(zeros: [size, size])
        for index in 0..<size { matrix.floats[index * size + index] = 1 }
        return DenseAutoencoder(
            description: try baselineDescription(translation, reference),
            encoder: nil, mean: [Float](repeating: 0, count: size),
            decoder: matrix, norms: nil)
    }
}

/// SAE Bench's baseline of principal components, `pca_<model>_<hook>.pt` with the tensors `W_enc`,
/// `W_dec` and `mean`.
///
/// The files hold the components C, one a row, as `W_enc`. SAE Bench encodes by `(x - mean) · C`,
/// so that latent j is the projection on *column* j of C; with `form: corrected` in a `sae.yaml` it
/// is the projection on component j. Both reconstruct x.
///
/// - Source: `PCASAE` of SAE Bench 0.6.0.
struct PCALayout: AutoencoderLayout {
    /// The name in `sae.yaml`.
    static let identifier = "pca"
    /// The name in listings.
    let name = identifier
    /// A file called after model and hook.
    let files = ["pca_<model>_<hook>.pt"]
    /// One weight file each.
    let isPerFile = true

    /// The files called like it.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        names.filter { $0.hasPrefix("pca_") && $0.contains("_blocks.") && $0.hasSuffix(".pt") }
            .map { [$0] }
    }

    /// Translates what the file's name and `sae.yaml` say.
    func translate(_ location: AutoencoderLocation) throws -> AutoencoderTranslation {
        let source = try openTensors(location.weights)
        let (rows, columns) = try matrixShape(of: "W_enc", in: source)
        guard rows == columns else {
            throw AutoencoderError(
                .shape, "\(source.path): tensor `W_enc` has shape [\(rows), \(columns)]",
                advice: "a file with as many components as the activations are long")
        }
        _ = try isCorrected(location)
        let name = lastComponent(of: location.path)
        var derived: (model: String, hook: String)?
        if name.hasPrefix("pca_"), name.hasSuffix(".pt"), let end = name.firstRange(of: "_blocks.")
        {
            derived = (
                String(name[..<end.lowerBound].dropFirst(4)),
                String(name[end.lowerBound...].dropFirst().dropLast(3))
            )
        }
        return try baselineTranslation(location, self, modelSize: rows, derived: derived)
    }

    /// Reads the tensors, checked like those of any autoencoder, and scales the decoder's rows to
    /// norm 1.
    func load(_ reference: AutoencoderReference, foldingDecoderNorms: Bool) throws
        -> any Autoencoder
    {
        let location = try AutoencoderLocation(reference)
        let translation = try translate(location)
        let size = translation.configuration.modelSize
        let source = try openTensors(location.weights)
        let isCorrected = try isCorrected(location)
        let recipes: [String: TranslatedTensors.Recipe] =
            isCorrected
            ? [
                "W_enc": .transposed("W_enc"), "W_dec": .transposed("W_dec"),
                "b_dec": .stored("mean"),
            ]
            : ["b_dec": .stored("mean")]
        var weights = WeightReader(
            source: TranslatedTensors(source, recipes), modelSize: size, latents: size)
        let encoder = try weights.encoder()
        let (decoder, norms) = try weights.matrix(
            "W_dec", shape: [size, size], axes: "[latents, model]")
        let mean = try weights.vector("b_dec", count: size)
        try weights.checkAllUsed()
        var description = try baselineDescription(translation, reference)
        description.notes = [
            isCorrected
                ? "latent j is the projection on principal component j"
                : "as in SAE Bench, latent j is the projection on column j of the matrix of "
                    + "components, not on component j"
        ]
        return DenseAutoencoder(
            description: description, encoder: encoder, mean: mean, decoder: decoder,
            norms: norms.map { max($0, smallestNorm) })
    }

    /// Whether latents are components.
    private func isCorrected(_ location: AutoencoderLocation) throws -> Bool {
        let form = try location.sidecar?.text("form") ?? "upstream"
        guard ["upstream", "corrected"].contains(form) else {
            throw AutoencoderError(
                .malformed, "\(location.path(SidecarMetadata.file)): `form` is `\(form)`",
                advice: suggestion(for: form, among: ["upstream", "corrected"]))
        }
        return form == "corrected"
    }
}

/// What both baselines have in common.
private func baselineTranslation(
    _ location: AutoencoderLocation, _ layout: any AutoencoderLayout, modelSize: Int,
    derived: (model: String, hook: String)?
) throws -> AutoencoderTranslation {
    let hook = try location.hook(or: derived?.hook, layout: layout)
    let model = try location.model(or: derived?.model, layout: layout)
    return AutoencoderTranslation(
        configuration: try saeLensConfiguration(
            location, architecture: layout.name, modelSize: modelSize, latents: modelSize,
            hook: hook,
            model: model, subtracting: false),
        tensors: { TranslatedTensors(try openTensors(location.weights), [:]) },
        customConfiguration: customClassConfiguration(
            model: model, modelSize: modelSize, latents: modelSize, hook: hook,
            layer: layer(ofHook: hook),
            architecture: ""))
}

/// The description of a loaded baseline.
private func baselineDescription(
    _ translation: AutoencoderTranslation, _ reference: AutoencoderReference
) throws -> AutoencoderDescription {
    let configuration = translation.configuration
    return AutoencoderDescription(
        architecture: configuration.architecture, modelSize: configuration.modelSize,
        latents: configuration.latents, hookName: try configuration.hookName,
        modelName: configuration.modelName, contextSize: configuration.contextSize,
        prependsBeginning: configuration.prependsBeginning, release: reference.release,
        id: reference.id, path: reference.path, storedBytes: reference.storedBytes,
        configuration: try translation.resultConfiguration())
}
