import Basics
import Kernels
import Tensors

/// OLMo 2: Llama whose norms stand behind attention and MLP and not before them.
///
/// `mid = x + norm₁(attention(x))`, `out = mid + norm₂(down(silu(gate(mid)) · up(mid)))`. Queries are
/// normed over all heads together before they are rotated, and so are keys.
///
/// The norms before the sums belong to attention and MLP, so `hook_attn_out` and `hook_mlp_out` come
/// after them, and `ln2.hook_normalized` is between MLP and `hook_mlp_out`.
///
/// - Source: OLMo Team 2025, *2 OLMo 2 Furious*; `Olmo2ForCausalLM` of transformers.
struct OLMo2: TransformerArchitecture {
    /// Sizes and names.
    let description: ModelDescription
    /// The arithmetic.
    let backend: any KernelBackend
    /// Sizes of attention.
    private let attention: AttentionSizes
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

    /// Reads the config and maps the weights.
    init(
        _ config: ModelConfig, from source: ModelWeights.Source, backend: any KernelBackend
    ) throws {
        let settings = try Settings(config)
        let (weights, llama) = (
            try ModelWeights(from: source, prefixes: settings.llama.prefixes), settings.llama
        )
        (self.backend, description) = (backend, settings.description)
        (attention, rotary) = (llama.attention, RotaryPositions(llama.rotary))
        embedding = try weights.matrix(
            "embed_tokens.weight", shape: [llama.vocabulary, llama.modelSize])
        blocks = try (0..<llama.layers).map { try Block(weights, "layers.\($0)", llama) }
        finalNorm = try weights.rootMeanSquareNorm(
            "norm", count: llama.modelSize, offset: 0, epsilon: llama.epsilon)
        unembedding = try weights.unembedding("lm_head", tiedTo: embedding, isTied: llama.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        try backend.embedding(tokens, table: embedding, scale: 1)
    }

    /// Runs one block.
    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor? {
        let block = blocks[layer]
        let table = rotary.table(positions: hooks.positions)
        guard
            let attended = try backend.attend(
                x, block.attention, attention.shape(hooks), table, hooks),
            let added = try hooks.visit(.attnOut, backend.normed(attended, block.attentionNorm))
        else { return nil }
        try backend.add(added, x)
        guard let middle = try hooks.visit(.residMid, added),
            let input = try hooks.visit(.mlpIn, middle),
            let normed = try hooks.mlpNormed(
                backend.run(block.mlp, on: input), block.mlpNorm, on: backend),
            let mlp = try hooks.visit(.mlpOut, normed)
        else { return nil }
        try backend.add(mlp, middle)
        return mlp
    }

    /// Final norm and unembedding.
    func unembed(_ x: Tensor) throws -> Tensor {
        try backend.linear(backend.normed(x, finalNorm), unembedding)
    }
}

// MARK: - Settings

extension OLMo2 {
    /// What the config says, every key that changes a number checked.
    struct Settings: Sendable {
        /// What is as in Llama.
        let llama: GatedSettings

        /// Reads the config.
        init(_ config: ModelConfig) throws(LanguageModelError) {
            let config = try config.filled(with: ["rms_norm_eps": .number(1e-5)])
            try config.refuseUnsupported(switches: ["mlp_bias"])
            try config.refuseWindows()
            if let value = config["clip_qkv"] {
                throw config.unsupported("clip_qkv", value, allowed: "null")
            }
            var llama = try GatedSettings("olmo2", config)
            if try config.truth("attention_bias", default: false) { llama.biases = .attention }
            self.llama = llama
        }

        /// Sizes and names.
        var description: ModelDescription {
            var description = llama.description
            let attention = llama.attention
            description.blockParameters +=
                (attention.heads + attention.keyHeads) * attention.headSize
            return description
        }
    }
}

// MARK: - Weights of a block

extension OLMo2 {
    /// The weights of one block.
    private struct Block {
        /// The maps of attention, with the norms of queries and keys.
        let attention: GroupedAttention
        /// Norm behind attention.
        let attentionNorm: Norm
        /// The maps of the MLP.
        let mlp: GatedMLP
        /// Norm behind the MLP.
        let mlpNorm: Norm

        /// Maps and checks the weights of one block.
        init(
            _ weights: ModelWeights, _ name: String, _ settings: GatedSettings
        ) throws(LanguageModelError) {
            /// Reads a norm of the block.
            func norm(_ suffix: String, count: Int) throws(LanguageModelError) -> Norm {
                try weights.rootMeanSquareNorm(
                    "\(name).\(suffix)", count: count, offset: 0, epsilon: settings.epsilon)
            }
            let (size, sizes) = (settings.modelSize, settings.attention)
            var attention = try weights.groupedAttention(
                "\(name).self_attn", modelSize: size, sizes,
                hasBias: settings.biases.contains(.queryKeyValue),
                hasOutputBias: settings.biases.contains(.attentionOutput))
            attention.queryNorm = try norm("self_attn.q_norm", count: sizes.heads * sizes.headSize)
            attention.keyNorm = try norm("self_attn.k_norm", count: sizes.keyHeads * sizes.headSize)
            self.attention = attention
            attentionNorm = try norm("post_attention_layernorm", count: size)
            mlp = try weights.gatedMLP("\(name).mlp", settings)
            mlpNorm = try norm("post_feedforward_layernorm", count: size)
        }
    }
}
