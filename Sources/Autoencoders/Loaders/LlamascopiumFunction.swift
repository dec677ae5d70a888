import Basics
import Formats
import Tensors

/// What an autoencoder of OpenMOSS' library computes, under the names of SAELens.
struct LlamascopiumFunction {
    /// The architecture of SAELens that computes the same.
    let architecture: any Architecture
    /// Length of the activations.
    let modelSize: Int
    /// Number of latents.
    let latents: Int
    /// Whether the decoder's bias is subtracted from the scaled activations.
    let subtracts: Bool
    /// What training did to activations.
    let normalization: TrainedNormalization
    /// Where its tensors are.
    let recipes: [String: TensorMap.Recipe]
    /// Tensors of the file to ignore.
    let ignored: [String]

    /// The names of average norms begin like this and end with a hook.
    private static let normPrefix = "dataset_average_activation_norm."

    /// The tensor of logarithms of thresholds; nil when there is none.
    static func threshold(in source: any TensorSource) -> String? {
        ["activation_function.log_jumprelu_threshold", "log_jumprelu_threshold"]
            .first(where: source.contains)
    }

    /// Reads the settings that say what is computed.
    ///
    /// - Parameters:
    ///   - recipes: where matrices and biases are.
    ///   - activation: the activation function.
    init(
        _ settings: LlamaScopeSettings, _ source: any TensorSource,
        recipes: [String: TensorMap.Recipe], activation: String,
        layout: any AutoencoderLayout
    ) throws {
        var recipes = recipes
        modelSize = try settings.size("d_model")
        latents = try Self.latents(settings, modelSize)
        let isPublished = settings.location.facts.isPublished
        try Self.checkKind(settings)
        let includesNorms = settings.truth("sparsity_include_decoder_norm") ?? true
        switch activation.lowercased() {
        case "relu": architecture = Standard()
        case "topk":
            architecture = TopK(k: try settings.size("top_k"), isRescaled: includesNorms)
        case "jumprelu":
            architecture = JumpReLU(
                thresholdIncludesNorms: includesNorms && layout is LlamascopiumLayout)
            if let name = Self.threshold(in: source) {
                recipes["log_threshold"] = .stored(name)
            } else if let value = settings.json["jump_relu_threshold"]?.double, !isPublished {
                guard Float(value).isFinite else {
                    throw settings.wrong("jump_relu_threshold", "a small number")
                }
                recipes["threshold"] = .repeated(Float(value), count: latents)
            } else {
                recipes["log_threshold"] = .stored("activation_function.log_jumprelu_threshold")
            }
        default:
            throw AutoencoderError(
                .unsupported,
                "\(settings.path): `act_fn` is `\(activation)`, which is not computed"
                    + (activation.lowercased() == "batchtopk"
                        ? ": the latents of a token would depend on its batch" : ""),
                advice: "an autoencoder of `relu`, `jumprelu` or `topk`")
        }
        normalization = try Self.normalization(settings, source, modelSize, layout)
        let hasBias = settings.truth("use_decoder_bias") ?? true
        if !hasBias { recipes["b_dec"] = .repeated(0, count: modelSize) }
        subtracts =
            hasBias && !isPublished && settings.truth("apply_decoder_bias_to_pre_encoder") == true
        self.recipes = recipes
        ignored = source.tensorNames.filter { $0.hasPrefix(Self.normPrefix) }
    }

    /// The number of latents: `d_model` times a factor that need not be an integer.
    private static func latents(_ settings: LlamaScopeSettings, _ modelSize: Int) throws -> Int {
        if settings.json["d_sae"] != nil { return try settings.size("d_sae") }
        guard let factor = settings.json["expansion_factor"]?.double, factor > 0 else {
            throw settings.wrong("expansion_factor", "a number above 0")
        }
        let product = Double(modelSize) * factor
        guard product < 0x1p31, abs(product - product.rounded()) <= 1e-6 else {
            throw settings.wrong("expansion_factor", "a number that gives an integer of latents")
        }
        return Int(product.rounded())
    }

    /// Refuses kinds of dictionaries that read or write several hooks.
    private static func checkKind(_ settings: LlamaScopeSettings) throws {
        guard let kind = settings.json["sae_type"], !settings.location.facts.isPublished,
            !["sae", "matryoshka_sae"].contains(kind.text)
        else { return }
        throw AutoencoderError(
            .unsupported, "\(settings.path): `sae_type` is \(kind.text()), which is not computed",
            advice: "an autoencoder of one hook, `sae` or `matryoshka_sae`")
    }

    /// What training did to activations, by the normalisation's name.
    private static func normalization(
        _ settings: LlamaScopeSettings, _ source: any TensorSource, _ modelSize: Int,
        _ layout: any AutoencoderLayout
    ) throws -> TrainedNormalization {
        let location = settings.location
        // SAELens takes every published file for one of scaled activations.
        let mode = location.facts.isPublished ? nil : settings.normalization
        switch mode {
        case "inference", "none": return .none
        case "token-wise": return .eachRow(.constantNormRescale)
        case nil, "dataset-wise":
            guard
                let scale = try location.sidecar?.double("norm_scaling_factor")
                    ?? location.facts.normScalingFactor
                    ?? storedScale(settings, source, modelSize)
                    ?? settings.averageNormScale(modelSize)
            else {
                throw location.missing(
                    "does not say what its activations were multiplied by",
                    "`norm_scaling_factor:`, the square root of \(modelSize) over their mean norm,",
                    layout)
            }
            return try TrainedNormalization(scaledBy: scale, path: location.path)
        default:
            throw AutoencoderError(
                .unsupported,
                "\(settings.path): `norm_activation` is `\(mode ?? "")`, which is not computed"
                    + (mode == "batch-wise"
                        ? ": the latents of a token would depend on its batch" : ""),
                advice: "an autoencoder of `dataset-wise`, `token-wise` or `inference`")
        }
    }

    /// `sqrt(d_model)` over the average norm that the file holds for the hook; nil when it holds
    /// none.
    private static func storedScale(
        _ settings: LlamaScopeSettings, _ source: any TensorSource, _ modelSize: Int
    ) throws -> Double? {
        let name = normPrefix + (settings.text("hook_point_in") ?? "in")
        guard source.contains(name) else { return nil }
        let tensor = try source.tensor(name)
        guard tensor.count == 1, tensor.value(at: 0) > 0, tensor.value(at: 0).isFinite else {
            let held = tensor.count == 1 ? "holds \(tensor.value(at: 0))" : "has \(tensor.shape)"
            throw AutoencoderError(
                .malformed,
                "\(source.path): tensor `\(name)` \(held), expected one number above 0",
                advice:
                    "`norm_scaling_factor:` in \(settings.location.path(SidecarMetadata.file)), the "
                    + "square root of \(modelSize) over the mean norm of the activations")
        }
        return Double(modelSize).squareRoot() / Double(tensor.value(at: 0))
    }
}
