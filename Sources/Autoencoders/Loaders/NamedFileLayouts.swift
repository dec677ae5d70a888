import Basics

/// The weights of an autoencoder for DeepSeek-R1-Distill-Llama-8B,
/// `DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt`.
///
/// - Source: `deepseek_r1_sae_huggingface_loader` of SAELens 6.
struct DeepSeekR1Layout: AutoencoderLayout {
    /// The name in listings.
    let name = "deepseek_r1"
    /// A file called after the layer.
    let files = ["DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt"]
    /// One weight file each.
    let isPerFile = true

    /// The files called like it.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        names.filter {
            $0.hasPrefix("DeepSeek-R1-") && $0.contains("SAE-l") && $0.hasSuffix(".pt")
        }.map { [$0] }
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let layer = location.number(after: "-SAE-l")
        return try linearAutoencoder(
            location, self, recipes: linearRecipes,
            hook: layer.map { "blocks.\($0).hook_resid_post" },
            model: "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", contextSize: 1024)
    }
}

/// The weights of Goodfire's autoencoders, `Llama-3.1-8B-Instruct-SAE-l19.pth` and its like.
///
/// - Source: `get_goodfire_huggingface_loader` of SAELens 6.
struct GoodfireLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "goodfire"
    /// A file called after model and layer.
    let files = ["Llama-3.1-8B-Instruct-SAE-l19.pth"]
    /// One weight file each.
    let isPerFile = true

    /// The files called like it.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        names.filter {
            $0.hasPrefix("Llama-") && $0.contains("-Instruct-SAE-l")
                && ($0.hasSuffix(".pt") || $0.hasSuffix(".pth"))
        }.map { [$0] }
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let file = lastComponent(of: location.path)
        let model = file.firstRange(of: "-SAE-l").map { "meta-llama/\(file[..<$0.lowerBound])" }
        return try linearAutoencoder(
            location, self,
            recipes: [
                "W_enc": .transposed("encoder_linear.weight"),
                "W_dec": .transposed("decoder_linear.weight"),
                "b_enc": .stored("encoder_linear.bias"), "b_dec": .stored("decoder_linear.bias"),
            ],
            hook: location.number(after: "-SAE-l").map { "blocks.\($0).hook_resid_post" },
            model: model)
    }
}

/// `<name>.pt` and `<name>_cfg.json` of attention autoencoders for GPT-2 small.
///
/// - Source: `connor_rob_hook_z_huggingface_loader` of SAELens 6; Kissane et al. 2024.
struct HookZLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "connor_rob_hook_z"
    /// The weights and the configuration beside them.
    let files = ["<name>.pt", "<name>_cfg.json"]
    /// One weight file each.
    let isPerFile = true

    /// The files with a configuration beside them.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        let known = Set(names)
        return names.filter { $0.hasSuffix(".pt") }
            .map { [$0, "\($0.dropLast(3))_cfg.json"] }.filter { known.contains($0[1]) }
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let path = "\(location.weights.dropLast(3))_cfg.json"
        let json = try JSON(file: path)
        guard let modelSize = json["act_size"]?.integer, let latents = json["dict_size"]?.integer
        else {
            throw AutoencoderError(
                .missing, "\(path) has no integers `act_size` and `dict_size`",
                advice: "put back the file that training wrote")
        }
        return try AutoencoderSpecification(
            location, Standard(), modelSize: modelSize, latents: latents,
            hook: location.hook(or: json["act_name"]?.text, layout: self),
            model: location.model(or: "gpt2-small", layout: self), subtractingBias: true,
            contextSize: 128, dataset: "Skylion007/openwebtext", reshape: "hook_z",
            tensors: TensorMap())
    }
}

/// A ReLU autoencoder of two linear maps, the decoder's bias not subtracted.
private func linearAutoencoder(
    _ location: AutoencoderLocation, _ layout: any AutoencoderLayout,
    recipes: [String: TensorMap.Recipe], hook: String?, model: String?, contextSize: Int? = nil
) throws -> AutoencoderSpecification {
    let source = try openTensors(location.weights)
    guard case .transposed(let encoder)? = recipes["W_enc"] else {
        preconditionFailure("the encoder of a linear map is stored transposed")
    }
    let (latents, modelSize) = try matrixShape(of: encoder, in: source)
    return try AutoencoderSpecification(
        location, Standard(), modelSize: modelSize, latents: latents,
        hook: location.hook(or: hook, layout: layout),
        model: location.model(or: model, layout: layout), subtractingBias: false,
        contextSize: contextSize, dataset: "lmsys/lmsys-chat-1m",
        tensors: TensorMap(recipes: recipes, isLenient: location.facts.isPublished))
}
