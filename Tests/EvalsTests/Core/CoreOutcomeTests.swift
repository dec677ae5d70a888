import Basics
import EvalKit
import Testing

@testable import Evals
@testable import Results

struct CoreOutcomeTests {
    /// Sums of a few tokens.
    private static func reconstruction() -> ReconstructionSums {
        var sums = ReconstructionSums()
        (sums.tokens, sums.lossTokens) = (10, 8)
        (sums.divergenceWithSAE, sums.divergenceWithAblation) = (5, 40)
        (sums.lossWithSAE, sums.lossWithoutSAE, sums.lossWithAblation) = (24, 16, 80)
        return sums
    }

    /// One batch of four tokens with two latents.
    private static func sparsity(
        tokens: Int = 4, firings: [Int] = [2, 0], rows: [Int] = [1, 0], inputSum: [Double] = [4, 0]
    ) -> SparsitySums {
        var batch = BatchSums()
        batch.tokens = tokens
        let scale = Double(tokens)
        (batch.inputNorm, batch.outputNorm, batch.normRatio) = (2 * scale, scale, scale / 2)
        (batch.inputSquared, batch.outputSquared, batch.dot) = (5 * scale, 2 * scale, 3 * scale)
        (batch.errorSquared, batch.cosine, batch.legacyVariance) = (scale, scale / 4, scale / 8)
        (batch.nonZeros, batch.latentSum) = (firings.reduce(0, +), tokens == 0 ? 0 : 1.5)
        return SparsitySums(
            batches: [batch], firings: PackedCounts(firings), firingRows: PackedCounts(rows),
            inputSum: inputSum)
    }

    private static func weights(_ count: Int = 2, value: Float = 0.5) -> WeightStatistics {
        let values = [Float](repeating: value, count: count)
        return WeightStatistics(
            encoderBias: values, encoderNorm: values, encoderDecoderCosine: values,
            maximumEncoderCosine: values,
            maximumDecoderCosine: values)
    }

    private static func outcome(_ partials: [CorePartial]) throws -> Outcome {
        try Core(settings: CoreSettings())
            .outcome(of: partials, for: SubjectIndex(0), in: toyCohort(modelSize: 2, latents: [2]))
    }

    private static let whole: [CorePartial] = [
        .reconstruction(reconstruction()), .sparsity(sparsity()), .weights(weights()),
    ]

    @Test(
        "Scores follow from the sums",
        arguments: [
            ("kl_div_score", 35.0 / 40), ("kl_div_with_ablation", 4), ("kl_div_with_sae", 0.5),
            ("ce_loss_score", 56.0 / 64), ("ce_loss_with_ablation", 10), ("ce_loss_with_sae", 3),
            ("ce_loss_without_sae", 2), ("explained_variance", 1 - 1 / (5 - 6.25)),
            ("explained_variance_legacy", 0.125), ("mse", 0.25), ("cossim", 0.25),
            ("l2_norm_in", 2),
            ("l2_norm_out", 1), ("l2_ratio", 0.5), ("relative_reconstruction_bias", 2.0 / 3),
            ("l0", 0.5),
            ("l1", 0.375), ("frac_alive", 0.5), ("freq_over_10_percent", 0.5),
        ] as [(String, Double)])
    func scores(name: String, value: Double) throws {
        #expect(isClose(try Self.outcome(Self.whole).metric(name), value, within: 1e-15))
    }

