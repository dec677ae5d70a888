import Basics
import Kernels
import Tensors

/// GPT-NeoX, the architecture of the Pythia models.
///
/// `out = x + attention(norm₁(x)) + mlp(norm₂(x))` when parallel, else
/// `mid = x + attention(norm₁(x))`, `out = mid + mlp(norm₂(mid))`.
///
/// Layer norms with biases, rotary embedding on the first part of each head, one fused map for
/// queries, keys and values whose outputs are stored as `[heads, 3, head]`.
///
/// - Source: Black et al. 2022; `GPTNeoXForCausalLM` of transformers.
struct GPTNeoX: TransformerArchitecture {
    /// Sizes and names.
    let description: ModelDescription
    /// What the config says.
    private let settings: Settings
    /// The arithmetic.
    let backend: any KernelBackend
    /// Tables of the rotary embedding.
    private let rotary: RotaryPositions
    /// `[vocabulary, model]`, mapped.
    private let embedding: Tensor
    /// Weights of the blocks, in order.
    private let blocks: [Block]
    /// Norm before the unembedding.
    private let finalNorm: Norm
    /// From the normed residual stream to logits.
    private let unembedding: LinearWeights

    /// Maps the weights.
    init(_ config: ModelConfig, from source: ModelWeights.Source, backend: any KernelBackend) throws
    {
        let settings = try Settings(config)
        let weights = try ModelWeights(from: source, prefixes: ["gpt_neox."])
        (self.settings, self.backend, description) = (settings, backend, settings.description)
        rotary = RotaryPositions(settings.rotary)
        let size = settings.modelSize
        embedding = try weights.matrix("embed_in.weight", shape: [settings.vocabulary, size])
        blocks = try (0..<settings.layers).map { try Block(weights, layer: $0, settings) }
        finalNorm = try weights.layerNorm(
            "final_layer_norm", count: size, epsilon: settings.epsilon)
        unembedding = try weights.unembedding(
            "embed_out", tiedTo: embedding, isTied: settings.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        try backend.embedding(tokens, table: embedding, scale: 1)
    }

    /// Runs one block.
    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor? {
        let block = blocks[layer]
        guard let attended = try attend(x, block, hooks),
            let attention = try hooks.visit(.attnOut, attended)
        else { return nil }
        if settings.isParallel {
            guard let fed = try feedForward(x, block, hooks),
                let mlp = try hooks.visit(.mlpOut, fed)
            else { return nil }
            try backend.add(attention, x)
            try backend.add(attention, mlp)
            return attention
        }
        try backend.add(attention, x)
        guard let middle = try hooks.visit(.residMid, attention),
            let fed = try feedForward(middle, block, hooks),
            let mlp = try hooks.visit(.mlpOut, fed)
        else { return nil }
        try backend.add(mlp, middle)
        return mlp
    }

    /// Final norm and unembedding.
    func unembed(_ x: Tensor) throws -> Tensor {
        try backend.linear(backend.normed(x, finalNorm), unembedding)
    }

    /// Norm and attention.
    private func attend(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor? {
        let fused = try backend.linear(backend.normed(x, block.attentionNorm), block.fused)
        let heads = settings.attention.heads
        // 3 × [batch · positions, heads · head]
        let parts = try backend.splitFused(fused, groups: heads)
        let table = rotary.table(positions: hooks.positions)
        for part in parts[..<2] {
            try backend.rotate(part, heads: heads, positions: hooks.positions, table: table)
        }
        let mixed = try backend.attention(
            queries: parts[0], keys: parts[1], values: parts[2], settings.attention.shape(hooks))
        return try hooks.visit(.headOutputs, mixed).map { try backend.linear($0, block.output) }
    }

    /// Norm and MLP.
    private func feedForward(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor? {
        guard let input = try hooks.mlpInput(x, block.mlpNorm, on: backend) else { return nil }
        let inner = try backend.linear(input, block.up)
        try backend.activate(inner, settings.activation)
        return try backend.linear(inner, block.down)
    }
}

// MARK: - Weights of a block

extension GPTNeoX {
    /// The weights of one block.
    private struct Block {
        /// Norm before attention.
        let attentionNorm: Norm
        /// Norm before the MLP.
        let mlpNorm: Norm
        /// `[heads · 3 · head, model]`.
        let fused: LinearWeights
        /// From the heads back to the model.
        let output: LinearWeights
        /// Into the MLP.
        let up: LinearWeights
        /// Out of the MLP.
        let down: LinearWeights

        /// Maps and checks the weights of one block.
        init(_ weights: ModelWeights, layer: Int, _ settings: Settings) throws(LanguageModelError) {
            let size = settings.modelSize
            let name = "layers.\(layer)"
            attentionNorm = try weights.layerNorm(
                "\(name).input_layernorm", count: size, epsilon: settings.epsilon)
            mlpNorm = try weights.layerNorm(
                "\(name).post_attention_layernorm", count: size, epsilon: settings.epsilon)
            fused = try weights.linear(
                "\(name).attention.query_key_value", inputs: size, outputs: 3 * size,
                hasBias: settings.hasAttentionBias)
            output = try weights.linear(
                "\(name).attention.dense", inputs: size, outputs: size,
                hasBias: settings.hasAttentionBias)
            up = try weights.linear(
                "\(name).mlp.dense_h_to_4h", inputs: size, outputs: settings.innerSize,
                hasBias: true)
            down = try weights.linear(
                "\(name).mlp.dense_4h_to_h", inputs: settings.innerSize, outputs: size,
                hasBias: true)
        }
    }
}

// MARK: - Settings

extension GPTNeoX {
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
        /// Whether attention and MLP read the same residual stream.
        let isParallel: Bool
        /// Whether the unembedding is the embedding table.
        let isTied: Bool
        /// Whether the maps of attention have biases.
        let hasAttentionBias: Bool

        /// Reads and checks all keys that change a number.
        init(_ config: ModelConfig) throws(LanguageModelError) {
            try config.refuseUnsupported()
            try config.refuseWindows()
            layers = try config.size("num_hidden_layers", atMost: ModelConfig.mostLayers)
            modelSize = try config.size("hidden_size")
            innerSize = try config.size("intermediate_size")
            vocabulary = try config.size("vocab_size")
            contextSize = try config.size("max_position_embeddings")
            let heads = try config.size("num_attention_heads")
            let headSize = try config.headSize(modelSize: modelSize, heads: heads)
            attention = AttentionSizes(
                heads: heads, keyHeads: heads, headSize: headSize,
                scale: 1 / Float(headSize).squareRoot())
            rotary = try RotarySettings(
                config, headSize: attention.headSize, base: 10_000, fraction: 0.25)
            activation = try config.activation("hidden_act", default: .gelu).function
            epsilon = Float(try config.positive("layer_norm_eps", default: 1e-5))
            isParallel = try config.truth("use_parallel_residual", default: true)
            isTied = try config.truth("tie_word_embeddings", default: false)
            hasAttentionBias = try config.truth("attention_bias", default: true)
        }

        /// Sizes and names.
        var description: ModelDescription {
            let biases = (hasAttentionBias ? 4 * modelSize : 0) + innerSize + modelSize
            return ModelDescription(
                architecture: "gpt_neox", layers: layers, modelSize: modelSize,
                vocabulary: vocabulary,
                heads: attention.heads, contextSize: contextSize,
                blockParameters: 4 * modelSize * modelSize + 2 * modelSize * innerSize + biases
                    + 4 * modelSize,
                embeddingParameters: vocabulary * modelSize * (isTied ? 1 : 2),
                missingSites: isParallel ? [.residMid] : [])
        }
    }
}
