import Basics
import Formats

/// `params.safetensors` of Gemma Scope 2, autoencoders and transcoders, with a `config.json` or
/// without.
///
/// - Source: `gemma_3_sae_huggingface_loader` of SAELens 6. Layer and site in the block come from
///   `hf_hook_point_in`, and where that is missing from the names of the folders, as there; so does
///   the model.
struct GemmaScope2Layout: AutoencoderLayout {
    /// The weights.
    private static let weightFile = "params.safetensors"
    /// The configuration, which some repositories lack.
    private static let configurationFile = "config.json"

    /// The name in listings.
    let name = "gemma_scope_2"
    /// The weights.
    let files = [weightFile]

    /// One, when the folder has the weights.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        guard names.contains(Self.weightFile) else { return [] }
        return [[Self.weightFile] + [Self.configurationFile].filter(names.contains)]
    }

    /// What is done with the keys of `config.json`; the tensors say the width themselves.
    static let keys = OwnerKeys(
        computed: [
            "architecture", "model_name", "hf_hook_point_in", "hf_hook_point_out",
            "affine_connection", "type",
        ],
        inert: ["width", "l0", "hook_name"])

    /// What the configuration says; nothing where there is none.
    private func configuration(_ location: AutoencoderLocation) throws -> JSON {
        guard location.files.contains(Self.configurationFile) else { return .object([]) }
        let path = location.path(Self.configurationFile)
        let json = try JSON(file: path)
        guard json["architecture"]?.text == "jump_relu" else {
            throw AutoencoderError(
                .unsupported,
                "\(path): architecture \(json["architecture"]?.text() ?? "null") is not computed",
                advice: "an autoencoder whose `architecture` is `jump_relu`")
        }
        return json
    }

    /// The model that the name of a repository such as `gemma-scope-2-270m-pt` speaks of; nil when
    /// no folder has such a name.
    private func repositoryModel(_ location: AutoencoderLocation) -> String? {
        let mark = "gemma-scope-2-"
        for component in location.components.reversed() {
            guard let start = component.firstRange(of: mark)?.upperBound else { continue }
            let parts = component[start...].split(separator: "-").prefix(2)
            guard parts.count == 2, ["pt", "it"].contains(parts[1]) else { continue }
            return "gemma-3-\(parts.joined(separator: "-"))"
        }
        return nil
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let json = try configuration(location)
        let source = try openTensors(location.weights)
        let (modelSize, latents) = try matrixShape(of: "w_enc", in: source)
        // SAELens asks the folders of published files alone.
        let point = location.facts.isPublished ? nil : json["hf_hook_point_in"]?.text
        let site = point.map(GemmaScopeSite.init(module:)) ?? GemmaScopeSite(location)
        let layer = point.flatMap(layer(ofModule:)) ?? location.number(after: "layer_")
        let isInferred = !location.files.contains(Self.configurationFile)
        let module = site.flatMap { site in layer.map { site.module(layer: $0) } }
        let inferred = module.flatMap { isInferred ? JSON.string($0) : nil } ?? .null
        let skip = "affine_skip_connection"
        let skips = source.contains(skip)
        var tensors = TensorMap(
            recipes: ["W_enc": .stored("w_enc"), "W_dec": .stored("w_dec")],
            isLenient: location.facts.isPublished, strictTensors: [skip])
        var metadata = [
            JSONMember(key: "hf_hook_name", value: json["hf_hook_point_in"] ?? inferred)
        ]
        let notes = isInferred ? [] : try check(json, location, site, hasSkip: skips)
        var (architecture, outputHook): (any Architecture, String?) = (JumpReLU(), nil)
        var outputSize: Int?
        if site == .transcoder {
            guard let layer else {
                throw location.missing(
                    "does not say which layer it writes to",
                    "`hook: blocks.12.hook_mlp_in`, with your layer,", self)
            }
            let output = "blocks.\(layer).hook_mlp_out"
            architecture = skips ? JumpReLUSkipTranscoder() : JumpReLUTranscoder()
            outputHook = output
            outputSize = try matrixShape(of: "w_dec", in: source).second
            metadata += [
                JSONMember(key: "hook_name_out", value: .string(output)),
                JSONMember(key: "hf_hook_name_out", value: json["hf_hook_point_out"] ?? .null),
            ]
            // Stored as [model, output].
            if skips { tensors.recipes["W_skip"] = .transposed(skip) }
        }
        var specification = try AutoencoderSpecification(
            location, architecture, modelSize: modelSize, latents: latents, outputSize: outputSize,
            hook: location.hook(
                or: layer.flatMap { layer in site.map { "blocks.\(layer).\($0.rawValue)" } },
                layout: self),
            outputHook: outputHook,
            model: location.model(
                or: (json["model_name"]?.text ?? repositoryModel(location)).map(modelName),
                layout: self),
            subtractingBias: false, contextSize: 1024, dataset: "monology/pile-uncopyrighted",
            metadata: metadata, reshape: "none", tensors: tensors)
        specification.layoutNotes = notes
        return specification
    }

    /// Refuses keys that are not known and values that are not computed.
    ///
    /// - Returns: a note on each of them that SAELens passes over in a published file.
    private func check(
        _ json: JSON, _ location: AutoencoderLocation, _ site: GemmaScopeSite?, hasSkip: Bool
    ) throws -> [String] {
        let path = location.path(Self.configurationFile)
        let notes = try Self.keys.check(json, in: path, of: location)
        var passedOver = PassedOver(location, path)
        let isTranscoder = site == .transcoder
        if let kind = json["type"], let name = kind.text?.lowercased(),
            ["cross", "clt"].contains(where: name.contains)
        {
            try passedOver.refuse(
                "type", kind, "is not computed", advice: "an autoencoder of `sae` or `transcoder`")
        }
        if let output = json["hf_hook_point_out"], let name = output.text,
            isTranscoder
                ? !name.hasSuffix("post_feedforward_layernorm.output")
                : name != json["hf_hook_point_in"]?.text
        {
            try passedOver.refuse(
                "hf_hook_point_out", output, "is not what `hf_hook_point_in` goes with",
                advice:
                    "an autoencoder that reconstructs what it reads, or the transcoder of an MLP")
        }
        if isTranscoder, let affine = json["affine_connection"], affine.truth == true, !hasSkip {
            try passedOver.refuse(
                "affine_connection", affine,
                "needs a tensor `affine_skip_connection` that \(location.weights) does not hold",
                advice: "download params.safetensors again")
        }
        if isTranscoder, let affine = json["affine_connection"], affine.truth == false, hasSkip {
            try passedOver.refuse(
                "affine_connection", affine,
                "contradicts the tensor `affine_skip_connection` of \(location.weights)",
                advice: "set it to true if the skip connection was trained")
        }
        return notes + passedOver.notes
    }

    /// The layer in a name such as `model.layers.12.output`; nil when it has none.
    private func layer(ofModule name: String) -> Int? {
        let parts = name.split(separator: ".")
        guard let index = parts.firstIndex(of: "layers"), index + 1 < parts.count else {
            return nil
        }
        return Int(parts[index + 1])
    }

    /// The model's name on the hub: files leave out the organisation, and for the smallest model
    /// add an ending that it does not have.
    private func modelName(_ stored: String) -> String {
        let full = stored.contains("google") ? stored : "google/\(stored)"
        let name = full.replacing("-v3", with: "-3")
        return name.contains("270m") ? name.replacing("-pt", with: "") : name
    }
}
