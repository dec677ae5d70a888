import Basics
import Formats

/// A `.pt` file of OpenAI's `sparse_autoencoder` for GPT-2 small, one autoencoder for each file.
///
/// `activation((x - pre_bias) · W + latent_bias)`, decoded by its own matrix plus `pre_bias`. With
/// TopK, rows are centred and divided by their deviation first, and this is undone at the end.
///
/// - Source: `Autoencoder` of openai/sparse_autoencoder. The files are stored under
///   `<location>_v5_32k/autoencoders/<layer>.pt` and its like.
struct OpenAILayout: AutoencoderLayout {
    /// The name in listings.
    let name = "openai"
    /// A file for each layer.
    let files = ["autoencoders/0.pt"]
    /// One weight file each.
    let isPerFile = true

    /// Tensors that no other layout has.
    private static let ownTensors = ["pre_bias", "latent_bias"]
    /// Buffers that count how often latents were active in training.
    private static let statistics = [
        "stats_last_nonzero", "latents_activation_frequency", "latents_mean_square",
    ]
    /// Plain values that say what is computed.
    private static let values = [
        "activation", "activation_state_dict.k", "activation_state_dict.postact_fn",
    ]

    /// The files with the tensors of this layout, and those called after a layer in a folder called
    /// `autoencoders`, readable or not.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        let isPublished = absolute(folder).last == "autoencoders"
        return names.filter { name in
            guard name.hasSuffix(".pt") else { return false }
            if isPublished, Int(name.dropLast(3)) != nil { return true }
            guard let file = try? TorchFile(path: joined(folder, name)) else { return false }
            return Self.ownTensors.allSatisfy(file.contains)
        }.map { [$0] }
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let source = try openTensors(location.weights)
        let (latents, modelSize) = try matrixShape(of: "encoder.weight", in: source)
        let (architecture, normalization) = try activation(source)
        var recipes: [String: TensorMap.Recipe] = [
            "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
            "b_enc": .stored("latent_bias"), "b_dec": .stored("pre_bias"),
        ]
        // A tied decoder is the encoder once more.
        let tied = "decoder.linear.weight"
        if source.contains(tied), !source.contains("decoder.weight") {
            recipes["W_dec"] = .stored(tied)
        }
        return try AutoencoderSpecification(
            location, architecture, modelSize: modelSize, latents: latents,
            hook: location.hook(or: hook(location), layout: self),
            model: location.model(or: hook(location).map { _ in "gpt2-small" }, layout: self),
            subtractingBias: true, normalization: .eachRow(normalization),
            tensors: TensorMap(
                recipes: recipes, ignored: Self.statistics, knownValues: Self.values))
    }

    /// The architecture that the file names, and what is done to each row first.
    ///
    /// Files without a name are ReLU, as `from_state_dict` takes them.
    private func activation(
        _ source: any TensorSource
    ) throws -> (architecture: any Architecture, normalization: ActivationNormalization) {
        let file = source as? TorchFile
        guard let name = file?.scalar("activation") else {
            return (Standard(), .none)
        }
        switch name {
        case .text("ReLU"): return (Standard(), .none)
        case .text("TopK"):
            let function = file?.scalar("activation_state_dict.postact_fn")
            guard function == .text("ReLU") else {
                throw refused(
                    source, "TopK with \(function.map { "\($0)" } ?? "nothing") behind it")
            }
            guard case .integer(let k)? = file?.scalar("activation_state_dict.k") else {
                throw AutoencoderError(
                    .missing, "\(source.path) has no integer `activation_state_dict.k`",
                    advice: "download the file again")
            }
            return (TopK(k: k), .layerNorm)
        default: throw refused(source, "\(name)")
        }
    }

    /// The error for an activation function that is not computed.
    private func refused(_ source: any TensorSource, _ function: String) -> AutoencoderError {
        AutoencoderError(
            .unsupported, "\(source.path): the activation \(function) is not computed",
            advice: "an autoencoder of ReLU or TopK")
    }

    /// The hook that location and layer in the path name; nil when the path is another one.
    private func hook(_ location: AutoencoderLocation) -> String? {
        let file = lastComponent(of: location.path)
        guard file.hasSuffix(".pt"), let layer = Int(file.dropLast(3)), layer >= 0 else {
            return nil
        }
        for component in location.components.dropLast().reversed() {
            for (prefix, site) in Self.sites where component.hasPrefix(prefix) {
                return "blocks.\(layer).\(site)"
            }
        }
        return nil
    }

    /// Locations and the names that TransformerLens has for them.
    private static let sites = [
        ("mlp_post_act", "mlp.hook_post"), ("resid_delta_attn", "hook_attn_out"),
        ("resid_post_attn", "hook_resid_mid"), ("resid_delta_mlp", "hook_mlp_out"),
        ("resid_post_mlp", "hook_resid_post"),
    ]
}
