import Basics
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Probes
import Tensors
import Testing

@testable import Evals

/// Settings for the worked example.
private func settings(
    k: [Int] = [1, 2], datasets: [String] = ["fixture"], lowerVramUsage: Bool = false
) -> SparseProbingSettings {
    var settings = SparseProbingSettings()
    (settings.datasetNames, settings.kValues) = (datasets, k)
    (settings.probeTrainSetSize, settings.probeTestSetSize) = (24, 12)
    (settings.contextLength, settings.lowerVramUsage) = (3, lowerVramUsage)
    return settings
}

/// A context with two datasets and three autoencoders.
private func context(
    streams: RandomStreams = .independent, threads: Int = 2, backend: any KernelBackend
) -> InMemoryContext {
    var numbers = Numbers(seed: 9)
    var second = ProbingFixture.labelled(keys: ["x", "y", "z", "w"], train: 12, test: 6)
    second.activations = numbers.tensor(second.activations.shape, times: 2)
    return ProbingFixture.context(
        [
            ProbingFixture.request("first"): ProbingFixture.labelled(),
            ProbingFixture.request("second"): second,
        ],
        autoencoders: [
            ProbingFixture.autoencoder, ToyAutoencoder(modelSize: 3, latents: 40, seed: 2),
            ToyAutoencoder(modelSize: 3, latents: 12, seed: 3),
        ],
        streams: streams, backend: backend, threads: threads)
}

/// Partial results of one subject in the order of units, computed in another order.
private func partials(
    of subject: SubjectIndex, _ evaluation: SparseProbing, in context: InMemoryContext,
    order: ([Int]) -> [Int] = { $0 }, alone: Bool = false
) throws -> [SparseProbingPartial] {
    let units = try evaluation.units(for: context.cohort)
    var results: [Int: SparseProbingPartial] = [:]
    for index in order(Array(units.indices)) where units[index].subjects.contains(subject) {
        let subjects = alone ? [subject] : units[index].subjects
        let result = try evaluation.evaluate(units[index].unit, subjects: subjects, in: context)
        #expect(Set(result.keys) == Set(subjects))
        results[index] = try #require(result[subject]).get()
    }
    return units.indices.compactMap { results[$0] }
}

struct SparseProbingTests {
    @Test("Sparse probes of the worked example come out", arguments: backends.indices)
    func workedExample(backend: Int) throws {
        let context = ProbingFixture.context(backend: backends[backend])
        let probing = DatasetProbing(settings: settings(lowerVramUsage: true), context: context)
        let data = try PooledDataset(ProbingFixture.request(), of: SubjectIndex(0), in: context)
        var generator = TorchGenerator(seed: 42)
        let scores = try probing.scoresInOrder(data, source: .latents, using: &generator)
        let expected = [10.0 / 12, 9.0 / 12, 1, 11.0 / 12, 10.0 / 12, 1]
        #expect(scores.compactMap(\.sparse) == expected)
    }

    @Test(
        "Probes see no more features than there are",
        arguments: [(3, 1.0), (9, 1.0)])
    func fewFeatures(k: Int, accuracy: Double) throws {
        var x: [Float] = []
        var labels: [Bool] = []
        for i in 0..<40 {
            x.append(Float(7 * i % 11 - 5) / 5)
            x.append(Float(3 * i % 7 - 3) / 3)
            labels.append(x[3 * i] + 0.5 * x[3 * i + 1] > 0)
            x.append(Float(5 * i % 13 - 6) / 6)
        }
        let even = Array(stride(from: 0, to: 40, by: 2))
        let value = try sparseAccuracy(
            of: FeatureRows(dense: x, columns: 3), k: k,
            train: ProbeTask(rows: Array(0..<40), labels: labels),
            test: ProbeTask(rows: even, labels: even.map { labels[$0] }))
        #expect(value == accuracy)
    }

    @Test(
        "No number depends on threads, order of units or company",
        arguments: [1, 2, 5], RandomStreams.allCases)
    func independence(threads: Int, streams: RandomStreams) throws {
        let evaluation = SparseProbing(settings: settings(datasets: ["first", "second"]))
        for index in 0..<3 {
            let subject = SubjectIndex(index)
            let expected = try partials(
                of: subject, evaluation,
                in: context(streams: streams, threads: 3, backend: CPUBackend()))
            let others = try partials(
                of: subject, evaluation,
                in: context(streams: streams, threads: threads, backend: CPUBackend()),
                order: { $0.reversed() }, alone: true)
            #expect(others == expected)
        }
    }

