import Basics
import Kernels
import Tensors

/// Llama and its relatives, which differ in what ``GatedSettings`` says.
///
/// `mid = x + attention(norm(x))`, `out = mid + down(f(gate(h)) · up(h))` with `h = norm(mid)`; some
/// norm what attention and MLP give before it is added. Root-mean-square norms, rotary embedding on
/// whole heads, several query heads to one key head.
///
/// The files of `Architectures` say for each family where it stands apart.
struct GatedTransformer: TransformerArchitecture {
    /// Sizes and names.
    let description: ModelDescription
    /// What the config says.
    private let settings: GatedSettings
    /// The arithmetic.
    let backend: any KernelBackend
    /// Tables of the rotary embedding of blocks without a window.
    private let rotary: RotaryPositions
    /// The same for blocks with a window.
    private let slidingRotary: RotaryPositions
    /// `[vocabulary, model]`, mapped.
    private let embedding: Tensor
    /// Factor on token embeddings.
    private let embeddingScale: Float
    /// Weights of the blocks, in order.
    private let blocks: [Block]
    /// Norm before the unembedding.
    private let finalNorm: Norm
    /// From the normed residual stream to logits.
    private let unembedding: LinearWeights

    /// Maps the weights.
    init(_ settings: GatedSettings, from source: ModelWeights.Source, backend: any KernelBackend)
        throws
    {
        let weights = try ModelWeights(from: source, prefixes: settings.prefixes)
        (self.settings, self.backend, description) = (settings, backend, settings.description)
        rotary = RotaryPositions(settings.rotary)
        slidingRotary = settings.slidingRotary.map { RotaryPositions($0) } ?? rotary
        let size = settings.modelSize
        embedding = try weights.matrix("embed_tokens.weight", shape: [settings.vocabulary, size])
        embeddingScale = try settings.embeddingScale.factor(
            modelSize: size, storedAs: embedding.type, on: backend)
        blocks = try (0..<settings.layers).map { try Block(weights, layer: $0, settings) }
        finalNorm = try weights.rootMeanSquareNorm(
            "norm", count: size, offset: settings.normOffset, epsilon: settings.epsilon)
        unembedding = try weights.unembedding("lm_head", tiedTo: embedding, isTied: settings.isTied)
    }

    /// Looks the tokens up.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        try backend.embedding(tokens, table: embedding, scale: embeddingScale)
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
        let logits = try backend.linear(backend.normed(x, finalNorm), unembedding)
        if let cap = settings.logitCap { try backend.softCap(logits, cap: cap) }
        return logits
    }

    /// Norm, attention and the norm behind it.
    private func attend(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor? {
        let positions = block.window == nil ? rotary : slidingRotary
        let output = try backend.attend(
            backend.normed(x, block.attentionNorm), block.attention,
            settings.attention.shape(hooks, window: block.window),
            positions.table(positions: hooks.positions), hooks)
        guard let output, let norm = block.attentionPostNorm else { return output }
        return try backend.normed(output, norm)
    }

    /// Norm, MLP and the norm behind it.
    private func feedForward(_ x: Tensor, _ block: Block, _ hooks: HookVisitor) throws -> Tensor? {
        guard let input = try hooks.mlpInput(x, block.mlpNorm, on: backend) else { return nil }
        let output = try backend.run(block.mlp, on: input)
        guard let norm = block.mlpPostNorm else { return output }
        return try backend.normed(output, norm)
    }
}

// MARK: - Weights of a block

extension GatedTransformer {
    /// The weights of one block.
    private struct Block {
        /// Norm before attention.
        let attentionNorm: Norm
        /// Norm after attention; nil for none.
        let attentionPostNorm: Norm?
        /// Norm before the MLP.
        let mlpNorm: Norm
        /// Norm after the MLP; nil for none.
        let mlpPostNorm: Norm?
        /// The maps of attention.
        let attention: GroupedAttention
        /// The maps of the MLP.
        let mlp: GatedMLP
        /// Positions that a position sees, itself included; nil for all.
        let window: Int?

        /// Maps and checks the weights of one block.
        init(
            _ weights: ModelWeights, layer: Int, _ settings: GatedSettings
        ) throws(LanguageModelError) {
            let size = settings.modelSize
            let name = "layers.\(layer)"
            /// Reads a norm of the block.
            func norm(_ suffix: String, count: Int) throws(LanguageModelError) -> Norm {
                try weights.rootMeanSquareNorm(
                    "\(name).\(suffix)", count: count, offset: settings.normOffset,
                    epsilon: settings.epsilon)
            }
            let hasPostNorms = settings.hasPostNorms
            attentionNorm = try norm("input_layernorm", count: size)
            attentionPostNorm =
                hasPostNorms ? try norm("post_attention_layernorm", count: size) : nil
            mlpNorm = try norm(
                hasPostNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm",
                count: size)
            mlpPostNorm = hasPostNorms ? try norm("post_feedforward_layernorm", count: size) : nil
            var attention = try weights.groupedAttention(
                "\(name).self_attn", modelSize: size, settings.attention,
                hasBias: settings.biases.contains(.queryKeyValue),
                hasOutputBias: settings.biases.contains(.attentionOutput))
            if settings.hasHeadNorms {
                let headSize = settings.attention.headSize
                attention.queryNorm = try norm("self_attn.q_norm", count: headSize)
                attention.keyNorm = try norm("self_attn.k_norm", count: headSize)
            }
            self.attention = attention
            mlp = try weights.gatedMLP("\(name).mlp", settings)
            window = settings.windows[layer]
        }
    }
}
