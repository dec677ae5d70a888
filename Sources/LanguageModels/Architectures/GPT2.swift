import Basics
import Kernels
import Tensors

/// GPT-2.
///
/// `mid = x + attention(norm₁(x))`, `out = mid + mlp(norm₂(mid))`, with learned positions added to
/// the token embedding. Matrices are stored inputs by outputs, and queries, keys and values come
/// from one map whose outputs are stored one after the other.
///
/// - Source: Radford et al. 2019; `GPT2LMHeadModel` of transformers.
struct GPT2: TransformerArchitecture {
    /// Sizes and names.
    let description: ModelDescription
    /// What the config says.
    private let settings: Settings
    /// The arithmetic.
    let backend: any KernelBackend
    /// `[vocabulary, model]`, mapped.
    private let tokenEmbedding: Tensor
    /// `[position, model]`, mapped.
    private let positionEmbedding: Tensor
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
        let weights = try ModelWeights(from: source, prefixes: ["transformer."])
        (self.settings, self.backend, description) = (settings, backend, settings.description)
        let size = settings.modelSize
        tokenEmbedding = try weights.matrix("wte.weight", shape: [settings.vocabulary, size])
        positionEmbedding = try weights.matrix("wpe.weight", shape: [settings.contextSize, size])
        blocks = try (0..<settings.layers).map { try Block(weights, layer: $0, settings) }
        finalNorm = try weights.layerNorm("ln_f", count: size, epsilon: settings.epsilon)
        unembedding = try weights.unembedding(
            "lm_head", tiedTo: tokenEmbedding, isTied: settings.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        let x = try backend.embedding(tokens, table: tokenEmbedding, scale: 1)
        let indices = tokens.indices.map { Int32($0 % positions) }
        try backend.add(x, backend.embedding(indices, table: positionEmbedding, scale: 1))
        return x
    }

    /// Runs one block.
    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor? {
        let block = blocks[layer]
        guard let attended = try attend(x, block, hooks),
            let attention = try hooks.visit(.attnOut, attended)
        else { return nil }
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
        // 3 × [batch · positions, heads · head]
        let parts = try backend.splitFused(fused, groups: 1)
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

extension GPT2 {
    /// The weights of one block.
    private struct Block {
        /// Norm before attention.
        let attentionNorm: Norm
        /// Norm before the MLP.
        let mlpNorm: Norm
        /// `[model, 3 · heads · head]`.
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
            let inner = settings.innerSize
            /// Reads a map that is stored inputs by outputs.
            func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(LanguageModelError)
                -> LinearWeights
            {
                try weights.linear(
                    "h.\(layer).\(name)", inputs: inputs, outputs: outputs, hasBias: true,
                    layout: .inputsByOutputs)
            }
            attentionNorm = try weights.layerNorm(
                "h.\(layer).ln_1", count: size, epsilon: settings.epsilon)
            mlpNorm = try weights.layerNorm(
                "h.\(layer).ln_2", count: size, epsilon: settings.epsilon)
            fused = try linear("attn.c_attn", size, 3 * size)
            output = try linear("attn.c_proj", size, size)
            up = try linear("mlp.c_fc", size, inner)
            down = try linear("mlp.c_proj", inner, size)
        }
    }
}

// MARK: - Settings

extension GPT2 {
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
        /// The function inside the MLP.
        let activation: ActivationFunction
        /// Added to variances before the root.
        let epsilon: Float
        /// Whether the unembedding is the embedding table.
        let isTied: Bool

        /// Reads and checks all keys that change a number.
        init(_ config: ModelConfig) throws(LanguageModelError) {
            try config.refuseUnsupported(switches: ["scale_attn_by_inverse_layer_idx"])
            layers = try config.size("n_layer", atMost: ModelConfig.mostLayers)
            modelSize = try config.size("n_embd")
            innerSize = try config.size(ifPresent: "n_inner") ?? 4 * modelSize
            vocabulary = try config.size("vocab_size")
            contextSize = try config.size(ifPresent: "n_positions") ?? 1024
            let heads = try config.size("n_head")
            let headSize = try config.headSize(modelSize: modelSize, heads: heads)
            guard try config.truth("scale_attn_weights", default: true) else {
                throw config.unsupported("scale_attn_weights", .bool(false), allowed: "true")
            }
            attention = AttentionSizes(
                heads: heads, keyHeads: heads, headSize: headSize,
                scale: 1 / Float(headSize).squareRoot())
            activation = try config.activation("activation_function", default: .geluNew).function
            epsilon = Float(try config.positive("layer_norm_epsilon", default: 1e-5))
            isTied = try config.truth("tie_word_embeddings", default: true)
        }

        /// Sizes and names.
        var description: ModelDescription {
            ModelDescription(
                architecture: "gpt2", layers: layers, modelSize: modelSize, vocabulary: vocabulary,
                heads: attention.heads, contextSize: contextSize,
                blockParameters: 4 * modelSize * modelSize + 2 * modelSize * innerSize
                    + 9 * modelSize + innerSize,
                embeddingParameters: (vocabulary * (isTied ? 1 : 2) + contextSize) * modelSize,
                missingSites: [.embedding])
        }
    }
}
