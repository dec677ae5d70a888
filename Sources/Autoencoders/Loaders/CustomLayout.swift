import Basics
import Formats
import Tensors

/// Any file of tensors, and a `sae.yaml` that says which tensor is what.
///
/// ```yaml
/// architecture: topk            # standard, topk, jumprelu, gated or batchtopk
/// hook: blocks.12.hook_resid_post
/// model: google/gemma-2-2b
/// k: 32
/// apply_b_dec_to_input: true
/// weights: sae.safetensors      # may be left out when it is the only file of tensors
/// tensors:
///   encoder: enc.weight
///   encoder_bias: enc.bias
///   decoder: dec.weight
///   decoder_bias: bias
/// ignore: [steps]               # tensors to ignore
/// axes:                         # needed where lengths do not tell the axes apart
///   encoder: [latents, model]
/// ```
struct CustomLayout: AutoencoderLayout {
    /// The name in `sae.yaml`.
    static let identifier = "custom"
    /// The name in listings.
    let name = identifier
    /// The description.
    let files = [SidecarMetadata.file]

    /// Never by files alone, since `sae.yaml` names the weights.
    func autoencoders(among names: [String], in folder: String) -> [[String]] { [] }

    /// Reads what `sae.yaml` says.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        guard let sidecar = location.sidecar else {
            throw AutoencoderError(
                .missing, "\(location.path) has no \(SidecarMetadata.file)", advice: "write one")
        }
        let source = try openTensors(location.weights)
        let roles = try CustomRoles(sidecar, source)
        let (kind, architecture) = try architecture(sidecar)
        let sizes = try CustomSizes(sidecar, source, roles)
        let single = sizes.hasOneThreshold ? roles["threshold"] : nil
        var specification = try AutoencoderSpecification(
            location, architecture, modelSize: sizes.modelSize, latents: sizes.latents,
            hook: location.hook(or: nil, layout: self),
            model: location.model(or: nil, layout: self),
            subtractingBias: subtracts(sidecar, roles),
            normalization: TrainedNormalization(
                named: sidecar.text(TrainedNormalization.key),
                factor: sidecar.double(TrainedNormalization.factorKey),
                modelSize: sizes.modelSize, path: location.path),
            tensors: TensorMap(
                recipes: roles.recipes(sizes, hasBias: !(architecture is Gated)),
                ignored: [single].compactMap { $0 }))
        specification.architecture = kind
        return specification
    }

    /// The architecture by its own name and the one it is computed as.
    private func architecture(
        _ sidecar: SidecarMetadata
    ) throws -> (kind: String, computed: any Architecture) {
        let known = [Standard.name, TopK.name, JumpReLU.name, Gated.name, BatchTopK.name]
        guard let kind = try sidecar.text("architecture") else {
            throw AutoencoderError(
                .missing, "\(sidecar.path) has no `architecture`",
                advice: "`architecture:` and one of \(known.sorted().joined(separator: ", "))")
        }
        switch kind {
        case Standard.name: return (kind, Standard())
        case Gated.name: return (kind, Gated())
        case JumpReLU.name, BatchTopK.name: return (kind, JumpReLU())
        case TopK.name:
            guard let k = try sidecar.integer("k") else {
                throw AutoencoderError(
                    .missing, "\(sidecar.path) has no `k`",
                    advice: "`k: 32`, with the number of latents that a token keeps")
            }
            let isRescaled = try sidecar.truth(TopK.rescaleKey) ?? false
            return (kind, TopK(k: k, isRescaled: isRescaled))
        default:
            throw AutoencoderError(
                .unsupported, "\(sidecar.path): architecture `\(kind)` is not computed",
                advice: suggestion(for: kind, among: known))
        }
    }

    /// Whether the decoder's bias is subtracted from the input, which must be said.
    private func subtracts(_ sidecar: SidecarMetadata, _ roles: CustomRoles) throws -> Bool {
        let key = "apply_b_dec_to_input"
        if let truth = try sidecar.truth(key) { return truth }
        guard roles["decoder_bias"] == nil else {
            throw AutoencoderError(
                .missing, "\(sidecar.path) names a `decoder_bias` and has no `\(key)`",
                advice: "`\(key): true` if the bias is subtracted from activations before they are "
                    + "encoded, else `\(key): false`")
        }
        return false
    }
}

