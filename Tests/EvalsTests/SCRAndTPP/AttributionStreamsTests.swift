import Basics
import EvalKit
import Kernels
import Testing

@testable import Evals

struct AttributionStreamsTests {
    private let subject = SubjectIndex(0)

    /// The partial results of one autoencoder, those of probes and of ablations.
    private func partials(
        isSCR: Bool, threads: Int, autoencoders: [ToyAutoencoder], subject: SubjectIndex
    ) throws -> [AttributionPartial] {
        let context = try AttributionFixture.context(
            isSCR: isSCR, streams: .independent, threads: threads, autoencoders: autoencoders)
        let work = AttributionFixture.work(isSCR: isSCR, in: context)
        return try context.evaluated(AttributionFixture.plan(isSCR: isSCR, in: context).units()) {
            try work.evaluate($0, subjects: $1)
        }.compactMap { $0[subject] }
    }

    @Test(
        "Named streams give the same numbers beside any autoencoder, on any threads",
        arguments: [false, true])
    func independent(isSCR: Bool) throws {
        let toy = ProbingFixture.autoencoder
        let other = ToyAutoencoder(modelSize: 3, latents: 7, seed: 3)
        let first = try partials(isSCR: isSCR, threads: 1, autoencoders: [toy], subject: subject)
        let second = try partials(
            isSCR: isSCR, threads: 3, autoencoders: [other, toy], subject: SubjectIndex(1))
        #expect(first.count == 2)
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
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 3, latents: [4, 5]),
            autoencoders: [ProbingFixture.autoencoder, ProbingFixture.autoencoder],
            failures: [SubjectIndex(0): Broken()],
            labelled: [settings.request(run): ProbingFixture.labelled()])
        let (evaluation, subjects) = (TPP(settings: settings), [SubjectIndex(0), SubjectIndex(1)])
        let probes = try evaluation.evaluate(.probes(run), subjects: subjects, in: context)
        for (subject, partial) in probes {
            try context.setDependencyResults([partial.get()], for: subject)
        }
        let results = try evaluation.evaluate(.ablations(run), subjects: subjects, in: context)
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