    @Test("A mean L0 far from the k of batch top-k is noted", arguments: [nil, 1, 3])
    func thresholdNote(k: Int?) throws {
        var cohort = toyCohort(modelSize: 2, latents: [2])
        cohort.subjects[0].reference.trackedK = k
        let outcome = try Core(settings: CoreSettings())
            .outcome(of: Self.whole, for: SubjectIndex(0), in: cohort)
        #expect(outcome.notes.count == (k == nil ? 0 : 1))
        if let k {
            #expect(
                outcome.notes[0].contains(
                    "The mean L0 is 0.5, and batch top-k was trained to keep \(k):"))
        }
    }

    @Test("The pooled explained variance subtracts the squared mean of all tokens")
    func pooled() throws {
        // ‖x‖² sums to 20, the mean is (1, 0) and takes 4 of it; the error is 4.
        #expect(try Self.outcome(Self.whole).metric("explained_variance_pooled") == 1 - 4.0 / 16)
    }

    @Test("A latent that fired once, in any unit, is not dead")
    func deadLatents() throws {
        let silent = Self.sparsity(firings: [3, 0, 0], rows: [1, 0, 0])
        let once = Self.sparsity(firings: [0, 1, 0], rows: [0, 1, 0])
        let outcome = try Self.outcome([
            .sparsity(silent), .sparsity(once), .weights(Self.weights(3)),
        ])
        #expect(try outcome.metric("dead_latents") == 1)
    }

    @Test("Several units of latents are joined in order")
    func joined() throws {
        let outcome = try Self.outcome([
            .sparsity(Self.sparsity()), .weights(Self.weights(1, value: 0.25)),
            .weights(Self.weights(1, value: 0.75)),
        ])
        #expect(outcome.details("encoder_norm") == [0.25, 0.75])
        #expect(try outcome.metric("average_max_decoder_cosine_sim") == 0.5)
    }

    @Test("What is not a number is -1, as SAE Bench stores it")
    func notANumber() throws {
        let nothing = try Self.outcome([
            .reconstruction(ReconstructionSums()),
            .sparsity(Self.sparsity(tokens: 0, firings: [0, 0], rows: [0, 0])),
            .weights(Self.weights(value: .nan)),
        ])
        let counts: Set<String> = [
            "total_tokens_eval_reconstruction", "total_tokens_eval_sparsity_variance",
        ]
        let shares: Set<String> = [
            "freq_over_1_percent", "freq_over_10_percent", "normalized_freq_over_1_percent",
            "normalized_freq_over_10_percent", "frac_alive",
        ]
        let values = nothing.categories.flatMap(\.metrics).filter { !counts.contains($0.name) }
        #expect(values.count > shares.count)
        for metric in values {
            #expect(metric.value == (shares.contains(metric.name) ? 0 : -1), "\(metric.name)")
        }
        let latents = try #require(nothing.detailRows.elements)
        #expect(!latents.isEmpty)
        for latent in latents {
            for member in latent.members ?? [] where member.key != "index" {
                #expect(member.value.double == -1)
            }
        }
    }

    @Test("A batch of special tokens alone spoils no mean over tokens")
    func emptyBatch() throws {
        let empty = Self.sparsity(tokens: 0, firings: [0, 0], rows: [0, 0], inputSum: [0, 0])
        let with = try Self.outcome(Self.whole + [.sparsity(empty)])
        let without = try Self.outcome(Self.whole)
        for name in [
            "mse", "l2_norm_in", "cossim", "l0", "l1", "explained_variance_legacy", "frac_alive",
        ] {
            #expect(try with.metric(name) == without.metric(name), "\(name)")
        }
        #expect(
            try with.metric("explained_variance_pooled")
                == without.metric("explained_variance_pooled"))
    }

    @Test("Partial results of different sizes are refused", arguments: [0, 1, 2])
    func damaged(kind: Int) {
        let other = [
            Self.sparsity(firings: [1]), Self.sparsity(rows: [1]),
            Self.sparsity(inputSum: [1, 2, 3]),
        ][kind]
        #expect(throws: EvaluationError.self) {
            try Self.outcome([.sparsity(Self.sparsity()), .sparsity(other)])
        }
    }

    @Test("Categories, metrics, settings and latents have SAE Bench's keys in its order")
    func keys() throws {
        let outcome = try Self.outcome(Self.whole)
        let metrics = outcome.categories.map {
            ([$0.name] + $0.metrics.map(\.name)).joined(separator: " ")
        }
        #expect(
            metrics == [
                "model_behavior_preservation kl_div_score kl_div_with_ablation kl_div_with_sae",
                "model_performance_preservation ce_loss_score ce_loss_with_ablation ce_loss_with_sae "
                    + "ce_loss_without_sae",
                "reconstruction_quality explained_variance explained_variance_legacy mse cossim",
                "shrinkage l2_norm_in l2_norm_out l2_ratio relative_reconstruction_bias",
                "sparsity l0 l1",
                "token_stats total_tokens_eval_reconstruction total_tokens_eval_sparsity_variance",
                "misc_metrics freq_over_1_percent freq_over_10_percent "
                    + "normalized_freq_over_1_percent normalized_freq_over_10_percent average_max_encoder_cosine_sim "
                    + "average_max_decoder_cosine_sim frac_alive",
            ])
        #expect(
            outcome.saeBench.config.members?.map(\.key) == [
                "model_name", "llm_dtype", "batch_size_prompts", "n_eval_reconstruction_batches",
                "n_eval_sparsity_variance_batches", "dataset", "context_size", "compute_kl",
                "compute_ce_loss",
                "compute_l2_norms", "compute_sparsity_metrics", "compute_variance_metrics",
                "compute_featurewise_density_statistics",
                "compute_featurewise_weight_based_metrics",
                "exclude_special_tokens_from_reconstruction", "verbose",
            ])
        #expect(
            outcome.detailRows.elements?.first?.members?.map(\.key) == [
                "index", "feature_density", "consistent_activation_heuristic", "encoder_bias",
                "encoder_norm",
                "encoder_decoder_cosine_sim", "max_decoder_cosine_sim", "max_encoder_cosine_sim",
            ])
        #expect(
            outcome.metrics.map(\.name).filter { Core.metrics[$0]?.isCount == true } == [
                "total_tokens_eval_reconstruction", "total_tokens_eval_sparsity_variance",
                "dead_latents",
            ])
    }

    @Test("Values of latents are rounded to ten decimals")
    func rounding() throws {
        let outcome = try Self.outcome([
            .sparsity(Self.sparsity(firings: [1, 3], rows: [1, 2])),
            .weights(Self.weights(value: 0.1)),
        ])
        #expect(outcome.details("encoder_bias") == [0.1000000015, 0.1000000015])
        #expect(outcome.details("consistent_activation_heuristic") == [1, 1.5])
        #expect(outcome.details("feature_density") == [0.25, 0.75])
    }

    @Test("Columns name numbers that the outcome has")
    func columns() throws {
        let outcome = try Self.outcome(Self.whole)
        #expect(Core.metrics.columns.count == 9)
        #expect(Core.metrics.columns.allSatisfy { outcome[$0.name] != nil })
    }
}
