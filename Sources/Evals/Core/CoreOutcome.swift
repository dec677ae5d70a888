import Basics
import EvalKit
import Results

/// Merges the partial results of one autoencoder into SAE Bench's metrics and ours.
///
/// Sums are in `Double`, in unit order. Where SAE Bench would store NaN it stores -1, and so do we.
struct CoreOutcome {
    let settings: CoreSettings
    let cohort: Cohort
    private var reconstruction = ReconstructionSums()
    private var batches: [BatchSums] = []
    private var firings: [Int] = []
    private var firingRows: [Int] = []
    private var inputSum: [Double] = []
    private var weights = WeightStatistics(
        encoderBias: [], encoderNorm: [], encoderDecoderCosine: [], maximumEncoderCosine: [],
        maximumDecoderCosine: [])

    init(settings: CoreSettings, cohort: Cohort, partials: [CorePartial]) throws {
        (self.settings, self.cohort) = (settings, cohort)
        for partial in partials {
            switch partial {
            case .reconstruction(let sums): reconstruction = reconstruction + sums
            case .sparsity(let sums): try add(sums)
            case .weights(let part):
                weights.encoderBias += part.encoderBias
                weights.encoderNorm += part.encoderNorm
                weights.encoderDecoderCosine += part.encoderDecoderCosine
                weights.maximumEncoderCosine += part.maximumEncoderCosine
                weights.maximumDecoderCosine += part.maximumDecoderCosine
            }
        }
    }

    private mutating func add(_ sums: SparsitySums) throws {
        if firings.isEmpty {
            firings = [Int](repeating: 0, count: sums.firings.counts.count)
            firingRows = firings
            inputSum = [Double](repeating: 0, count: sums.inputSum.count)
        }
        guard sums.firings.counts.count == firings.count,
            sums.firingRows.counts.count == firings.count,
            sums.inputSum.count == inputSum.count
        else {
            throw EvaluationError(
                .damagedPartial, "Partial results of one autoencoder differ in size")
        }
        batches += sums.batches
        for latent in firings.indices {
            firings[latent] += sums.firings.counts[latent]
            firingRows[latent] += sums.firingRows.counts[latent]
        }
        for d in inputSum.indices { inputSum[d] += sums.inputSum[d] }
    }

    func outcome() throws -> Outcome {
        Outcome(
            metrics: metrics + [Metric](own: additions), details: details,
            saeBench: SAEBenchParts(config: config))
    }

    // MARK: - Settings as SAE Bench writes them

    private var config: JSON {
        var members: KeyValuePairs<String, JSON> {
            [
                "model_name": .string(cohort.modelName),
                "llm_dtype": .string(cohort.activationType),
                "batch_size_prompts": .integer(settings.batchSizePrompts),
                "n_eval_reconstruction_batches": .integer(settings.nEvalReconstructionBatches),
                "n_eval_sparsity_variance_batches": .integer(settings.nEvalSparsityVarianceBatches),
                "dataset": .string(settings.dataset),
                "context_size": .integer(settings.contextSize),
                "compute_kl": .bool(true), "compute_ce_loss": .bool(true),
                "compute_l2_norms": .bool(true),
                "compute_sparsity_metrics": .bool(true), "compute_variance_metrics": .bool(true),
                "compute_featurewise_density_statistics": .bool(true),
                "compute_featurewise_weight_based_metrics": .bool(true),
                "exclude_special_tokens_from_reconstruction":
                    .bool(settings.excludeSpecialTokensFromReconstruction),
                "verbose": .bool(false),
            ]
        }
        return .object(members)
    }

    // MARK: - Metrics

    private var total: BatchSums { batches.reduce(BatchSums(), +) }
    private var tokens: Double { Double(total.tokens) }

    /// The mean number of active latents for each token.
    var l0: Double { Double(total.nonZeros) / tokens }

    private var divergence: (sae: Double, ablation: Double) {
        let count = Double(reconstruction.tokens)
        return (
            reconstruction.divergenceWithSAE / count, reconstruction.divergenceWithAblation / count
        )
    }

    private var loss: (sae: Double, clean: Double, ablation: Double) {
        let count = Double(reconstruction.lossTokens)
        return (
            reconstruction.lossWithSAE / count, reconstruction.lossWithoutSAE / count,
            reconstruction.lossWithAblation / count
        )
    }

