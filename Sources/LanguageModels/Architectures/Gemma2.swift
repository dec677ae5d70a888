import Basics
import Kernels
import Tensors

/// Gemma 2.
///
/// `mid = x + norm₂(attention(norm₁(x)))`, `out = mid + norm₄(down(gelu(gate(h)) · up(h)))` with
/// `h = norm₃(mid)`. The norms before the sums belong to attention and MLP, so `hook_attn_out` and
/// `hook_mlp_out` come after them.
///
/// Root-mean-square norms that multiply by one plus the stored weight, soft caps on scores and
/// logits, a sliding window in every other block from the first on.
///
/// The embedding is multiplied by the square root of the model size, rounded to the type in which
/// the table is stored, as transformers does when it runs in that type.
///
/// - Source: Gemma Team 2024; `Gemma2ForCausalLM` of transformers.
struct Gemma2: TransformerArchitecture {
    /// Sizes and names.
    let description: ModelDescription
    /// What the config says.
    private let settings: Settings
    /// The arithmetic.
    private let backend: any KernelBackend
    /// Tables of the rotary embedding.
    private let rotary: RotaryPositions
    /// `[vocabulary, model]`, mapped.
    private let embedding: Tensor
    /// Factor on token embeddings.
    private let embeddingScale: Float
    /// Weights of the blocks, in order.
    private let blocks: [Block]
    /// Norm before the unembedding.
    private let finalNorm: Tensor
    /// From the normed residual stream to logits.
    private let unembedding: LinearWeights

