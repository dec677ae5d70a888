import Autoencoders
import Corpora
import EvalKit
import Glibc
import Kernels
import LanguageModels
import Tensors
import Testing

@testable import Evals

struct ReconstructionPhaseTests {
    /// Rows of five tokens, special ones at the start, inside, and at the end.
    private static let tokens: [Int32] = [
        0, 1, 2, 3, 4, 0, 5, 0, 6, 7, 0, 8, 9, 1, 0, 0, 2, 4, 6, 8, 3, 5, 7, 9, 1, 0, 0, 0, 2, 2, 0,
        9, 8, 7, 6,
    ]
    private static let positions = 5

    /// Two batches of three rows; a row behind them belongs to the other phase.
    private static func settings(excluding: Bool) -> CoreSettings {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = (positions, 3)
        (settings.nEvalReconstructionBatches, settings.nEvalSparsityVarianceBatches) = (2, 1)
        settings.excludeSpecialTokensFromReconstruction = excluding
        return settings
    }

    static let hooks = [
        "blocks.0.hook_resid_pre", "blocks.0.hook_resid_post", "blocks.1.hook_resid_pre",
        "blocks.1.hook_resid_post",
        "blocks.0.hook_attn_out", "blocks.0.hook_resid_mid", "blocks.0.hook_mlp_out",
        "blocks.1.hook_mlp_out",
    ]