    @Test("With streams of their own, datasets do not depend on one another")
    func datasetsAlone() throws {
        let context = context(backend: CPUBackend())
        let both = SparseProbing(settings: settings(datasets: ["first", "second"]))
        let one = SparseProbing(settings: settings(datasets: ["second"]))
        let parts = try partials(of: SubjectIndex(1), both, in: context).flatMap(\.parts)
        let alone = try partials(of: SubjectIndex(1), one, in: context).flatMap(\.parts)
        #expect(parts.filter { $0.dataset == "second" } == alone)
    }

    @Test("In SAE Bench's order, the first dataset decides what the second one draws")
    func oneStream() throws {
        let context = context(streams: .upstream, backend: CPUBackend())
        let draws = try [["first", "second"], ["second"]].map { datasets in
            let probing = DatasetProbing(settings: settings(datasets: datasets), context: context)
            var generator = TorchGenerator(seed: 42)
            let trace = PermutationTrace()
            generator.trace = trace
            _ = try probing.upstream(SubjectIndex(0), using: &generator)
            return trace.permutations
        }
        // Negatives of three classes from two others, then of four classes from three others.
        #expect(draws[0][0].count == 12 && draws[1][0].count == 12)
        #expect(draws[0].suffix(draws[1].count).first != draws[1].first)
    }

    @Test("Units name what they do, and only baselines serve all")
    func units() throws {
        let evaluation = SparseProbing(settings: settings(datasets: ["first", "second"]))
        var cohort = toyCohort(modelSize: 3, latents: [5, 40])
        let units = try evaluation.units(for: cohort)
        let all = [SubjectIndex(0), SubjectIndex(1)]
        #expect(
            units.map(\.unit) == [
                .model(dataset: "first"), .latents(dataset: "first"), .latents(dataset: "first"),
                .model(dataset: "second"), .latents(dataset: "second"), .latents(dataset: "second"),
            ])
        #expect(units.map(\.isSharedByAllSubjects) == [true, false, false, true, false, false])
        #expect(
            units.map(\.subjects) == [all, [all[0]], [all[1]], all, [all[0]], [all[1]]])
        #expect(units.map(\.inputs) == [[0], [0], [0], [1], [1], [1]])
        #expect(units.allSatisfy { $0.cost > 0 && $0.costPerToken > 0 })
        cohort.streams = .upstream
        let inOrder = try evaluation.units(for: cohort)
        #expect(inOrder.map(\.unit) == [.upstream, .upstream])
        #expect(inOrder.map(\.subjects) == [[all[0]], [all[1]]])
        #expect(inOrder.allSatisfy { $0.inputs == nil && !$0.isSharedByAllSubjects })
        #expect(evaluation.inputs(for: cohort).map(\.dataset) == ["first", "second"])
    }

    @Test("An autoencoder that cannot encode fails alone")
    func broken() throws {
        let cohort = toyCohort(modelSize: 3, latents: [5, 4])
        let context = InMemoryContext(
            cohort: cohort,
            autoencoders: [ProbingFixture.autoencoder, BrokenAutoencoder(failsToLoad: false)],
            labelled: [ProbingFixture.request(): ProbingFixture.labelled()])
        let results = try SparseProbing(settings: settings()).evaluate(
            .latents(dataset: "fixture"), subjects: [SubjectIndex(0), SubjectIndex(1)], in: context)
        #expect(try results[SubjectIndex(0)]?.get().parts.count == 1)
        #expect(throws: Broken.self) { try results[SubjectIndex(1)]?.get() }
    }

    @Test("Classes that only one split has are an error that names them")
    func otherClasses() throws {
        var labelled = ProbingFixture.labelled()
        labelled.rows.groups.removeLast()
        let context = ProbingFixture.context([ProbingFixture.request(): labelled])
        let error = #expect(throws: EvaluationError.self) {
            try SparseProbing(settings: settings()).evaluate(
                .model(dataset: "fixture"), subjects: [SubjectIndex(0)], in: context)
        }
        #expect(error?.message.contains("[\"a\", \"b\"]") == true)
    }
}
