import Basics
import Kernels
import Tensors

/// Llama, the architecture of SmolLM2 and many others.
///
/// `mid = x + attention(norm₁(x))`, `out = mid + down(silu(gate(h)) · up(h))` with
/// `h = norm₂(mid)`.
///
/// Root-mean-square norms, rotary embedding on whole heads, several query heads to one key head.
///
/// - Source: Touvron et al. 2023; `LlamaForCausalLM` of transformers.
struct Llama: TransformerArchitecture {
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
        blocks = try (0..<settings.layers).map { try Block(weights, layer: $0, settings) }
        finalNorm = try weights.vector("norm.weight", count: size)
        unembedding = try weights.unembedding("lm_head", tiedTo: embedding, isTied: settings.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        try backend.embedding(tokens, table: embedding, scale: 1)
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
        try backend.linear(normed(x, finalNorm), unembedding)
    }

    /// Norm and attention.
    private func attend(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor {
        try backend.attend(
            normed(x, block.attentionNorm), block.attention, settings.attention.shape(hooks),
            rotary.table(positions: hooks.positions))
    }

    /// Norm and MLP.
    private func feedForward(_ x: Tensor, _ block: Block) throws -> Tensor {
        let input = try normed(x, block.mlpNorm)
        let gate = try backend.linear(input, block.gate)
        try backend.gate(gate, up: backend.linear(input, block.up), settings.activation)
        return try backend.linear(gate, block.down)
    }

    /// The norm of this architecture.
    private func normed(_ x: Tensor, _ weight: Tensor) throws -> Tensor {
        try backend.rmsNorm(x, weight: weight, offset: 0, epsilon: settings.epsilon)
    }
}

// MARK: - Weights of a block

extension Llama {
    /// The weights of one block.
    private struct Block {
        /// Norm before attention.
        let attentionNorm: Tensor
        /// Norm before the MLP.
        let mlpNorm: Tensor
        /// The maps of attention.
        let attention: GroupedAttention
        /// Into the MLP, before the activation function.
        let gate: LinearWeights
        /// Into the MLP.
        let up: LinearWeights
        /// Out of the MLP.
        let down: LinearWeights

        /// Maps and checks the weights of one block.
        init(_ weights: ModelWeights, layer: Int, _ settings: Settings) throws(LanguageModelError) {
            let size = settings.modelSize
            let inner = settings.innerSize
            let name = "layers.\(layer)"
            attentionNorm = try weights.vector("\(name).input_layernorm.weight", count: size)
            mlpNorm = try weights.vector("\(name).post_attention_layernorm.weight", count: size)
            attention = try weights.groupedAttention(
                "\(name).self_attn", modelSize: size, settings.attention,
                hasBias: settings.hasAttentionBias)
            let hasBias = settings.hasMLPBias
            gate = try weights.linear(
                "\(name).mlp.gate_proj", inputs: size, outputs: inner, hasBias: hasBias)
            up = try weights.linear(
                "\(name).mlp.up_proj", inputs: size, outputs: inner, hasBias: hasBias)
            down = try weights.linear(
                "\(name).mlp.down_proj", inputs: inner, outputs: size, hasBias: hasBias)
        }
    }
}

// MARK: - Settings

extension Llama {
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
        /// Whether the maps of the MLP have biases.
        let hasMLPBias: Bool

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
            let headSize = try config.headSize(modelSize: modelSize, heads: heads, key: "head_dim")
            attention = AttentionSizes(
                heads: heads, keyHeads: try config.keyHeads(of: heads), headSize: headSize,
                scale: 1 / Float(headSize).squareRoot())
            rotary = try RotarySettings(
                config, headSize: attention.headSize, base: 10_000, fraction: 1)
            guard rotary.fraction == 1 else {
                throw config.unsupported(
                    "partial_rotary_factor", .number(rotary.fraction), allowed: "1")
            }
            activation = try config.activation("hidden_act", default: .silu).function
            epsilon = Float(try config.positive("rms_norm_eps", default: 1e-6))
            isTied = try config.truth("tie_word_embeddings", default: false)
            hasAttentionBias = try config.truth("attention_bias", default: false)
            hasMLPBias = try config.truth("mlp_bias", default: false)
        }

        /// Sizes and names.
        var description: ModelDescription {
            let biases =
                (hasAttentionBias ? attention.biasParameters + modelSize : 0)
                + (hasMLPBias ? 2 * innerSize + modelSize : 0)
            return ModelDescription(
                architecture: "llama", layers: layers, modelSize: modelSize, vocabulary: vocabulary,
                heads: attention.heads, contextSize: contextSize,
                blockParameters: attention.matrixParameters(modelSize: modelSize)
                    + 3 * modelSize * innerSize + 2 * modelSize + biases,
                embeddingParameters: vocabulary * modelSize * (isTied ? 1 : 2))
        }
    }
}