    /// Divergence from the first logits and cross entropy of the second.
    private static func compare(_ clean: [Double], _ changed: [Double], next: Int32?) -> (
        Double, Double
    ) {
        let logarithms = { (logits: [Double]) in
            let sum = log(logits.reduce(0) { $0 + exp($1) })
            return logits.map { $0 - sum }
        }
        let (p, q) = (logarithms(clean), logarithms(changed))
        return (
            zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }, next.map { -q[Int($0)] } ?? 0
        )
    }

    /// Sums by plain loops over whole forward passes.
    private static func expected(hook: HookPoint, excluding: Bool, autoencoder: ToyAutoencoder)
        -> ReconstructionSums
    {
        let model = ToyModel()
        var sums = ReconstructionSums()
        for row in 0..<6 {
            let tokens = Array(Self.tokens[row * positions..<(row + 1) * positions])
            let clean = model.reference(tokens, replacing: nil) { $0 }
            let spliced = model.reference(tokens, replacing: hook) { x in
                x.indices.map {
                    excluding && tokens[$0] == 0 ? x[$0] : autoencoder.reference(x[$0])
                }
            }
            let ablated = model.reference(tokens, replacing: hook) { x in
                x.map { $0.map { _ in 0 } }
            }
            for position in 0..<positions where tokens[position] != 0 {
                let next = position + 1 < positions ? tokens[position + 1] : nil
                let sae = compare(clean[position], spliced[position], next: next)
                let zero = compare(clean[position], ablated[position], next: next)
                sums.tokens += 1
                sums.lossTokens += next == nil ? 0 : 1
                sums.divergenceWithSAE += sae.0
                sums.divergenceWithAblation += zero.0
                sums.lossWithSAE += sae.1
                sums.lossWithAblation += zero.1
                sums.lossWithoutSAE += compare(clean[position], clean[position], next: next).1
            }
        }
        return sums
    }

    private static func context(
        _ hook: HookPoint, _ autoencoders: [any Autoencoder], backend: any KernelBackend,
        type: String
    ) -> InMemoryContext {
        var cohort = toyCohort(
            hook: hook, layers: 2, modelSize: 6,
            latents: autoencoders.map { $0.description.latents })
        cohort.activationType = type
        return InMemoryContext(
            cohort: cohort, rows: TokenRows(tokens: tokens, positions: positions),
            autoencoders: autoencoders, failures: failuresToLoad(autoencoders),
            model: ToyModel(), backend: backend)
    }

    /// The sums of the evaluation.
    private static func sums(
        hook: HookPoint, excluding: Bool, autoencoders: [any Autoencoder],
        batches: Range<Int> = 0..<2,
        backend: any KernelBackend = ReferenceBackend(), type: String = "float32"
    ) throws -> [SubjectIndex: Result<ReconstructionSums, any Error>] {
        let context = context(hook, autoencoders, backend: backend, type: type)
        return try ReconstructionPhase(settings: settings(excluding: excluding), context: context)
            .evaluate(batches, subjects: autoencoders.indices.map { SubjectIndex($0) })
    }

    @Test(
        "Divergences and losses are those of plain loops, at every kind of hook", arguments: hooks,
        [false, true])
    func plainLoops(hookName: String, excluding: Bool) throws {
        let hook = try HookPoint(parsing: hookName)
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 9, seed: 3)
        let expected = Self.expected(hook: hook, excluding: excluding, autoencoder: autoencoder)
        for backend in backends {
            let results = try Self.sums(
                hook: hook, excluding: excluding, autoencoders: [autoencoder], backend: backend)
            let sums = try #require(results[SubjectIndex(0)]).get()
            #expect(sums.tokens == expected.tokens)
            #expect(sums.lossTokens == expected.lossTokens)
            #expect(isClose(sums.divergenceWithSAE, expected.divergenceWithSAE, within: 1e-5))
            #expect(
                isClose(sums.divergenceWithAblation, expected.divergenceWithAblation, within: 1e-5))
            #expect(isClose(sums.lossWithSAE, expected.lossWithSAE, within: 1e-5))
            #expect(isClose(sums.lossWithoutSAE, expected.lossWithoutSAE, within: 1e-5))
            #expect(isClose(sums.lossWithAblation, expected.lossWithAblation, within: 1e-5))
        }
    }

    @Test("Special tokens and last positions are counted as the definition says")
    func counts() throws {
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 9, seed: 3)
        let results = try Self.sums(
            hook: HookPoint(layer: 0, site: .residPost), excluding: false,
            autoencoders: [autoencoder])
        let sums = try #require(results[SubjectIndex(0)]).get()
        #expect(sums.tokens == 21)
        // Five rows end with a token that counts and has no successor; the third row ends with BOS.
        #expect(sums.lossTokens == 16)
    }

    @Test("Excluding special tokens changes what the reconstruction sees and nothing else")
    func excluding() throws {
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 9, seed: 3)
        let hook = HookPoint(layer: 0, site: .residPost)
        let with = try #require(
            try Self.sums(hook: hook, excluding: true, autoencoders: [autoencoder])[SubjectIndex(0)]
        ).get()
        var without = try #require(
            try Self.sums(hook: hook, excluding: false, autoencoders: [autoencoder])[
                SubjectIndex(0)]
        ).get()
        #expect(with.lossWithSAE != without.lossWithSAE)
        (without.lossWithSAE, without.divergenceWithSAE) = (
            with.lossWithSAE, with.divergenceWithSAE
        )
        #expect(with == without)
    }

    @Test(
        "A reconstruction is rounded to the stored type before it is spliced in",
        arguments: ["bfloat16", "float16"])
    func rounding(type: String) throws {
        func sums(_ value: Float, _ type: String) throws -> ReconstructionSums {
            // Every reconstruction is this value throughout.
            let constant = ToyAutoencoder(
                encoder: Tensor(zeros: [6, 1]), decoder: Tensor(zeros: [1, 6]), encoderBias: [0],
                decoderBias: [Float](repeating: value, count: 6))
            let results = try Self.sums(
                hook: HookPoint(layer: 0, site: .residPost), excluding: false,
                autoencoders: [constant], type: type)
            return try #require(results[SubjectIndex(0)]).get()
        }
        // The nearest number of either type is 1.
        let value: Float = 1 + 0x1p-12
        let rounded = try sums(1, "float32")
        #expect(try sums(value, type) == rounded)
        #expect(try sums(value, "float32") != rounded)
    }

    @Test("A perfect reconstruction has no divergence and the clean loss", arguments: hooks)
    func perfect(hookName: String) throws {
        var encoder = [Float](repeating: 0, count: 6 * 12)
        var decoder = encoder
        for d in 0..<6 {
            (encoder[d * 12 + d], encoder[d * 12 + d + 6]) = (1, -1)
            (decoder[d * 6 + d], decoder[(d + 6) * 6 + d]) = (1, -1)
        }
        let identity = ToyAutoencoder(
            encoder: Tensor(encoder, shape: [6, 12]), decoder: Tensor(decoder, shape: [12, 6]),
            encoderBias: [Float](repeating: 0, count: 12),
            decoderBias: [Float](repeating: 0, count: 6))
        let results = try Self.sums(
            hook: try HookPoint(parsing: hookName), excluding: false, autoencoders: [identity])
        let sums = try #require(results[SubjectIndex(0)]).get()
        #expect(sums.lossWithSAE == sums.lossWithoutSAE)
        #expect(abs(sums.divergenceWithSAE) < 1e-12)
        #expect(sums.divergenceWithAblation > 0.1)
    }

    @Test(
        "An autoencoder that fails fails alone", arguments: [false, true],
        ["blocks.0.hook_resid_post", "blocks.1.hook_mlp_out"])
    func failingAlone(failsToLoad: Bool, hookName: String) throws {
        let hook = try HookPoint(parsing: hookName)
        let good = [1, 2].map { ToyAutoencoder(modelSize: 6, latents: 9, seed: $0) }
        let alone = try Self.sums(hook: hook, excluding: true, autoencoders: good)
        let mixed = try Self.sums(
            hook: hook, excluding: true,
            autoencoders: [good[0], BrokenAutoencoder(failsToLoad: failsToLoad), good[1]])
        #expect(alone.count == 2)
        #expect(try mixed[SubjectIndex(0)]?.get() == alone[SubjectIndex(0)]?.get())
        #expect(try mixed[SubjectIndex(2)]?.get() == alone[SubjectIndex(1)]?.get())
        #expect(throws: Broken.self) { try mixed[SubjectIndex(1)]?.get() }
        #expect(mixed.count == 3)
    }
}
