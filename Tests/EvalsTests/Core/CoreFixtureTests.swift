import Corpora
import EvalKit
import Kernels
import LanguageModels
import Tensors
import Testing

@testable import Evals
@testable import Results

/// The worked example of the specification: two batches of two rows of four tokens, three wide,
/// five latents. Its values were computed with SAE Bench 0.6.0.
struct CoreFixtureTests {
    /// The metrics of the example.
    static let metrics: [(String, Double)] = [
        ("l2_norm_in", 2.7013006), ("l2_norm_out", 4.5409145), ("l2_ratio", 1.6938764),
        ("relative_reconstruction_bias", 1.1893148), ("l0", 2), ("l1", 3.5454545),
        ("frac_alive", 0.8),
        ("freq_over_1_percent", 0.8), ("freq_over_10_percent", 0.8),
        ("explained_variance", -21.733826),
        ("explained_variance_legacy", -3.5923150), ("mse", 5.4043736), ("cossim", -0.0037790537),
        ("normalized_freq_over_1_percent", 1), ("normalized_freq_over_10_percent", 1),
        ("average_max_encoder_cosine_sim", 0.5213889),
        ("average_max_decoder_cosine_sim", 0.8517979),
    ]

    /// The values of each latent.
    static let latents: [(String, [Double])] = [
        ("feature_density", [0, 0.54545456, 0.45454547, 0.45454547, 0.54545456]),
        ("consistent_activation_heuristic", [-1, 1.5, 1.6666666, 1.6666666, 1.5]),
        ("encoder_bias", [-0.2, -0.1, 0, 0.1, 0.2]),
        ("encoder_norm", [1.0606601, 0.75, 0.7905694, 0.9354144, 0.9354144]),
        ("encoder_decoder_cosine_sim", [0.8757492, -0.6311688, 0.5348041, 0.0679606, -0.834541]),
        ("max_encoder_cosine_sim", [-0.1889822, 0.8908708, 0.5070925, 0.5070925, 0.8908708]),
        ("max_decoder_cosine_sim", [0.8909931, 0.8510559, 0.7748911, 0.8909931, 0.8510559]),
        ("index", [0, 1, 2, 3, 4]),
    ]

    /// Tokens of the reconstruction phase, which the example leaves out, then of the example.
    private static let tokens: [Int32] =
        [1, 1, 1, 1, 1, 1, 1, 1] + [0, 1, 2, 3, 0, 2, 3, 4] + [0, 3, 4, 5, 0, 4, 5, 0]

    private static var settings: CoreSettings {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = (4, 2)
        (settings.nEvalReconstructionBatches, settings.nEvalSparsityVarianceBatches) = (1, 2)
        return settings
    }

    private static var autoencoder: ToyAutoencoder {
        let (model, latents) = (3, 5)
        let encoder = (0..<model * latents).map { index in
            Float((3 * (index / latents) + 2 * (index % latents)) % 7 - 3) / 4
        }
        let decoder = (0..<latents * model).map { index in
            let (f, d) = (index / model, index % model)
            return Float((5 * d * d + 3 * f + 2 * d * f) % 7 - 3) / 3 + 0.1
        }
        return ToyAutoencoder(
            encoder: Tensor(encoder, shape: [model, latents]),
            decoder: Tensor(decoder, shape: [latents, model]),
            encoderBias: (0..<latents).map { 0.1 * Float($0 - 2) },
            decoderBias: (0..<model).map { 0.05 * Float($0) })
    }

    /// Activations of some rows of the dataset, of which the example begins at row 2.
    @Sendable private static func activations(_ hook: HookPoint, _ rows: Range<Int>) -> Tensor {
        let values = rows.flatMap { row in
            (0..<12).map { index in
                let (t, d) = (index / 3, index % 3)
                guard row >= 2 else { return Float(0) }
                return Float((7 * (row - 2) + 3 * t + 5 * d) % 11 - 5) / 2 + 0.25 * Float(d)
            }
        }
        return Tensor(values, shape: [rows.count * 4, 3])
    }

    /// The outcome of the sparsity and weight units.
    private static func outcome(_ backend: any KernelBackend) throws -> Outcome {
        let cohort = toyCohort(modelSize: 3, latents: [5])
        let context = InMemoryContext(
            cohort: cohort, rows: TokenRows(tokens: tokens, positions: 4),
            autoencoders: [autoencoder],
            backend: backend, activations: activations)
        let core = Core(settings: settings)
        let subject = SubjectIndex(0)
        var partials: [CorePartial] = []
        for planned in try core.units(for: cohort) {
            if case .reconstruction = planned.unit { continue }
            let results = try core.evaluate(planned.unit, subjects: planned.subjects, in: context)
            partials.append(try #require(results[subject]).get())
        }
        return try core.outcome(of: partials, for: subject, in: cohort)
    }

    @Test("The metrics of the worked example come out", arguments: backends.indices, metrics)
    func metric(backend: Int, entry: (name: String, value: Double)) throws {
        let value = try Self.outcome(backends[backend]).metric(entry.name)
        #expect(isClose(value, entry.value, within: 2e-6))
    }

    @Test("The latents of the worked example come out", arguments: backends.indices, latents)
    func latent(backend: Int, entry: (name: String, values: [Double])) throws {
        let values = try Self.outcome(backends[backend]).details(entry.name)
        #expect(values.count == entry.values.count)
        for (value, expected) in zip(values, entry.values) {
            #expect(isClose(value, expected, within: 2e-7))
        }
    }

    @Test("What SAE Bench leaves out is reported beside it", arguments: backends.indices)
    func additions(backend: Int) throws {
        let outcome = try Self.outcome(backends[backend])
        #expect(
            isClose(try outcome.metric("explained_variance_pooled"), -3.0482955, within: 2e-6))
        #expect(isClose(try outcome.metric("squared_error_per_token"), 29.30832, within: 2e-6))
        #expect(
            isClose(try outcome.metric("squared_error_per_element"), 29.30832 / 3, within: 2e-6))
        #expect(try outcome.metric("dead_latents") == 1)
    }

    @Test("All positions count in the totals, special tokens included")
    func totals() throws {
        let outcome = try Self.outcome(ReferenceBackend())
        #expect(try outcome.metric("total_tokens_eval_reconstruction") == 8)
        #expect(try outcome.metric("total_tokens_eval_sparsity_variance") == 16)
    }
}
