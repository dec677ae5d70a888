import Basics
import Kernels
import Tensors

/// What the configs of Llama and its relatives say: sizes, and where one stands apart from another.
struct GatedSettings: Sendable {
    /// `model_type` of the config.
    let architecture: String
    /// Number of blocks.
    let layers: Int
    /// Width of the residual stream.
    let modelSize: Int
    /// Width inside the MLP.
    let innerSize: Int
    /// Number of tokens in the table.
    let vocabulary: Int
    /// Longest row in positions.
    let contextSize: Int
    /// Sizes of attention.
    var attention: AttentionSizes
    /// The function inside the MLP.
    let activation: ActivationFunction
    /// Added to mean squares before the root.
    let epsilon: Float
    /// Whether the unembedding is the embedding table.
    let isTied: Bool
    /// Rotary embedding of blocks without a window, and of the others where they have none of their
    /// own.
    let rotary: RotarySettings
    /// Rotary embedding of blocks with a window; nil where it is that of all blocks.
    var slidingRotary: RotarySettings?
    /// For each block the positions that a position sees, itself included; nil for all.
    var windows: [Int?]
    /// The maps that have biases.
    var biases: Biases = []
    /// Added to the weights of norms.
    var normOffset: Float = 0
    /// Whether what attention and MLP give is normed before it is added.
    var hasPostNorms = false
    /// Whether the heads of queries and keys are normed.
    var hasHeadNorms = false
    /// Factor on token embeddings.
    var embeddingScale: EmbeddingScale = .one
    /// Soft cap on the logits; nil for none.
    var logitCap: Float?
    /// What stands before the names of tensors in the files of the hub.
    var prefixes = ["model."]

    /// Maps that may have biases.
    struct Biases: OptionSet, Sendable {
        /// The bits.
        let rawValue: Int
        /// Queries, keys and values.
        static let queryKeyValue = Biases(rawValue: 1)
        /// The output of attention.
        static let attentionOutput = Biases(rawValue: 2)
        /// All maps of the MLP.
        static let mlp = Biases(rawValue: 4)
        /// All maps of attention.
        static let attention: Biases = [.queryKeyValue, .attentionOutput]
    }

    /// Factors on token embeddings.
    enum EmbeddingScale: Sendable {
        /// None.
        case one
        /// The square root of the model size.
        case root
        /// The same, rounded to the type in which the table is stored.
        case rootAsStored

        /// The factor for a table.
        func factor(
            modelSize: Int, storedAs type: ElementType, on backend: any KernelBackend
        ) throws -> Float {
            let root = Float(modelSize).squareRoot()
            switch self {
            case .one: return 1
            case .root: return root
            case .rootAsStored:
                return try backend.convert(Tensor([root], shape: [1]), to: type).value(at: 0)
            }
        }
    }

    /// Reads what all relatives share; the rest is set by each.
    ///
    /// - Parameters:
    ///   - base: the base of rotary frequencies where the config has none.
    ///   - layerType: the kind of layer whose rotary embedding is read where kinds differ.
    ///   - activation: the function inside the MLP where it does not stand under `hidden_act`.
    init(
        _ architecture: String, _ config: ModelConfig, base: Double = 10_000,
        layerType: RotarySettings.LayerType? = nil, activation: ActivationName? = nil
    ) throws(LanguageModelError) {
        self.architecture = architecture
        layers = try config.size("num_hidden_layers", atMost: ModelConfig.mostLayers)
        modelSize = try config.size("hidden_size")
        innerSize = try config.size("intermediate_size")
        vocabulary = try config.size("vocab_size")
        contextSize = try config.size("max_position_embeddings")
        let heads = try config.size("num_attention_heads")
        let headSize = try config.headSize(modelSize: modelSize, heads: heads, key: "head_dim")
        attention = AttentionSizes(
            heads: heads, keyHeads: try config.keyHeads(of: heads), headSize: headSize,
            scale: 1 / Float(headSize).squareRoot())
        rotary = try RotarySettings(config, headSize: headSize, base: base, layerType: layerType)
        guard rotary.fraction == 1 else {
            throw config.unsupported(
                "partial_rotary_factor", .number(rotary.fraction), allowed: "1")
        }
        let named = try config.activation("hidden_act", default: .silu)
        self.activation = (activation ?? named).function
        epsilon = Float(try config.positive("rms_norm_eps", default: 1e-6))
        isTied = try config.truth("tie_word_embeddings", default: false)
        windows = [Int?](repeating: nil, count: layers)
    }

    /// Sizes and names.
    var description: ModelDescription {
        var perBlock = attention.matrixParameters(modelSize: modelSize) + 3 * modelSize * innerSize
        perBlock += (hasPostNorms ? 4 : 2) * modelSize
        if hasHeadNorms { perBlock += 2 * attention.headSize }
        if biases.contains(.queryKeyValue) { perBlock += attention.biasParameters }
        if biases.contains(.attentionOutput) { perBlock += modelSize }
        if biases.contains(.mlp) { perBlock += 2 * innerSize + modelSize }
        return ModelDescription(
            architecture: architecture, layers: layers, modelSize: modelSize,
            vocabulary: vocabulary, heads: attention.heads, headSize: attention.headSize,
            contextSize: contextSize, blockParameters: perBlock,
            embeddingParameters: vocabulary * modelSize * (isTied ? 1 : 2))
    }
}

// MARK: - Windows

extension ModelConfig {
    /// The window of each block: `layer_types` says which slide, without it a rule.
    ///
    /// - Parameters:
    ///   - width: the width of all windows; nil for a model that has none.
    ///   - rule: whether a block slides where `layer_types` is absent.
    /// - Throws: ``LanguageModelError`` when a block slides and there is no width, or
    ///   `layer_types` does not name one of two known kinds for each block.
    func windows(
        layers: Int, width: Int?, rule: (Int) -> Bool
    ) throws(LanguageModelError) -> [Int?] {
        let listed = try layerTypes(layers)
        let slides = listed ?? (0..<layers).map(rule)
        guard width != nil || !slides.contains(true) else {
            throw listed == nil
                ? bad("sliding_window", .null, allowed: "a number, which sliding blocks need")
                : bad(
                    "layer_types", self["layer_types"] ?? .null,
                    allowed: "`full_attention` throughout, since the model has no window")
        }
        return slides.map { $0 ? width : nil }
    }

    /// Whether each block slides after `layer_types`; nil where it is absent.
    private func layerTypes(_ layers: Int) throws(LanguageModelError) -> [Bool]? {
        guard let value = self["layer_types"] else { return nil }
        let known = RotarySettings.LayerType.allCases.map(\.rawValue)
        let types = value.elements?.compactMap(\.text).filter(known.contains) ?? []
        guard types.count == layers, value.elements?.count == layers else {
            throw bad(
                "layer_types", value,
                allowed: "\(layers) times one of \(known.joined(separator: ", "))")
        }
        return types.map { $0 == RotarySettings.LayerType.sliding.rawValue }
    }

    /// A soft cap: null or absent means none.
    func cap(_ key: String) throws(LanguageModelError) -> Float? {
        try positive(ifPresent: key).map { Float($0) }
    }
}
