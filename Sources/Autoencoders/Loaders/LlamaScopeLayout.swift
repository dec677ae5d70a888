import Basics
import Formats

/// `hyperparams.json` and `checkpoints/final.safetensors` of Llama Scope.
///
/// - Source: `llama_scope_sae_huggingface_loader` of SAELens 6.54.12; He et al. 2024. Activations
///   are multiplied by `s = sqrt(d_model) / dataset_average_activation_norm.in`, the one threshold
///   by the same s. Keys: `SAEConfig` of OpenMOSS/Language-Model-SAEs up to October 2024.
struct LlamaScopeLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "llama_scope"
    /// Both files.
    let files = ["checkpoints/final.safetensors", "hyperparams.json"]
    /// The encoder and the decoder.
    let marks = ["encoder.weight", "decoder.weight"]
    /// SAELens passes over settings of published files.
    let hasPublishedForm = true

    /// What is done with the keys of `hyperparams.json`.
    static let keys = OwnerKeys(
        computed: LlamaScopeSettings.functionKeys.union([
            "d_sae", "jump_relu_threshold", "dataset_average_activation_norm",
        ]),
        inert: LlamaScopeSettings.loadingKeys.union([
            "expansion_factor", "top_k", "seed", "tp_size", "ddp_size", "use_ddp",
            "sae_from_pretrained_path",
            // Names.
            "run_name", "exp_name", "exp_series", "exp_result_dir", "exp_result_path",
            // How training began.
            "bias_init_method", "decoder_bias_init_method", "init_decoder_norm",
            "init_encoder_norm", "init_encoder_with_decoder_transpose", "initial_k",
            // How the decoder was held while it was trained; its norms are those of the file.
            "decoder_exactly_fixed_norm", "decoder_exactly_unit_norm",
            "remove_gradient_parallel_to_decoder_directions",
            // The loss.
            "lp", "l1_coefficient", "l1_coefficient_warmup_steps", "k_warmup_steps",
            "k_range", "k_cold_booting_steps", "use_batch_norm_mse", "use_ghost_grads",
        ]))

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        var settings = try LlamaScopeSettings(location, file: files[1], Self.keys)
        let modelSize = try settings.size("d_model")
        let latents = try settings.size("d_sae")
        let activation = settings.text("act_fn") ?? "jumprelu"
        if activation != "jumprelu" { try settings.refuse("act_fn", advice: "one of `jumprelu`") }
        if settings.normalization ?? "dataset-wise" != "dataset-wise" {
            try settings.refuse("norm_activation", advice: "one of `dataset-wise`")
        }
        if settings.truth("apply_decoder_bias_to_pre_encoder") == true {
            try settings.refuse("apply_decoder_bias_to_pre_encoder", advice: "one without it")
        }
        guard let threshold = settings.json["jump_relu_threshold"]?.double, threshold >= 0 else {
            throw settings.wrong("jump_relu_threshold", "a number, 0 or more")
        }
        guard let trained = try settings.averageNormScale(modelSize) else {
            throw settings.wrong("dataset_average_activation_norm.in", "a number above 0")
        }
        let scaled = Float(threshold * trained)
        guard scaled.isFinite else { throw settings.wrong("jump_relu_threshold", "a small number") }
        settings.noteDecoderNorms()
        var recipes = linearRecipes
        recipes["threshold"] = .repeated(scaled, count: latents)
        if settings.truth("use_decoder_bias") == false {
            recipes["b_dec"] = .repeated(0, count: modelSize)
        }
        let scale =
            try location.sidecar?.double("norm_scaling_factor") ?? location.facts.normScalingFactor
            ?? trained
        return try settings.specification(
            layout: self, JumpReLU(), modelSize: modelSize, latents: latents,
            normalization: TrainedNormalization(scaledBy: scale, path: location.path),
            recipes: recipes)
    }
}

/// Where linear maps of torch keep the tensors of an autoencoder.
let linearRecipes: [String: TensorMap.Recipe] = [
    "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
    "b_enc": .stored("encoder.bias"), "b_dec": .stored("decoder.bias"),
]
