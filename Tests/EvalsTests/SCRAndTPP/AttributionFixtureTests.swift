import Basics
import Corpora
import EvalKit
import Kernels
import Probes
import Results
import Tensors
import Testing

@testable import Evals

/// The specification's worked example for SCR and TPP, whose numbers SAE Bench's functions gave.
enum AttributionFixture {
    static let scrKeys = AttributionTexts.pairs.flatMap { [$0.0, $0.1] }

    static func settings(nValues: [Int] = [1, 2]) -> AttributionSettings {
        var settings = AttributionSettings()
        settings.datasetNames = ["fixture"]
        (settings.trainSetSize, settings.testSetSize, settings.contextLength) = (24, 12, 3)
        settings.nValues = nValues
        settings.column1ValsLookup = ["fixture": [["professor", "nurse"]]]
        return settings
    }

    static func context(
        isSCR: Bool, streams: RandomStreams = .upstream,
        backend: any KernelBackend = ReferenceBackend(), threads: Int = 2,
        autoencoders: [ToyAutoencoder]? = nil
    ) throws -> InMemoryContext {
        let settings = settings()
        let run = try #require(settings.runs(isSCR: isSCR).first)
        let labelled =
            isSCR ? ProbingFixture.labelled(keys: scrKeys) : ProbingFixture.labelled()
        return ProbingFixture.context(
            [settings.request(run): labelled], autoencoders: autoencoders, streams: streams,
            backend: backend, threads: threads)
    }

    /// The plan of the example's work.
    static func plan(isSCR: Bool, in context: InMemoryContext, nValues: [Int] = [1, 2])
        -> AttributionPlan
    {
        AttributionPlan(
            identifier: isSCR ? "scr" : "tpp", isSCR: isSCR, settings: settings(nValues: nValues),
            cohort: context.cohort)
    }

    static func work(
        isSCR: Bool, in context: InMemoryContext, nValues: [Int] = [1, 2]
    ) -> AttributionWork {
        isSCR
            ? SCR(settings: settings(nValues: nValues)).work(in: context)
            : TPP(settings: settings(nValues: nValues)).work(in: context)
    }
}

/// Whether numbers are those of a list, up to the digits that it gives.
private func expectClose(
    _ values: [Float], _ expected: [Float], within tolerance: Float = 2e-6,
    location: Testing.SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, sourceLocation: location)
    for (value, expected) in zip(values, expected) {
        #expect(abs(value - expected) <= tolerance, sourceLocation: location)
    }
}