/// Which tensor of a file is what.
struct CustomRoles {
    /// The description, for messages.
    private let path: String
    /// Names of tensors, by role.
    private let names: [String: String]

    /// Roles and the names that SAELens has for them.
    private static let known = [
        "encoder": "W_enc", "encoder_bias": "b_enc", "decoder": "W_dec", "decoder_bias": "b_dec",
        "threshold": "threshold", "log_threshold": "log_threshold", "gate_bias": "b_gate",
        "magnitude_bias": "b_mag", "log_magnitude_scale": "r_mag",
    ]

    /// Reads `tensors` and checks that each is in the file.
    init(_ sidecar: SidecarMetadata, _ source: any TensorSource) throws {
        path = sidecar.path
        var names: [String: String] = [:]
        for member in try sidecar.members("tensors") {
            guard Self.known[member.key] != nil else {
                throw AutoencoderError(
                    .malformed, "\(path): role `\(member.key)` is unknown",
                    advice: suggestion(for: member.key, among: Array(Self.known.keys)))
            }
            guard let name = member.value.text, source.contains(name) else {
                throw AutoencoderError(
                    .missing,
                    "\(path): \(source.path) has no tensor \(member.value.text()) for "
                        + "`\(member.key)`",
                    advice: suggestion(
                        for: member.value.text ?? "", among: source.tensorNames))
            }
            names[member.key] = name
        }
        for role in ["encoder", "decoder"] where names[role] == nil {
            throw AutoencoderError(
                .missing, "\(path) names no tensor for `\(role)` under `tensors`",
                advice: suggestion(for: role, among: source.tensorNames))
        }
        self.names = names
    }

    /// The tensor of a role; nil when the description names none.
    subscript(role: String) -> String? { names[role] }

    /// The roles that have one element for each latent, or one in all.
    var latentRoles: [String] {
        names.keys.filter { !["encoder", "decoder", "decoder_bias"].contains($0) }.sorted()
    }

    /// Where each tensor of SAELens is; biases that the description leaves out are zeros.
    ///
    /// - Parameter hasBias: whether the architecture has an encoder's bias.
    func recipes(
        _ sizes: CustomSizes, hasBias: Bool
    ) -> [String: TensorMap.Recipe] {
        var recipes: [String: TensorMap.Recipe] = [:]
        for (role, name) in names { recipes[Self.known[role] ?? role] = .stored(name) }
        if let name = names["encoder"], sizes.encoderIsTransposed {
            recipes["W_enc"] = .transposed(name)
        }
        if let name = names["decoder"], sizes.decoderIsTransposed {
            recipes["W_dec"] = .transposed(name)
        }
        if let name = names["threshold"], sizes.hasOneThreshold {
            recipes["threshold"] = .spread(name, count: sizes.latents)
        }
        if recipes["b_dec"] == nil {
            recipes["b_dec"] = .repeated(0, count: sizes.modelSize)
        }
        if recipes["b_enc"] == nil, hasBias {
            recipes["b_enc"] = .repeated(0, count: sizes.latents)
        }
        return recipes
    }
}

/// The lengths of a custom autoencoder and how its matrices are stored.
struct CustomSizes {
    /// Length of the activations.
    let modelSize: Int
    /// Number of latents.
    let latents: Int
    /// Whether the encoder is stored as `[latents, model]`.
    let encoderIsTransposed: Bool
    /// Whether the decoder is stored as `[model, latents]`.
    let decoderIsTransposed: Bool
    /// Whether one threshold is that of all latents.
    let hasOneThreshold: Bool

