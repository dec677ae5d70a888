import Basics

/// Sizes and names of a language model.
public struct ModelDescription: Sendable, Codable, Equatable {
    /// `model_type` of the config, such as `gpt_neox`.
    public var architecture: String
    /// Number of blocks.
    public var layers: Int
    /// Width of the residual stream.
    public var modelSize: Int
    /// Number of tokens in the table.
    public var vocabulary: Int
    /// Query heads.
    public var heads: Int
    /// Elements of a head.
    public var headSize: Int
    /// Longest row in positions.
    public var contextSize: Int
    /// Parameters of one block, for cost estimates.
    public var blockParameters: Int
    /// Parameters of embedding and unembedding tables; a tied table counts once.
    public var embeddingParameters: Int
    /// Sites that the architecture lacks, in the order of a pass.
    public var missingSites: [HookPoint.Site]

    /// Takes all values.
    ///
    /// - Parameter headSize: nil where the heads divide the residual stream among themselves.
    public init(
        architecture: String, layers: Int, modelSize: Int, vocabulary: Int, heads: Int,
        headSize: Int? = nil, contextSize: Int, blockParameters: Int, embeddingParameters: Int,
        missingSites: [HookPoint.Site] = []
    ) {
        (self.architecture, self.layers, self.modelSize) = (architecture, layers, modelSize)
        (self.vocabulary, self.heads, self.contextSize) = (vocabulary, heads, contextSize)
        (self.blockParameters, self.embeddingParameters) = (blockParameters, embeddingParameters)
        self.headSize = headSize ?? modelSize / max(heads, 1)
        self.missingSites = missingSites
    }

    /// Width of all query heads side by side.
    public var headsSize: Int { heads * headSize }

    /// Width of the activations at a hook.
    public func size(at hook: HookPoint) -> Int {
        hook.site == .headOutputs ? headsSize : modelSize
    }

    /// Checks that the model has a hook.
    ///
    /// - Throws: ``LanguageModelError`` that names the layers or the sites that it has.
    public func check(_ hook: HookPoint) throws(LanguageModelError) {
        guard (0..<layers).contains(hook.layer) else {
            throw LanguageModelError(
                .layerOutOfRange, "Hook \(hook) is beyond the \(layers) blocks of the model",
                advice: "a layer from 0 to \(layers - 1)")
        }
        guard missingSites.contains(hook.site) else { return }
        let reason =
            hook.site == .embedding
            ? "what enters the first block is the embedding plus learned positions"
            : "attention and MLP run in parallel"
        let sites = HookPoint.Site.allCases.filter { !missingSites.contains($0) }
        let known = sites.map { HookPoint(layer: hook.layer, site: $0).description }
        throw LanguageModelError(
            .unknownHook, "This \(architecture) model has no \(hook): \(reason)",
            advice: "one of " + known.joined(separator: ", "))
    }
}
