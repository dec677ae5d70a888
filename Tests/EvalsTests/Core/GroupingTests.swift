import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Results
import Tensors
import Testing

@testable import Evals

/// Results must not depend on how batches are grouped into units, on threads or on companions.
struct GroupingTests {
    /// Four batches of three rows of a hundred tokens, two rows to a chunk at most.
    private static let settings: CoreSettings = {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = (100, 3)
        (settings.nEvalReconstructionBatches, settings.nEvalSparsityVarianceBatches) = (4, 4)
        return settings
    }()

    private static let rows: TokenRows = {
        var numbers = Numbers(seed: 8)
        return TokenRows(
            tokens: (0..<24 * 100).map { $0 % 100 == 0 ? 0 : Int32(4.99 * (numbers.next() + 1)) },
            positions: 100)
    }()

    private static let autoencoders: [any Autoencoder] = (1...3).map {
        ToyAutoencoder(modelSize: 6, latents: 8 + $0, seed: UInt64($0))
    }

    private static func context(
        _ autoencoders: [any Autoencoder] = autoencoders, threads: Int = 1,
        backend: any KernelBackend = CPUBackend()
    ) -> InMemoryContext {
        let hook = HookPoint(layer: 0, site: .residPost)
        return InMemoryContext(
            cohort: toyCohort(
                hook: hook, layers: 2, modelSize: 6,
                latents: autoencoders.map { $0.description.latents }),
            rows: rows, autoencoders: autoencoders, failures: failuresToLoad(autoencoders),
            model: ToyModel(), backend: backend, threads: threads)
    }

    private static func evaluate(
        _ units: [CoreUnit], subjects: [Int] = [0], in context: InMemoryContext = context()
    ) throws -> [CorePartial] {
        let indices = subjects.map { SubjectIndex($0) }
        return try units.flatMap { unit in
            let results = try Core(settings: settings).evaluate(
                unit, subjects: indices, in: context)
            return try indices.map { try #require(results[$0]).get() }
        }
    }

    /// The numbers of an outcome by name.
    private static func numbers(_ partials: [CorePartial], subject: Int = 0) throws -> [String:
        Double]
    {
        let outcome = try Core(settings: settings)
            .outcome(of: partials, for: SubjectIndex(subject), in: context().cohort)
        var numbers = Dictionary(
            uniqueKeysWithValues: outcome.metrics.compactMap { metric in
                metric.value.map { (metric.name, $0) }
            })
        for (name, values) in outcome.details.columns {
            for (index, value) in values.enumerated() { numbers["\(name) \(index)"] = value }
        }
        return numbers
    }

    private static let weights = CoreUnit.weights(0..<9)

    static let groupings: [[Range<Int>]] = [
        [0..<1, 1..<2, 2..<3, 3..<4], [0..<3, 3..<4], [0..<2, 2..<4], [0..<1, 1..<4],
    ]

    @Test("One unit of four batches equals any units that cover them", arguments: groupings)
    func grouping(_ ranges: [Range<Int>]) throws {
        let whole = try Self.evaluate([.reconstruction(0..<4), .sparsity(0..<4), Self.weights])
        let parts = try Self.evaluate(
            ranges.map { .reconstruction($0) } + ranges.map { .sparsity($0) } + [Self.weights])
        let (expected, found) = (try Self.numbers(whole), try Self.numbers(parts))
        #expect(expected.count == found.count && expected.count > 80)
        for (name, value) in expected {
            #expect(isClose(try #require(found[name]), value, within: 1e-12), "\(name)")
        }
    }

    @Test("Counts and sums of batches do not change at all with the grouping", arguments: groupings)
    func exactParts(_ ranges: [Range<Int>]) throws {
        let whole = try Self.evaluate([.sparsity(0..<4)]).compactMap(\.sparsity)[0]
        let parts = try Self.evaluate(ranges.map { .sparsity($0) }).compactMap(\.sparsity)
        #expect(parts.flatMap(\.batches) == whole.batches)
        let sum = { (counts: [[Int]]) in
            whole.firings.counts.indices.map { place in counts.reduce(0) { $0 + $1[place] } }
        }
        #expect(sum(parts.map(\.firings.counts)) == whole.firings.counts)
        #expect(sum(parts.map(\.firingRows.counts)) == whole.firingRows.counts)
        #expect(whole.firings.counts.reduce(0, +) == whole.batches.reduce(0) { $0 + $1.nonZeros })
        #expect(
            zip(whole.firingRows.counts, whole.firings.counts).allSatisfy { $0 <= $1 && $0 <= 12 })
    }