struct AttributionFixtureTests {
    @Test("Probes and effects of TPP are those of SAE Bench", arguments: backends.indices)
    func tppStages(backend: Int) throws {
        let context = try AttributionFixture.context(isSCR: false, backend: backends[backend])
        let work = AttributionFixture.work(isSCR: false, in: context)
        var generator = TorchGenerator(seed: 42)
        let run = AttributionRun(dataset: "fixture")
        let probes = try AttributionProbes(run, with: work, using: &generator)
        expectClose(probes.probes[0].weights, [0.319783, -0.242896, 0.335063])
        expectClose([probes.probes[0].bias, probes.probes[1].bias], [-0.135018, -0.2799])
        expectClose(probes.probes[1].weights, [-0.566635, 0.17341, -0.38125])
        #expect(
            probes.accuracies.accuracies == [Double(Float(8) / 12), Double(Float(8) / 12), 0.5])
        let latents = try LatentEffects(of: SubjectIndex(0), probes, with: work)
        let expected: [[Float]] = [
            [0, 0, 0.148556, 0.005208, 0], [0, -0.112763, 0, 0, -0.169429],
            [0.041513, 0, 0.048616, 0.063722, 0],
        ]
        for place in 0..<3 {
            let task = probes.texts.task(.train, of: place, using: &generator)
            expectClose(latents.effects(task, of: place, isSCR: false), expected[place])
        }
    }

    @Test("Metrics of TPP are those of SAE Bench", arguments: backends.indices)
    func tpp(backend: Int) throws {
        let context = try AttributionFixture.context(isSCR: false, backend: backends[backend])
        let evaluation = TPP(settings: AttributionFixture.settings())
        let partial = try #require(
            try evaluation.evaluate(.upstream, subjects: [SubjectIndex(0)], in: context)[
                SubjectIndex(0)]
        ).get()
        let values = try #require(
            TPPOutcome(
                settings: evaluation.settings, cohort: context.cohort, partials: [partial]
            ).outcome().detailRows.elements?.first)
        let expected = [
            ("1_total_metric", 0.0138889), ("1_intended_diff_only", 0.1111111),
            ("1_unintended_diff_only", 0.0972222), ("2_total_metric", 0),
            ("2_intended_diff_only", 0.1111111), ("2_unintended_diff_only", 0.1111111),
        ]
        for (name, value) in expected {
            let metric = try #require(values["tpp_threshold_\(name)"]?.double)
            #expect(abs(metric - value) < 1e-6, "\(name)")
        }
    }

    @Test("Effects of SCR are those of SAE Bench", arguments: backends.indices)
    func scrStages(backend: Int) throws {
        let context = try AttributionFixture.context(isSCR: true, backend: backends[backend])
        let work = AttributionFixture.work(isSCR: true, in: context)
        var generator = TorchGenerator(seed: 42)
        let run = AttributionRun(dataset: "fixture", pair: ["professor", "nurse"])
        let probes = try AttributionProbes(run, with: work, using: &generator)
        let clean = probes.accuracies
        let named = Dictionary(uniqueKeysWithValues: zip(clean.evaluations, clean.accuracies))
        let biased = "male_professor / female_nurse"
        for (name, value) in [
            ("male / female", 4), ("professor / nurse", 6), (biased, 10),
            ("\(biased) probe on male / female data", 1),
            ("\(biased) probe on professor / nurse data", 5),
        ] {
            #expect(named[name] == Double(Float(value) / 12), "\(name)")
        }
        let latents = try LatentEffects(of: SubjectIndex(0), probes, with: work)
        let expected: [[Float]] = [
            [0, 0.127371, 0.312019, 0.188694, 0.217832],
            [0.002313, 0.043377, 0.060921, 0.00064, 0.094242],
            [0.143238, 0.003642, 0.092322, 0.21589, 0.064099],
        ]
        for (index, place) in probes.texts.chosen.enumerated() {
            let task = probes.texts.task(.train, of: place, using: &generator)
            expectClose(latents.effects(task, of: place, isSCR: true), expected[index])
        }
    }

    @Test("Metrics of SCR are those of SAE Bench", arguments: backends.indices)
    func scr(backend: Int) throws {
        let context = try AttributionFixture.context(isSCR: true, backend: backends[backend])
        let evaluation = SCR(settings: AttributionFixture.settings())
        let partial = try #require(
            try evaluation.evaluate(.upstream, subjects: [SubjectIndex(0)], in: context)[
                SubjectIndex(0)]
        ).get()
        let outcome = try evaluation.outcome(
            of: [partial], for: SubjectIndex(0), in: context.cohort)
        for (name, value) in [
            ("dir1_threshold_1", 0), ("dir1_threshold_2", 0), ("dir2_threshold_1", -1.0 / 3),
            ("dir2_threshold_2", 1.0 / 3), ("metric_threshold_1", -1.0 / 3),
            ("metric_threshold_2", 1.0 / 3),
        ] {
            #expect(abs(try outcome.metric("scr_\(name)") - value) < 1e-6, "\(name)")
        }
    }

    @Test("Latents of an activation of 0 are those of the example")
    func leak() throws {
        let autoencoder = ProbingFixture.autoencoder
        let decoding = try LatentDecoding(autoencoder, on: ReferenceBackend(), name: "toy")
        let leak = try decoding.latentsOfZero(
            among: LatentSelection(Array(0..<5), of: autoencoder))
        #expect(leak.map(\.latent) == [2, 3, 4])
        for (entry, value) in zip(leak, [0.0375, 0.0625, 0.2625]) {
            #expect(abs(entry.value - value) < 1e-7)
        }
        #expect(!decoding.scalesTokens)
    }
}
