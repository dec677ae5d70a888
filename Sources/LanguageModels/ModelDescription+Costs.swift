/// What a forward pass costs, for plans that must not load anything.
extension ModelDescription {
    /// Parameters of the whole model, final norm left out.
    public var parameters: Int { layers * blockParameters + embeddingParameters }

    /// Floating-point operations of a forward pass through some blocks.
    ///
    /// `2 · tokens · blockParameters` for the maps of a block and `4 · tokens · heads · head ·
    /// (positions + 1) / 2` for its causal scores and mixtures.
    ///
    /// - Parameters:
    ///   - tokens: rows of activations, batch × positions.
    ///   - positions: length of a row.
    ///   - blocks: the blocks that run; nil for all.
    ///   - unembedding: whether logits are computed.
    /// - Accuracy: within some hundredths; exact enough to order work and to estimate hours.
    public func forwardOperations(
        tokens: Int, positions: Int, blocks: Range<Int>? = nil, unembedding: Bool = true
    ) -> Double {
        let scores = 2 * Double(headsSize) * (Double(positions) + 1)
        let block = 2 * Double(blockParameters) + scores
        let count = (blocks ?? 0..<layers).clamped(to: 0..<layers).count
        let logits = unembedding ? 2 * Double(modelSize) * Double(vocabulary) : 0
        return Double(tokens) * (Double(count) * block + logits)
    }

    /// Bytes of a residual stream of some tokens in `float32`.
    public func residualBytes(tokens: Int) -> Int { tokens * modelSize * 4 }

    /// Bytes of the activations of some tokens at a hook in `float32`.
    public func activationBytes(tokens: Int, at hook: HookPoint) -> Int {
        tokens * size(at: hook) * 4
    }

    /// Bytes of the activations of some tokens at the widest hook in `float32`.
    public func widestActivationBytes(tokens: Int) -> Int {
        tokens * max(modelSize, headsSize) * 4
    }

    /// Bytes of the logits of some tokens in `float32`.
    public func logitsBytes(tokens: Int) -> Int { tokens * vocabulary * 4 }

    /// What one pass holds in memory at once at most, its input included, captures and weights left
    /// out.
    ///
    /// `max(8 · width, 3 · model + 2 · inner)` numbers a token: attention holds its input, its norm
    /// as rows and as the left factor of a product, and queries, keys and values together and apart;
    /// the MLP its input, its output, the stream, and inner rows as they are and as the left factor
    /// or the gate. Logits come with the stream, its norm and that as the left factor.
    public func peakActivationBytes(tokens: Int, unembedding: Bool = true) -> Int {
        let width = max(modelSize, headsSize)
        let block = max(8 * width, 3 * modelSize + 2 * innerSize)
        return 4 * tokens * max(block, unembedding ? vocabulary + 3 * modelSize : 0)
    }

    /// Width of the MLP, from the parameters of a block: what attention leaves of them, by two
    /// matrices or, where the MLP is gated, three.
    private var innerSize: Int {
        let rows = blockParameters / max(1, modelSize)
        let matrices = ["gpt2", "gpt_neox"].contains(architecture) ? 2 : 3
        return max(0, rows - 4 * min(modelSize, headsSize)) / matrices
    }

    /// Parameters of one embedding table.
    public var tableParameters: Int { vocabulary * modelSize }
}
