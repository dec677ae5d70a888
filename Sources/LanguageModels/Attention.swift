import Kernels
import Tensors

/// Attention over queries, keys and values that come from maps of their own, as Llama and Gemma
/// have it.
struct GroupedAttention: Sendable {
    /// `[heads · head, model]`.
    var query: LinearWeights
    /// `[keyHeads · head, model]`.
    var key: LinearWeights
    /// `[keyHeads · head, model]`.
    var value: LinearWeights
    /// `[model, heads · head]`.
    var output: LinearWeights
    /// Norm of every query head by itself, or as wide as all together; nil for none.
    var queryNorm: Norm?
    /// Norm of every key head by itself, or as wide as all together; nil for none.
    var keyNorm: Norm?
}

/// Sizes of attention that do not change from block to block.
struct AttentionSizes: Sendable, Equatable {
    /// Query heads.
    var heads: Int
    /// Key and value heads.
    var keyHeads: Int
    /// Elements of a head.
    var headSize: Int
    /// Factor on the scores.
    var scale: Float
    /// `cap · tanh(score / cap)` on the scaled scores.
    var softCap: Float?

    /// The shape for one pass.
    func shape(_ hooks: HookVisitor, window: Int? = nil) -> AttentionShape {
        AttentionShape(
            batch: hooks.batch, positions: hooks.positions, heads: heads, keyHeads: keyHeads,
            headSize: headSize, scale: scale, softCap: softCap, window: window)
    }
}

extension KernelBackend {
    /// Projects, norms the heads, rotates, attends, shows the heads' outputs and projects back.
    ///
    /// - Shapes: `x` and the result are `[batch · positions, model]`.
    /// - Returns: what the output map gives, or nil when `hooks` has all that is wanted.
    /// - Cost: `4 · tokens · model · (heads + keyHeads) · head` FLOP for the maps and
    ///   `4 · tokens · positions · heads · head` for the scores.
    func attend(
        _ x: Tensor, _ weights: GroupedAttention, _ shape: AttentionShape, _ table: RotaryTable,
        _ hooks: HookVisitor
    ) throws -> Tensor? {
        // [batch · positions, heads · head], and twice [batch · positions, keyHeads · head]
        let queries = try headNormed(linear(x, weights.query), weights.queryNorm)
        let keys = try headNormed(linear(x, weights.key), weights.keyNorm)
        let values = try linear(x, weights.value)
        try rotate(queries, heads: shape.heads, positions: shape.positions, table: table)
        try rotate(keys, heads: shape.keyHeads, positions: shape.positions, table: table)
        let mixed = try attention(queries: queries, keys: keys, values: values, shape)
        return try hooks.visit(.headOutputs, mixed).map { try linear($0, weights.output) }
    }

    /// Norms every head by itself, or all heads together: as many elements as the norm is wide.
    ///
    /// - Shapes: `x` and the result are `[rows, heads · head]`.
    private func headNormed(_ x: Tensor, _ norm: Norm?) throws -> Tensor {
        guard let norm else { return x }
        let parts = x.reshaped([x.count / norm.width, norm.width])  // [rows · heads, head]
        return try normed(parts, norm).reshaped(x.shape)
    }
}

// MARK: - Reading

extension AttentionSizes {
    /// Parameters of the four matrices.
    func matrixParameters(modelSize: Int) -> Int { 2 * modelSize * (heads + keyHeads) * headSize }

    /// Parameters of the biases of queries, keys and values.
    var biasParameters: Int { (heads + 2 * keyHeads) * headSize }
}

extension ModelWeights {
    /// The four maps of attention under their names in Llama and its relatives.
    ///
    /// - Parameters:
    ///   - hasBias: whether queries, keys and values have biases.
    ///   - hasOutputBias: whether the output map has one.
    func groupedAttention(
        _ name: String, modelSize: Int, _ sizes: AttentionSizes, hasBias: Bool, hasOutputBias: Bool
    ) throws(LanguageModelError) -> GroupedAttention {
        let wide = sizes.heads * sizes.headSize
        let narrow = sizes.keyHeads * sizes.headSize
        return GroupedAttention(
            query: try linear("\(name).q_proj", inputs: modelSize, outputs: wide, hasBias: hasBias),
            key: try linear("\(name).k_proj", inputs: modelSize, outputs: narrow, hasBias: hasBias),
            value: try linear(
                "\(name).v_proj", inputs: modelSize, outputs: narrow, hasBias: hasBias),
            output: try linear(
                "\(name).o_proj", inputs: wide, outputs: modelSize, hasBias: hasOutputBias))
    }
}

extension ModelConfig {
    /// The size of a head: under a key of its own if there is one, else the model size divided
    /// among the heads.
    func headSize(modelSize: Int, heads: Int, key: String? = nil) throws(LanguageModelError) -> Int
    {
        if let key, let size = try size(ifPresent: key) {
            guard size <= Self.largestSize / heads else {
                throw bad(
                    key, .integer(size),
                    allowed: "a size whose \(heads) heads together have at most \(Self.largestSize)"
                )
            }
            return size
        }
        guard modelSize % heads == 0 else {
            throw LanguageModelError(
                .badConfig, "\(path): model size \(modelSize) is not divided by \(heads) heads",
                advice: "use the config.json that came with the weights")
        }
        return modelSize / heads
    }

    /// `num_key_value_heads`, by default as many as there are query heads.
    func keyHeads(of heads: Int) throws(LanguageModelError) -> Int {
        let keyHeads = try size(ifPresent: "num_key_value_heads") ?? heads
        guard heads % keyHeads == 0 else {
            throw LanguageModelError(
                .badConfig,
                "\(path): \(heads) query heads are not divided by \(keyHeads) key heads",
                advice: "use the config.json that came with the weights")
        }
        return keyHeads
    }
}

extension ActivationName {
    /// The function itself.
    var function: ActivationFunction {
        switch self {
        case .relu: .relu
        case .gelu: .gelu
        case .geluNew, .geluFast, .geluTanh: .geluTanh
        case .silu, .swish: .silu
        }
    }
}