    @Test("Threads and companions change no bit", arguments: [1, 2, 7])
    func threads(count: Int) throws {
        let units: [CoreUnit] = [.reconstruction(0..<4), .sparsity(0..<4)]
        let alone = try Self.evaluate(units, subjects: [1])
        let together = try Self.evaluate(
            units, subjects: [2, 0, 1], in: Self.context(threads: count))
        #expect(together[2].reconstruction == alone[0].reconstruction)
        #expect(together[5].sparsity == alone[1].sparsity)
    }

    @Test("Both backends agree")
    func backendsAgree() throws {
        let units: [CoreUnit] = [.reconstruction(0..<4), .sparsity(0..<4), Self.weights]
        let reference = try Self.numbers(
            try Self.evaluate(units, in: Self.context(backend: ReferenceBackend())))
        let processor = try Self.numbers(try Self.evaluate(units))
        for (name, value) in reference {
            #expect(isClose(try #require(processor[name]), value, within: 1e-4), "\(name)")
        }
    }

    @Test("An autoencoder that fails fails alone in every kind of unit", arguments: [false, true])
    func failingAlone(failsToLoad: Bool) throws {
        let broken = BrokenAutoencoder(failsToLoad: failsToLoad)
        let mixed = Self.context([Self.autoencoders[0], broken, Self.autoencoders[2]])
        for unit: CoreUnit in [.reconstruction(0..<2), .sparsity(1..<3)] {
            let alone = try Self.evaluate([unit], subjects: [0, 2])
            let results = try Core(settings: Self.settings)
                .evaluate(unit, subjects: [0, 1, 2].map { SubjectIndex($0) }, in: mixed)
            #expect(results.count == 3)
            for (place, subject) in [0, 2].enumerated() {
                let found = try #require(results[SubjectIndex(subject)]).get()
                #expect(found.reconstruction == alone[place].reconstruction)
                #expect(found.sparsity == alone[place].sparsity)
            }
            #expect(throws: Broken.self) { try results[SubjectIndex(1)]?.get() }
        }
    }

    @Test("Partial results survive their way through text")
    func coding() throws {
        let evaluation = try AnyEvaluation(Core.self, settings: Self.settings)
        let context = Self.context()
        let planned = try evaluation.units(context.cohort)
        var texts: [SubjectIndex: [String]] = [:]
        for unit in planned {
            for (subject, result) in try evaluation.evaluate(unit.unit, unit.subjects, context) {
                texts[subject, default: []].append(try result.get())
            }
        }
        for index in Self.autoencoders.indices {
            let units: [CoreUnit] = [
                .reconstruction(0..<4), .sparsity(0..<4), .weights(0..<9 + index),
            ]
            let direct = try Self.numbers(
                try Self.evaluate(units, subjects: [index]), subject: index)
            let outcome = try evaluation.outcome(
                try #require(texts[SubjectIndex(index)]), SubjectIndex(index), context.cohort)
            for metric in outcome.metrics {
                let (value, expected) = (metric.value, direct[metric.name])
                let isSame = try isClose(
                    #require(value), #require(expected), within: 1e-12)
                #expect(isSame, "\(metric.name)")
            }
        }
    }
}

extension CorePartial {
    /// The sums of a reconstruction unit.
    var reconstruction: ReconstructionSums? {
        if case .reconstruction(let sums) = self { sums } else { nil }
    }
    /// The sums of a sparsity unit.
    var sparsity: SparsitySums? { if case .sparsity(let sums) = self { sums } else { nil } }
}
