import Basics
import Formats

/// `config.json` and `sae_weights.safetensors` as the library of OpenMOSS writes them today, with
/// the tensors `W_E`, `b_E`, `W_D` and `b_D`.
///
/// `f = act((s · x) · W_E + b_E)`, decoded as `(f · W_D + b_D) / s`. Under
/// `sparsity_include_decoder_norm`, the activation function decides on `p · ‖W_D‖`.
///
/// - Source: `SparseAutoEncoder` and `SparseDictionary` of OpenMOSS/Llamascopium, commits 5f11342
///   and 06ba1a9. Keys: `SAEConfig`, `MatryoshkaSAEConfig` and their earlier forms.
struct LlamascopiumLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "llamascopium"
    /// Both files.
    let files = ["sae_weights.safetensors", "config.json"]
    /// The encoder and the decoder.
    let marks = ["W_E", "W_D"]

    /// One, with the weights where the library looks for them first.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        openMOSSFiles(among: names, in: folder)
    }

    /// What is done with the keys of `config.json`.
    static let keys = OwnerKeys(
        computed: LlamaScopeSettings.functionKeys.union([
            "sae_type", "expansion_factor", "d_sae", "top_k", "jump_relu_threshold",
        ]),
        inert: LlamaScopeSettings.loadingKeys.union([
            // How products are computed.
            "use_triton_kernel", "sparsity_threshold_for_triton_spmm_kernel", "decode_with_csr",
            "sparsity_threshold_for_csr", "promote_act_fn_dtype",
            // Gradients and the loss; the decoder is saved as it is after training.
            "jumprelu_threshold_window", "jumprelu_threshold_grad_scale",
            "force_unit_decoder_norm", "matryoshka_widths", "matryoshka_loss_weights",
            "use_matryoshka_aux_loss",
        ]))
    /// Where its tensors are.
    private static let recipes: [String: TensorMap.Recipe] = [
        "W_enc": .stored("W_E"), "W_dec": .stored("W_D"), "b_enc": .stored("b_E"),
        "b_dec": .stored("b_D"),
    ]

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let settings = try LlamaScopeSettings(location, file: files[1], Self.keys)
        let function = try LlamascopiumFunction(
            settings, try openTensors(location.weights), recipes: Self.recipes,
            activation: settings.text("act_fn") ?? "relu", layout: self)
        var specification = try AutoencoderSpecification(
            location, function.architecture, modelSize: function.modelSize,
            latents: function.latents,
            hook: location.hook(or: settings.text("hook_point_in"), layout: self),
            model: location.sidecar?.text("model") ?? location.facts.modelName,
            subtractingBias: function.subtracts, normalization: function.normalization,
            tensors: TensorMap(recipes: function.recipes, ignored: function.ignored))
        specification.layoutNotes = settings.notes
        return specification
    }
}

/// `config.json` and `sae_weights.safetensors` of the library of OpenMOSS in 2025, with linear maps
/// of torch: Llama Scope's autoencoders for distilled R1.
///
/// A published autoencoder is computed as SAELens does, which takes every one for JumpReLU of
/// activations that were scaled; others as their configuration says, except that thresholds are
/// compared as in SAELens.
///
/// - Source: `llama_scope_r1_distill_sae_huggingface_loader` of SAELens 6.54.12; `BaseSAEConfig` of
///   OpenMOSS/Language-Model-SAEs.
struct LlamaScopeDistillLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "llama_scope_r1_distill"
    /// Both files.
    let files = ["sae_weights.safetensors", "config.json"]
    /// The encoder and the decoder.
    let marks = ["encoder.weight", "decoder.weight"]
    /// SAELens passes over settings of published files.
    let hasPublishedForm = true

    /// One, with the weights where the library looks for them first.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        openMOSSFiles(among: names, in: folder)
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        var settings = try LlamaScopeSettings(location, file: files[1], LlamascopiumLayout.keys)
        let source = try openTensors(location.weights)
        let isThresholded = LlamascopiumFunction.threshold(in: source) != nil
        let activation = settings.text("act_fn") ?? (isThresholded ? "jumprelu" : "relu")
        if location.facts.isPublished, activation.lowercased() != JumpReLU.name {
            try settings.refuse("act_fn", advice: "")
        }
        settings.noteDecoderNorms()
        let function = try LlamascopiumFunction(
            settings, source, recipes: linearRecipes,
            activation: location.facts.isPublished ? JumpReLU.name : activation, layout: self)
        return try settings.specification(
            layout: self, function.architecture, modelSize: function.modelSize,
            latents: function.latents, subtractingBias: function.subtracts,
            normalization: function.normalization, recipes: function.recipes,
            ignoring: function.ignored)
    }
}

/// The weights beside a `config.json` of OpenMOSS' library: as `save_pretrained` writes them, or else
/// the checkpoints of a training.
///
/// - Source: `SparseDictionary.from_local`, which looks in this order.
private func openMOSSFiles(among names: [String], in folder: String) -> [[String]] {
    guard names.contains("config.json") else { return [] }
    let weights = [
        "sae_weights.safetensors", "checkpoints/pruned.safetensors",
        "checkpoints/final.safetensors",
    ]
    return weights.first { fileExists("\(folder)/\($0)") }.map { [[$0, "config.json"]] } ?? []
}