    /// Derives lengths and axes from what is stated, from biases and from the matrices.
    ///
    /// - Throws: ``AutoencoderError`` when several readings remain: nothing is guessed.
    init(_ sidecar: SidecarMetadata, _ source: any TensorSource, _ roles: CustomRoles) throws {
        let encoder = try matrixShape(of: roles["encoder"] ?? "", in: source)
        let decoder = try matrixShape(of: roles["decoder"] ?? "", in: source)
        let encoderAxes = try Self.axes("encoder", sidecar)
        let decoderAxes = try Self.axes("decoder", sidecar)
        var size = try sidecar.integer("d_in")
        var count = try sidecar.integer("d_sae")
        if let name = roles["decoder_bias"], size == nil {
            size = try source.shape(of: name).first
        }
        var hasOneThreshold = false
        for role in roles.latentRoles {
            guard let name = roles[role] else { continue }
            let shape = try source.shape(of: name)
            if role == "threshold", shape.reduce(1, { $0 &* $1 }) == 1 {
                hasOneThreshold = true
            } else {
                count = count ?? shape.first
            }
        }
        if let encoderAxes {
            size = size ?? (encoderAxes == .latentsFirst ? encoder.second : encoder.first)
        }
        if let decoderAxes {
            size = size ?? (decoderAxes == .latentsFirst ? decoder.second : decoder.first)
        }
        let lengths = [encoder.first, encoder.second]
        if size == nil, let count, lengths.contains(count) {
            size = lengths[0] == count ? lengths[1] : lengths[0]
        }
        guard let size else {
            throw Self.ambiguous(
                sidecar, "which of \(lengths[0]) and \(lengths[1]) is the length of activations",
                "`d_in:` and that length")
        }
        let latents = count ?? (lengths[0] == size ? lengths[1] : lengths[0])
        encoderIsTransposed =
            try Self.axes(
                of: "encoder", encoder, encoderAxes, latents: latents, modelSize: size, sidecar,
                source.path) == .latentsFirst
        decoderIsTransposed =
            try Self.axes(
                of: "decoder", decoder, decoderAxes, latents: latents, modelSize: size, sidecar,
                source.path) == .modelFirst
        (modelSize, self.latents, self.hasOneThreshold) = (size, latents, hasOneThreshold)
    }

    /// How a matrix of a role is stored, stated or told by its lengths.
    ///
    /// - Throws: ``AutoencoderError`` when the lengths fit no reading, or both and nothing is
    ///   stated.
    private static func axes(
        of role: String, _ shape: (first: Int, second: Int), _ axes: Axes?, latents: Int,
        modelSize: Int, _ sidecar: SidecarMetadata, _ path: String
    ) throws -> Axes {
        let readings: [Axes] = [
            shape == (latents, modelSize) ? .latentsFirst : nil,
            shape == (modelSize, latents) ? .modelFirst : nil,
        ].compactMap { $0 }
        guard !readings.isEmpty, axes.map(readings.contains) ?? true else {
            throw AutoencoderError(
                .shape,
                "\(path): the \(role) has shape [\(shape.first), \(shape.second)], and "
                    + "\(sidecar.path) leads to \(latents) latents of length \(modelSize)",
                advice: "correct `axes`, `d_in`, `d_sae` or the names under `tensors`")
        }
        guard let reading = axes ?? (readings.count == 1 ? readings.first : nil) else {
            throw ambiguous(
                sidecar, "the axes of the \(role) apart, both \(modelSize) long",
                "`axes:` and below it `  \(role): [latents, model]` or `[model, latents]`")
        }
        return reading
    }

    /// The error for a description that leaves something open.
    private static func ambiguous(
        _ sidecar: SidecarMetadata, _ what: String, _ advice: String
    ) -> AutoencoderError {
        AutoencoderError(.ambiguous, "\(sidecar.path) does not tell \(what)", advice: advice)
    }

    /// How a matrix is stored.
    private enum Axes { case latentsFirst, modelFirst }

    /// The axes that are stated for a matrix; nil when they are not.
    private static func axes(_ role: String, _ sidecar: SidecarMetadata) throws -> Axes? {
        let members = try sidecar.members("axes")
        if let other = members.first(where: { !["encoder", "decoder"].contains($0.key) }) {
            throw AutoencoderError(
                .malformed, "\(sidecar.path): `axes` of `\(other.key)` cannot be stated",
                advice: suggestion(for: other.key, among: ["encoder", "decoder"]))
        }
        guard let value = members.first(where: { $0.key == role })?.value else { return nil }
        switch value.elements?.map(\.text) {
        case ["latents", "model"]: return .latentsFirst
        case ["model", "latents"]: return .modelFirst
        default:
            throw AutoencoderError(
                .malformed, "\(sidecar.path): `axes` of the \(role) are \(value.text())",
                advice: "[latents, model] or [model, latents]")
        }
    }
}
