import Basics
import Tensors

/// What one SAE is: its sizes, what it computes, and the activations that it was trained on.
///
/// A layout makes it of an SAE's files, once; listings, plans, loading and results all read it.
public struct AutoencoderSpecification: Sendable, Codable {
    /// The architecture as results call it.
    public var architecture: String
    /// Length of the activations it takes.
    public var modelSize: Int
    /// Number of latents.
    public var latents: Int
    /// The hook whose activations it takes, such as `blocks.12.hook_resid_post`.
    public var hookName: String
    /// The hook that it reconstructs, where that is another one, as for transcoders.
    public var outputHookName: String?
    /// The model it was trained on, as its file calls it.
    public var modelName: String?
    /// Tokens of a text it was trained on.
    public var contextSize: Int?
    /// Whether its texts began with the beginning-of-sequence token.
    public var prependsBeginning: Bool
    /// Latents kept for each token on average when training tracked the threshold of batch top-k
    /// that the file stands for; nil for all others.
    public var trackedK: Int?
    /// The configuration as SAE Bench writes it into `sae_cfg_dict`, for `float32` on the CPU.
    @CodedAsText public var configuration: JSON
    /// What it computes; nil for a program's own type and for what is not on disk.
    var function: AutoencoderFunction?
    /// What readers of the results should know of how its layout is read, one sentence each.
    var layoutNotes: [String] = []

    /// Describes an SAE whose function is not read from files.
    public init(
        architecture: String, modelSize: Int, latents: Int, hookName: String,
        outputHookName: String? = nil, modelName: String? = nil, contextSize: Int? = nil,
        prependsBeginning: Bool = true, trackedK: Int? = nil, configuration: JSON
    ) {
        (self.architecture, self.modelSize, self.latents) = (architecture, modelSize, latents)
        (self.hookName, self.outputHookName) = (hookName, outputHookName)
        (self.modelName, self.contextSize) = (modelName, contextSize)
        (self.prependsBeginning, self.trackedK) = (prependsBeginning, trackedK)
        _configuration = CodedAsText(wrappedValue: configuration)
    }

    /// Takes what an SAE computes and what its file says besides.
    ///
    /// - Parameters:
    ///   - metadata: what SAELens keeps in `metadata`; names, context and BOS come from there.
    ///   - reshape: `reshape_activations`, which says whether heads lie side by side.
    init(
        _ function: AutoencoderFunction, hook: String, outputHook: String?,
        metadata: SAELensSettings, reshape: String
    ) {
        self.init(
            architecture: type(of: function.architecture).name, modelSize: function.modelSize,
            latents: function.latents, hookName: hook, outputHookName: outputHook,
            modelName: metadata.metadata("model_name")?.text,
            contextSize: metadata.metadata("context_size")?.integer,
            prependsBeginning: metadata.metadata("prepend_bos")?.truth ?? true,
            configuration: saeBenchConfiguration(
                of: function, metadata: metadata, reshape: reshape))
        self.function = function
    }

    // MARK: - Rounding

    /// The 16-bit type that weights are rounded to before they are widened to `float32`; nil when
    /// they are read as they are stored.
    ///
    /// - Source: `SAE.load_from_disk` of SAELens 6.54.12 casts all weights to the `dtype` of
    ///   `cfg.json`, and SAE Bench 0.6.0 then casts them to the model's type. What is published is
    ///   loaded by `SAE.from_pretrained`, as `float32`.
    public var roundingType: ElementType? { function?.tensors.roundingType }

    /// Reads it as `SAE.from_pretrained` of SAELens does: the weights are not rounded to the
    /// `dtype` of its configuration.
    mutating func readAsPublished() { function?.tensors.roundingType = nil }

    /// What a reader of the results should know of how its files are read, one sentence each.
    var readingNotes: [String] {
        guard let roundingType else { return layoutNotes }
        return layoutNotes + [
            "The weights are rounded to \(roundingType.rawValue), the `dtype` of its configuration, "
                + "as `SAE.load_from_disk` of SAELens rounds them."
        ]
    }

    // MARK: - Results

    /// The configuration for results computed in another type or on another device.
    ///
    /// Classes of SAE Bench's own leave the device empty.
    public func configuration(type: String, device: String = "cpu") -> JSON {
        let typed = configuration.setting("dtype", to: .string(type))
        return typed["device"]?.text == "" ? typed : typed.setting("device", to: .string(device))
    }
}

/// What an SAE computes, with its numbers, and where its tensors are in its weight file.
struct AutoencoderFunction: Sendable, Codable {
    /// The architecture and the numbers of its own.
    @CodedByName var architecture: any Architecture
    /// Length of the activations it takes.
    let modelSize: Int
    /// Number of latents.
    let latents: Int
    /// Length of what the decoder reconstructs.
    let outputSize: Int
    /// Whether `b_dec` is subtracted from the input.
    var subtractsDecoderBias: Bool
    /// What is done to the activations first.
    var normalization: TrainedNormalization
    /// Whether the decoder has factors on the latents from finetuning.
    var isFinetuned = false
    /// Whether decoder norms are folded when that is asked for.
    ///
    /// The custom classes of SAE Bench do so for ReLU alone and refuse the others unless norms are
    /// 1.
    var foldsDecoderNorms = true
    /// Where its tensors are.
    var tensors: TensorMap

    /// The largest number of latents; indices are 32 bits wide.
    private static let mostLatents = Int(Int32.max)
    /// The longest activation that is accepted.
    private static let longestActivation = 1 << 20

    /// Takes what a file says and checks it.
    ///
    /// - Parameters:
    ///   - outputSize: nil for the length of the activations.
    ///   - path: the file, for messages.
    /// - Throws: ``AutoencoderError`` for lengths and numbers that no SAE has.
    init(
        _ architecture: any Architecture, modelSize: Int, latents: Int, outputSize: Int? = nil,
        subtractingBias: Bool, normalization: TrainedNormalization = .none,
        tensors: TensorMap, path: String
    ) throws(AutoencoderError) {
        let outputSize = outputSize ?? modelSize
        for (key, size, limit) in [
            ("d_in", modelSize, Self.longestActivation), ("d_sae", latents, Self.mostLatents),
            ("d_out", outputSize, Self.longestActivation),
        ] where size < 1 || size > limit {
            throw AutoencoderError(
                .malformed, "\(path): `\(key)` is \(size), expected 1 to \(limit)",
                advice: "correct `\(key)` in the file")
        }
        try (architecture as? any LinearArchitecture)?.check(latents: latents, path: path)
        _architecture = CodedByName(wrappedValue: architecture)
        (self.modelSize, self.latents, self.outputSize) = (modelSize, latents, outputSize)
        (subtractsDecoderBias, self.normalization) = (subtractingBias, normalization)
        self.tensors = tensors
    }
}