    private var metrics: [Metric] {
        let (divergence, loss, total) = (divergence, loss, total)
        let categories: [(name: String, values: NamedValues)] = [
            (
                "model_behavior_preservation",
                [
                    ("kl_div_score", (divergence.ablation - divergence.sae) / divergence.ablation),
                    ("kl_div_with_ablation", divergence.ablation),
                    ("kl_div_with_sae", divergence.sae),
                ]
            ),
            (
                "model_performance_preservation",
                [
                    ("ce_loss_score", (loss.ablation - loss.sae) / (loss.ablation - loss.clean)),
                    ("ce_loss_with_ablation", loss.ablation),
                    ("ce_loss_with_sae", loss.sae),
                    ("ce_loss_without_sae", loss.clean),
                ]
            ),
            (
                "reconstruction_quality",
                [
                    ("explained_variance", upstreamExplainedVariance),
                    ("explained_variance_legacy", total.legacyVariance / tokens),
                    ("mse", upstreamSquaredError),
                    ("cossim", total.cosine / tokens),
                ]
            ),
            (
                "shrinkage",
                [
                    ("l2_norm_in", total.inputNorm / tokens),
                    ("l2_norm_out", total.outputNorm / tokens),
                    ("l2_ratio", total.normRatio / tokens),
                    (
                        "relative_reconstruction_bias",
                        mean(batches.map { $0.outputSquared / $0.dot })
                    ),
                ]
            ),
            ("sparsity", [("l0", l0), ("l1", total.latentSum / tokens)]),
            (
                "token_stats",
                [
                    (
                        "total_tokens_eval_reconstruction",
                        rowTokens(settings.nEvalReconstructionBatches)
                    ),
                    (
                        "total_tokens_eval_sparsity_variance",
                        rowTokens(settings.nEvalSparsityVarianceBatches)
                    ),
                ]
            ),
            ("misc_metrics", miscellaneous),
        ]
        return categories.flatMap { category in
            [Metric](category.name, category.values.map { ($0.name, $0.value.map(orMinusOne)) })
        }
    }

    private func rowTokens(_ batches: Int) -> Double {
        Double(batches * settings.batchSizePrompts * settings.contextSize)
    }

    /// SAE Bench's formula, which divides by the tokens of a batch and then by those of all.
    private var upstreamSquaredError: Double {
        batches.reduce(0) { $0 + $1.errorSquared / max(1, Double($1.tokens)) } / tokens
    }

    /// SAE Bench's formula, which squares a mean square where it should square means: `1 - R / (S -
    /// q²)`.
    private var upstreamExplainedVariance: Double {
        let squares = mean(batches.map { $0.inputSquared / Double($0.tokens) })
        let errors = mean(batches.map { $0.errorSquared / Double($0.tokens) })
        let meanSquare = squares / Double(inputSum.count)
        return 1 - errors / (squares - meanSquare * meanSquare)
    }

    /// `1 - Σ ‖x - y‖² / Σ ‖x - mean x‖²` over all kept tokens.
    private var pooledExplainedVariance: Double {
        let meanSquared = inputSum.reduce(0) { $0 + $1 * $1 } / tokens
        return 1 - total.errorSquared / (total.inputSquared - meanSquared)
    }

    private var densities: [Float] { firings.map { Float($0) / Float(total.tokens) } }

    private var miscellaneous: NamedValues {
        let densities = densities
        let sum = densities.reduce(0.0) { $0 + Double($1) }
        let share = { (limit: Float) in
            Double(densities.count { $0 > limit }) / Double(densities.count)
        }
        let weightedShare = { (limit: Float) in
            sum > 0 ? densities.reduce(0.0) { $0 + ($1 > limit ? Double($1) : 0) } / sum : 0
        }
        return [
            ("freq_over_1_percent", share(0.01)), ("freq_over_10_percent", share(0.1)),
            ("normalized_freq_over_1_percent", weightedShare(0.01)),
            ("normalized_freq_over_10_percent", weightedShare(0.1)),
            ("average_max_encoder_cosine_sim", mean(weights.maximumEncoderCosine.map(Double.init))),
            ("average_max_decoder_cosine_sim", mean(weights.maximumDecoderCosine.map(Double.init))),
            ("frac_alive", share(0)),
        ]
    }

    /// What SAE Bench does not report.
    private var additions: NamedValues {
        [
            ("explained_variance_pooled", pooledExplainedVariance),
            ("ce_loss_added_by_sae", loss.sae - loss.clean),
            ("ce_loss_added_by_ablation", loss.ablation - loss.clean),
            ("squared_error_per_token", total.errorSquared / tokens),
            ("squared_error_per_element", total.errorSquared / tokens / Double(inputSum.count)),
            ("dead_latents", Double(firings.count { $0 == 0 })),
        ]
    }

    // MARK: - Latents

    private var details: DetailTable {
        let consistency = zip(firings, firingRows).map { Float($0) / Float($1) }
        let columns = [
            ("feature_density", densities), ("consistent_activation_heuristic", consistency),
            ("encoder_bias", weights.encoderBias), ("encoder_norm", weights.encoderNorm),
            ("encoder_decoder_cosine_sim", weights.encoderDecoderCosine),
            ("max_decoder_cosine_sim", weights.maximumDecoderCosine),
            ("max_encoder_cosine_sim", weights.maximumEncoderCosine),
        ]
        return DetailTable(
            key: "index", rows: .indices(Array(firings.indices)),
            columns: columns.map { ($0, $1.map(rounded)) })
    }

    /// Ten decimals, as SAE Bench rounds.
    private func rounded(_ value: Float) -> Double {
        let value = orMinusOne(Double(value))
        return abs(value) < 1e5 ? (value * 1e10).rounded() / 1e10 : value
    }

    private func orMinusOne(_ value: Double) -> Double { value.isFinite ? value : -1 }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