    /// Maps the weights of a folder.
    init(_ config: ModelConfig, folder: String, backend: any KernelBackend) throws {
        let settings = try Settings(config)
        let weights = try ModelWeights(folder: folder, prefix: "model.")
        (self.settings, self.backend, description) = (settings, backend, settings.description)
        rotary = RotaryPositions(settings.rotary)
        let size = settings.modelSize
        embedding = try weights.matrix("embed_tokens.weight", shape: [settings.vocabulary, size])
        let scale = Tensor([Float(size).squareRoot()], shape: [1])
        embeddingScale = try backend.convert(scale, to: embedding.type).value(at: 0)
        blocks = try (0..<settings.layers).map { try Block(weights, layer: $0, settings) }
        finalNorm = try weights.vector("norm.weight", count: size)
        unembedding = try weights.unembedding("lm_head", tiedTo: embedding, isTied: settings.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        try backend.embedding(tokens, table: embedding, scale: embeddingScale)
    }

    /// Runs one block.
    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor? {
        let block = blocks[layer]
        guard let attention = try hooks.visit(.attnOut, attend(x, block, hooks)) else { return nil }
        try backend.add(attention, x)
        guard let middle = try hooks.visit(.residMid, attention) else { return nil }
        guard let mlp = try hooks.visit(.mlpOut, feedForward(middle, block)) else { return nil }
        try backend.add(mlp, middle)
        return mlp
    }

    /// Final norm and unembedding.
    func unembed(_ x: Tensor) throws -> Tensor {
        let logits = try backend.linear(normed(x, finalNorm), unembedding)
        if let cap = settings.logitCap { try backend.softCap(logits, cap: cap) }
        return logits
    }

    /// Norm and attention.
    private func attend(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor {
        let output = try backend.attend(
            normed(x, block.attentionNorm), block.attention,
            settings.attention.shape(hooks, window: block.window),
            rotary.table(positions: hooks.positions))
        return try normed(output, block.attentionPostNorm)
    }

    /// Norm and MLP.
    private func feedForward(_ x: Tensor, _ block: Block) throws -> Tensor {
        let input = try normed(x, block.mlpNorm)
        let gate = try backend.linear(input, block.gate)
        try backend.gate(gate, up: backend.linear(input, block.up), settings.activation)
        return try normed(backend.linear(gate, block.down), block.mlpPostNorm)
    }

    /// The norm of this architecture.
    private func normed(_ x: Tensor, _ weight: Tensor) throws -> Tensor {
        try backend.rmsNorm(x, weight: weight, offset: 1, epsilon: settings.epsilon)
    }
}

// MARK: - Weights of a block

extension Gemma2 {
    /// The weights of one block.
    private struct Block {
        /// Norm before attention.
        let attentionNorm: Tensor
        /// Norm after attention.
        let attentionPostNorm: Tensor
        /// Norm before the MLP.
        let mlpNorm: Tensor
        /// Norm after the MLP.
        let mlpPostNorm: Tensor
        /// The maps of attention.
        let attention: GroupedAttention
        /// Into the MLP, before the activation function.
        let gate: LinearWeights
        /// Into the MLP.
        let up: LinearWeights
        /// Out of the MLP.
        let down: LinearWeights
        /// Positions that a position sees, itself included; nil for all.
        let window: Int?

        /// Maps and checks the weights of one block.
        init(_ weights: ModelWeights, layer: Int, _ settings: Settings) throws(LanguageModelError) {
            let size = settings.modelSize
            let inner = settings.innerSize
            let name = "layers.\(layer)"
            attentionNorm = try weights.vector("\(name).input_layernorm.weight", count: size)
            attentionPostNorm = try weights.vector(
                "\(name).post_attention_layernorm.weight", count: size)
            mlpNorm = try weights.vector("\(name).pre_feedforward_layernorm.weight", count: size)
            mlpPostNorm = try weights.vector(
                "\(name).post_feedforward_layernorm.weight", count: size)
            attention = try weights.groupedAttention(
                "\(name).self_attn", modelSize: size, settings.attention,
                hasBias: settings.hasAttentionBias)
            gate = try weights.linear(
                "\(name).mlp.gate_proj", inputs: size, outputs: inner, hasBias: false)
            up = try weights.linear(
                "\(name).mlp.up_proj", inputs: size, outputs: inner, hasBias: false)
            down = try weights.linear(
                "\(name).mlp.down_proj", inputs: inner, outputs: size, hasBias: false)
            window = settings.isSliding[layer] ? settings.window : nil
        }
    }
}

// MARK: - Settings

extension Gemma2 {
    /// What `config.json` says.
    struct Settings: Sendable {
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
        let attention: AttentionSizes
        /// Base and extent of the rotary embedding.
        let rotary: RotarySettings
        /// The function inside the MLP.
        let activation: ActivationFunction
        /// Added to variances before the root.
        let epsilon: Float
        /// Whether the unembedding is the embedding table.
        let isTied: Bool
        /// Whether the maps of attention have biases.
        let hasAttentionBias: Bool
        /// Soft cap on the logits; nil for none.
        let logitCap: Float?
        /// Width of the sliding window; nil for none.
        let window: Int?
        /// For each block, whether its attention slides.
        let isSliding: [Bool]

        /// Reads and checks all keys that change a number.
        init(_ config: ModelConfig) throws(LanguageModelError) {
            try config.refuseUnsupported(switches: ["use_bidirectional_attention"])
            layers = try config.size("num_hidden_layers", atMost: ModelConfig.mostLayers)
            modelSize = try config.size("hidden_size")
            innerSize = try config.size("intermediate_size")
            vocabulary = try config.size("vocab_size")
            contextSize = try config.size("max_position_embeddings")
            let heads = try config.size("num_attention_heads")
            let scalar = try config.positive("query_pre_attn_scalar", default: 256)
            attention = AttentionSizes(
                heads: heads, keyHeads: try config.keyHeads(of: heads),
                headSize: try config.size(ifPresent: "head_dim") ?? 256,
                scale: 1 / Float(scalar).squareRoot(),
                softCap: try config.cap("attn_logit_softcapping", default: 50))
            rotary = try RotarySettings(
                config, headSize: attention.headSize, base: 10_000, fraction: 1)
            guard rotary.fraction == 1 else {
                throw config.unsupported(
                    "partial_rotary_factor", .number(rotary.fraction), allowed: "1")
            }
            activation = try config.activation("hidden_activation", default: .geluTanh).function
            epsilon = Float(try config.positive("rms_norm_eps", default: 1e-6))
            isTied = try config.truth("tie_word_embeddings", default: true)
            hasAttentionBias = try config.truth("attention_bias", default: false)
            logitCap = try config.cap("final_logit_softcapping", default: 30)
            window =
                config.json["sliding_window"] == nil
                ? 4096 : try config.size(ifPresent: "sliding_window")
            isSliding = try config.slidingLayers(layers)
        }

        /// Sizes and names.
        var description: ModelDescription {
            ModelDescription(
                architecture: "gemma2", layers: layers, modelSize: modelSize,
                vocabulary: vocabulary,
                heads: attention.heads, contextSize: contextSize,
                blockParameters: attention.matrixParameters(modelSize: modelSize)
                    + 3 * modelSize * innerSize + 4 * modelSize
                    + (hasAttentionBias ? attention.biasParameters + modelSize : 0),
                embeddingParameters: vocabulary * modelSize * (isTied ? 1 : 2))
        }
    }
}

extension ModelConfig {
    /// A soft cap: absent means the default, null means none.
    fileprivate func cap(_ key: String, default fallback: Double) throws(LanguageModelError)
        -> Float?
    {
        guard let value = json[key] else { return Float(fallback) }
        return value.isNull ? nil : try positive(ifPresent: key).map { Float($0) }
    }

    /// Which layers slide: `layer_types` of transformers 5, else every other one from the first on.
    fileprivate func slidingLayers(_ layers: Int) throws(LanguageModelError) -> [Bool] {
        guard let value = self["layer_types"] else { return (0..<layers).map { $0 % 2 == 0 } }
        let known = ["sliding_attention", "full_attention"]
        let types = value.elements?.compactMap(\.text).filter(known.contains) ?? []
        guard types.count == layers, value.elements?.count == layers else {
            throw bad(
                "layer_types", value,
                allowed: "\(layers) times one of \(known.joined(separator: ", "))")
        }
        return types.map { $0 == known[0] }
    }
}
