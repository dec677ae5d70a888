import EvalKit

/// What the core evaluation can be told; names and defaults of SAE Bench 0.6.0.
public struct CoreSettings: EvaluationSettings {
    /// The id of the text dataset.
    public var dataset = "Skylion007/openwebtext"
    /// Tokens in a row.
    public var contextSize = 128
    /// Rows in a batch; several upstream metrics are means over batches, so their values depend on
    /// it.
    public var batchSizePrompts = 16
    /// Batches for behaviour and loss, the first rows of the dataset.
    public var nEvalReconstructionBatches = 10
    /// Batches for sparsity and variance, the rows after those.
    public var nEvalSparsityVarianceBatches = 1
    /// Whether BOS, EOS and padding keep their activations when the reconstruction is spliced in.
    public var excludeSpecialTokensFromReconstruction = false

    public init() {}

    public func validate() throws(EvaluationError) {
        let counts = [
            ("context_size", contextSize, 2), ("batch_size_prompts", batchSizePrompts, 1),
            ("n_eval_reconstruction_batches", nEvalReconstructionBatches, 1),
            ("n_eval_sparsity_variance_batches", nEvalSparsityVarianceBatches, 1),
        ]
        for (key, value, least) in counts where value < least || value > 100_000_000 {
            throw EvaluationError(
                .outOfRange, "`core.\(key)` is \(value)",
                advice: "give an integer of at least \(least)")
        }
        // Each factor is at most 1e8, so that two of them fit.
        let tokens = rowCount.multipliedReportingOverflow(by: contextSize)
        guard !tokens.overflow, tokens.partialValue <= Self.mostTokens else {
            throw EvaluationError(
                .outOfRange, "`core` asks for \(rowCount) rows of \(contextSize) tokens",
                advice: "give batches of at most \(Self.mostTokens) tokens in all")
        }
    }

    /// Tokens that no run reads, far below where sizes in bytes overflow.
    private static let mostTokens = 100_000_000_000

    /// Rows that the evaluation reads.
    var rowCount: Int {
        (nEvalReconstructionBatches + nEvalSparsityVarianceBatches) * batchSizePrompts
    }
}
