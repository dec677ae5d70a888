import Basics
import Formats

/// `hyperparams.json` and `checkpoints/final.safetensors` of Llama Scope.
///
/// - Source: `llama_scope_sae_huggingface_loader` of SAELens 6; He et al. 2024. Activations are
///   multiplied by `s = sqrt(d_model) / dataset_average_activation_norm.in`, the one threshold by
///   the same s.
struct LlamaScopeLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "llama_scope"
    /// Both files.
    let files = ["checkpoints/final.safetensors", "hyperparams.json"]

    /// Translates an autoencoder.
    func translate(_ place: AutoencoderPlace) throws -> AutoencoderTranslation {
        let settings = try LlamaScopeSettings(file: place.path(files[1]))
        let modelSize = try settings.size("d_model")
        let latents = try settings.size("d_sae")
        guard settings["act_fn"]?.text ?? "jumprelu" == "jumprelu" else {
            throw AutoencoderError(
                .unsupported,
                "\(settings.path): `act_fn` is \(settings["act_fn"]?.text() ?? ""), "
                    + "which is not computed",
                advice: "an autoencoder of `jumprelu`")
        }
        guard let threshold = settings["jump_relu_threshold"]?.double, threshold >= 0 else {
            throw settings.wrong("jump_relu_threshold", "a number, 0 or more")
        }
        guard let trained = settings.activationScale(modelSize) else {
            throw settings.wrong("dataset_average_activation_norm.in", "a number above 0")
        }
        let scaled = Float(threshold * trained)
        guard scaled.isFinite else { throw settings.wrong("jump_relu_threshold", "a small number") }
        let recipes = linearRecipes.merging([
            "threshold": .repeated(scaled, count: latents)
        ]) { $1 }
        return AutoencoderTranslation(
            configuration: try llamaScopeConfiguration(
                place, settings, modelSize: modelSize, latents: latents, layout: self),
            tensors: { TranslatedTensors(try openTensors(place.weights), recipes) })
    }
}

/// `config.json` and `sae_weights.safetensors` of Llama Scope's autoencoders for distilled R1.
///
/// - Source: `llama_scope_r1_distill_sae_huggingface_loader` of SAELens 6.
struct LlamaScopeDistillLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "llama_scope_r1_distill"
    /// Both files.
    let files = ["sae_weights.safetensors", "config.json"]

    /// Translates an autoencoder.
    func translate(_ place: AutoencoderPlace) throws -> AutoencoderTranslation {
        let settings = try LlamaScopeSettings(file: place.path(files[1]))
        let modelSize = try settings.size("d_model")
        let (latents, overflow) = modelSize.multipliedReportingOverflow(
            by: try settings.size("expansion_factor"))
        guard !overflow else { throw settings.wrong("expansion_factor", "a small number") }
        let recipes = linearRecipes.merging(["log_threshold": .stored("log_jumprelu_threshold")]) {
            $1
        }
        return AutoencoderTranslation(
            configuration: try llamaScopeConfiguration(
                place, settings, modelSize: modelSize, latents: latents, layout: self),
            tensors: { TranslatedTensors(try openTensors(place.weights), recipes) })
    }
}

/// Where linear maps of torch keep the tensors of an autoencoder.
let linearRecipes: [String: TranslatedTensors.Recipe] = [
    "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
    "b_enc": .stored("encoder.bias"), "b_dec": .stored("decoder.bias"),
]

/// The configuration of both layouts.
private func llamaScopeConfiguration(
    _ place: AutoencoderPlace, _ settings: LlamaScopeSettings, modelSize: Int, latents: Int,
    layout: any AutoencoderLayout
) throws -> AutoencoderConfiguration {
    guard
        let scale = try place.stated?.double("norm_scaling_factor")
            ?? place.facts.normScalingFactor ?? settings.activationScale(modelSize)
    else {
        throw place.missing(
            "does not say what its activations were multiplied by",
            "`norm_scaling_factor:`, the square root of \(modelSize) over their mean norm,", layout)
    }
    return try saeLensConfiguration(
        place, architecture: JumpReLU.name, modelSize: modelSize, latents: latents,
        hook: place.hook(or: settings["hook_point_in"]?.text, layout: layout),
        model: place.model(or: "meta-llama/Llama-3.1-8B", layout: layout), subtracting: false,
        contextSize: 1024, dataset: "cerebras/SlimPajama-627B",
        more: [
            JSONMember(key: "normalize_activations", value: .string("expected_average_only_in")),
            JSONMember(key: "norm_scaling_factor", value: .number(scale)),
        ])
}

/// The entries of a configuration of Llama Scope.
private struct LlamaScopeSettings {
    /// The file, for messages.
    let path: String
    /// Its content.
    private let json: JSON

    /// Reads a file.
    init(file path: String) throws { (self.path, json) = (path, try JSON(file: path)) }

    /// An entry.
    subscript(key: String) -> JSON? { json[key] }

    /// A length that must be there.
    func size(_ key: String) throws -> Int {
        guard let size = json[key]?.integer, size > 0 else {
            throw wrong(key, "an integer above 0")
        }
        return size
    }

    /// What activations were multiplied by in training; nil when the file does not say.
    func activationScale(_ modelSize: Int) -> Double? {
        guard let norm = json["dataset_average_activation_norm"]?["in"]?.double, norm > 0 else {
            return nil
        }
        return Double(modelSize).squareRoot() / norm
    }

    /// The error for an entry that is missing or of another kind.
    func wrong(_ key: String, _ kind: String) -> AutoencoderError {
        AutoencoderError(
            .malformed, "\(path): `\(key)` is missing or not \(kind)",
            advice: "put back the file that training wrote")
    }
}
