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

    /// Reads the sizes and names that `sae.yaml` states.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
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
        return try baseline(
            IdentityBaseline(), of: location, self, modelSize: size, derived: nil,
            tensors: TensorMap())
    }

    /// Makes the baseline.
    func load(
        _ reference: AutoencoderReference, _ function: AutoencoderFunction,
        foldingDecoderNorms: Bool
    ) throws -> any Autoencoder {
        let size = function.modelSize
        let matrix = Tensor(zeros: [size, size])
        for index in 0..<size { matrix.floats[index * size + index] = 1 }
        return DenseAutoencoder(
            description: AutoencoderDescription(reference, storedType: .float32),
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

    /// Reads what the file's name and `sae.yaml` say.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let source = try openTensors(location.weights)
        let (rows, columns) = try matrixShape(of: "W_enc", in: source)
        guard rows == columns else {
            throw AutoencoderError(
                .shape, "\(source.path): tensor `W_enc` has shape [\(rows), \(columns)]",
                advice: "a file with as many components as the activations are long")
        }
        let architecture = PrincipalComponents(isCorrected: try isCorrected(location))
        let name = lastComponent(of: location.path)
        var derived: (model: String, hook: String)?
        if name.hasPrefix("pca_"), name.hasSuffix(".pt"), let end = name.firstRange(of: "_blocks.")
        {
            derived = (
                String(name[..<end.lowerBound].dropFirst(4)),
                String(name[end.lowerBound...].dropFirst().dropLast(3))
            )
        }
        var tensors = TensorMap(recipes: ["b_dec": .stored("mean")])
        if architecture.isCorrected {
            tensors.recipes["W_enc"] = .transposed("W_enc")
            tensors.recipes["W_dec"] = .transposed("W_dec")
        }
        return try baseline(
            architecture, of: location, self, modelSize: rows, derived: derived, tensors: tensors)
    }

    /// Reads the tensors, checked like those of any autoencoder, and scales the decoder's rows to
    /// norm 1.
    func load(
        _ reference: AutoencoderReference, _ function: AutoencoderFunction,
        foldingDecoderNorms: Bool
    ) throws -> any Autoencoder {
        let size = function.modelSize
        var weights = WeightReader(
            source: try reference.openWeights(of: function), modelSize: size, latents: size)
        let encoder = try weights.encoder()
        let (decoder, norms) = try weights.matrix(
            "W_dec", shape: [size, size], axes: "[latents, model]")
        let mean = try weights.vector("b_dec", count: size)
        try weights.checkAllUsed()
        var description = AutoencoderDescription(reference, storedType: .float32)
        let isCorrected = (function.architecture as? PrincipalComponents)?.isCorrected == true
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

/// The specification of a baseline, which SAE Bench reads with a class of its own.
private func baseline(
    _ architecture: any Architecture, of location: AutoencoderLocation,
    _ layout: any AutoencoderLayout, modelSize: Int, derived: (model: String, hook: String)?,
    tensors: TensorMap
) throws -> AutoencoderSpecification {
    let hook = try location.hook(or: derived?.hook, layout: layout)
    let model = try location.model(or: derived?.model, layout: layout)
    var specification = try AutoencoderSpecification(
        location, architecture, modelSize: modelSize, latents: modelSize, hook: hook, model: model,
        subtractingBias: false, tensors: tensors)
    specification.configuration = customClassConfiguration(
        model: model, modelSize: modelSize, latents: modelSize, hook: hook,
        layer: layer(ofHook: hook), architecture: "")
    return specification
}
