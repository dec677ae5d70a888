import Basics
import EvalKit
import Kernels
import Testing

@testable import Evals

struct AttributionStreamsTests {
    private let subject = SubjectIndex(0)

    /// All partial results of one autoencoder.
    private func partials(
        isSCR: Bool, threads: Int, autoencoders: [ToyAutoencoder], subject: SubjectIndex,
        reversed: Bool = false
    ) throws -> [AttributionPartial] {
        let context = try AttributionFixture.context(
            isSCR: isSCR, streams: .independent, threads: threads, autoencoders: autoencoders)
        let run = try #require(AttributionFixture.settings().runs(isSCR: isSCR).first)
        let work = AttributionFixture.work(isSCR: isSCR, in: context)
        var units: [AttributionUnit] = [.probes(run), .ablations(run)]
        if reversed { units.reverse() }
        let results = try units.map { unit in
            try #require(try work.evaluate(unit, subjects: [subject])[subject]).get()
        }
        return reversed ? results.reversed() : results
    }

    @Test(
        "Named streams give the same numbers in any order, beside any autoencoder, on any threads",
        arguments: [false, true])
    func independent(isSCR: Bool) throws {
        let toy = ProbingFixture.autoencoder
        let other = ToyAutoencoder(modelSize: 3, latents: 7, seed: 3)
        let first = try partials(isSCR: isSCR, threads: 1, autoencoders: [toy], subject: subject)
        let second = try partials(
            isSCR: isSCR, threads: 3, autoencoders: [other, toy], subject: SubjectIndex(1),
            reversed: true)
        #expect(first == second)
        #expect(first[1].ablations.first?.ablated.count == 3)
    }

    @Test("Another seed gives other probes")
    func seeds() throws {
        let context = try AttributionFixture.context(isSCR: false)
        var settings = AttributionFixture.settings()
        let run = AttributionRun(dataset: "fixture")
        let first = try AttributionProbes(run, with: TPP(settings: settings).work(in: context))
        settings.randomSeed = 43
        let other = ProbingFixture.context([settings.request(run): ProbingFixture.labelled()])
        let second = try AttributionProbes(run, with: TPP(settings: settings).work(in: other))
        #expect(first.probes != second.probes)
    }

    @Test("Without latents of effect nothing is ablated and paired accuracies stay")
    func nothingToAblate() throws {
        var dead = ProbingFixture.autoencoder
        dead = ToyAutoencoder(
            encoder: dead.encoder, decoder: dead.decoder,
            encoderBias: [Float](repeating: -1000, count: 5), decoderBias: dead.decoderBias)
        let partials = try partials(
            isSCR: false, threads: 2, autoencoders: [dead], subject: subject)
        let ablations = try #require(partials[1].ablations.first)
        for level in ablations.ablated.flatMap(\.levels) {
            #expect(level.latents == 0)
            #expect(level.pairedAccuracies == partials[0].probes.first?.accuracies)
        }
    }

    @Test("A broken autoencoder fails alone")
    func broken() throws {
        let settings = AttributionFixture.settings()
        let run = AttributionRun(dataset: "fixture")
        let context = ToyContext(
            cohort: toyCohort(modelSize: 3, latents: [4, 5]),
            rows: .init(tokens: [], positions: 1),
            autoencoders: [BrokenAutoencoder(failsToLoad: true), ProbingFixture.autoencoder],
            labelled: [settings.request(run): ProbingFixture.labelled()],
            activations: { _, _ in .init(zeros: [0, 3]) })
        let results = try TPP(settings: settings).evaluate(
            .ablations(run), subjects: [SubjectIndex(0), SubjectIndex(1)], in: context)
        #expect(throws: Broken.self) { try #require(results[SubjectIndex(0)]).get() }
        #expect(throws: Never.self) { try #require(results[SubjectIndex(1)]).get() }
    }

    @Test("Texts with other groups than the evaluation's are refused")
    func groups() throws {
        let (rows, _) = ProbingFixture.labelled(keys: ["only"])
        #expect(throws: EvaluationError.self) {
            try AttributionTexts(rows, run: AttributionRun(dataset: "fixture"))
        }
        let (classes, _) = ProbingFixture.labelled()
        #expect(throws: EvaluationError.self) {
            try AttributionTexts(
                classes, run: AttributionRun(dataset: "fixture", pair: ["professor", "nurse"]))
        }
    }
}
