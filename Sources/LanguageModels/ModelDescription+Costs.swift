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

    /// An upper bound of what one pass holds in memory at once, captures and weights left out.
    ///
    /// Attention holds ten rows as wide as the model or its heads; the MLP four and its inner rows, which
    /// `blockParameters / model` bounds since every inner element has at least two rows of weights.
    public func peakActivationBytes(tokens: Int, unembedding: Bool = true) -> Int {
        let block = 10 * max(modelSize, headsSize) + blockParameters / max(modelSize, 1)
        return 4 * tokens * max(block, unembedding ? vocabulary + 4 * modelSize : 0)
    }
}
