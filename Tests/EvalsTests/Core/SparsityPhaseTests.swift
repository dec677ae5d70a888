import Corpora
import EvalKit
import Tensors
import Testing

@testable import Evals

struct SparsityPhaseTests {
    @Test("The norm of a reconstruction is divided by 1 where that of its activation is below 1e-4")
    func smallNorms() throws {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = (2, 1)
        (settings.nEvalReconstructionBatches, settings.nEvalSparsityVarianceBatches) = (1, 1)
        // Every reconstruction is (3, 4); the activations have norms of 5e-5 and 10.
        let autoencoder = ToyAutoencoder(
            encoder: Tensor(zeros: [2, 1]), decoder: Tensor(zeros: [1, 2]), encoderBias: [0],
            decoderBias: [3, 4])
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 2, latents: [1]),
            rows: TokenRows(tokens: [1, 1, 1, 1], positions: 2), autoencoders: [autoencoder]
        ) { _, rows in
            Tensor(
                rows.flatMap { _ in [3e-5, 4e-5, 6, 8] as [Float] }, shape: [rows.count * 2, 2])
        }
        let results = try SparsityPhase(settings: settings, context: context)
            .evaluate(0..<1, subjects: [SubjectIndex(0)])
        let sums = try #require(results[SubjectIndex(0)]).get()
        #expect(sums.batches.map(\.tokens) == [2])
        // 5 / 1 and 5 / 10.
        #expect(sums.batches.map(\.normRatio) == [5.5])
    }
}
