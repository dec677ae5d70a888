import Autoencoders
import Basics
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Tensors
import Testing

@testable import Evals

/// Real autoencoders of every architecture, whole and in parts.
struct AttributionSliceTests {
    private static let fixtures: String = {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return tests.joined(separator: "/") + "/Fixtures/saes/tiny-res"
    }()
    private static let names = [
        "standard", "standard-bf16", "jumprelu", "gated", "batchtopk-training",
        "matryoshka-training", "finetuned", "scaled-jumprelu", "standard-layer-norm",
        "standard-constant-norm", "gated-layer-norm", "topk", "topk-rescaled",
    ]

    /// Texts of one to four stored tokens in some groups.
    private static func labelled(_ groups: [String]) -> (rows: TextRows, activations: Tensor) {
        var rows = TextRows(
            tokens: [], starts: [0], stored: [], storedStarts: [0], groups: [], sources: [])
        for (split, texts) in [(TextRows.Split.train, 12), (.test, 6)] {
            for name in groups {
                let first = rows.count
                for _ in 0..<texts {
                    let count = 1 + rows.count % 4
                    rows.tokens += [Int32](repeating: 1, count: count)
                    rows.stored += (0..<count).map { rows.starts[rows.count] + $0 }
                    rows.starts.append(rows.tokens.count)
                    rows.storedStarts.append(rows.stored.count)
                    rows.sources.append("\(rows.count)")
                }
                rows.groups.append(
                    TextRows.Group(name: name, split: split, texts: Array(first..<rows.count)))
            }
        }
        var numbers = Numbers(seed: 23)
        return (rows, numbers.tensor([rows.stored.count, 8], times: 3))
    }

    /// The partial results of ablations, and how many units there were.
    private static func ablations(
        _ name: String, isSCR: Bool, backend: any KernelBackend, mostOperations: Double
    ) throws -> (partials: [AttributionPartial], units: Int) {
        let reference = try #require(try findAutoencoders(under: "\(fixtures)/\(name)").first)
        let settings = AttributionFixture.settings(nValues: [1, 2, 5, 20])
        let run = try #require(settings.runs(isSCR: isSCR).first)
        let texts = labelled(isSCR ? AttributionFixture.scrKeys : ["a", "b", "c"])
        var cohort = toyCohort(modelSize: 8, latents: [24])
        cohort.subjects = [Subject(reference: reference, key: ContentHash.of(name))]
        let context = InMemoryContext(
            cohort: cohort, autoencoders: [try loadAutoencoder(reference)], backend: backend,
            labelled: [settings.request(run): texts])
        var plan = AttributionPlan(
            identifier: isSCR ? "scr" : "tpp", isSCR: isSCR, settings: settings, cohort: cohort)
        plan.mostOperations = mostOperations
        let work = AttributionWork(
            identifier: plan.identifier, isSCR: isSCR, settings: settings, context: context)
        let units = plan.units()
        let partials = try context.evaluated(units) { try work.evaluate($0, subjects: $1) }
        return (
            partials.compactMap { $0[SubjectIndex(0)] }.filter { !$0.ablations.isEmpty },
            units.count
        )
    }

    @Test("In parts of any size the same bits come out", arguments: names, [false, true])
    func parts(name: String, isSCR: Bool) throws {
        for backend in backends {
            let whole = try Self.ablations(
                name, isSCR: isSCR, backend: backend, mostOperations: .infinity)
            #expect(whole.units == 2)
            let levels = whole.partials.flatMap(\.ablations).flatMap(\.ablated).flatMap(\.levels)
            #expect(Set(levels.map(\.accuracies)).count > 1)
            for mostOperations in [1, 1e4, 3e4] as [Double] {
                let parts = try Self.ablations(
                    name, isSCR: isSCR, backend: backend, mostOperations: mostOperations)
                #expect(parts.partials == whole.partials)
                // Latents of top-k depend on one another and stay together.
                #expect((parts.units > 2) == !name.hasPrefix("topk"), "\(parts.units) units")
            }
        }
    }

    @Test(
        "Where some latents cannot be encoded alone the others are left out",
        arguments: backends.indices)
    func fallback(backend: Int) throws {
        let toy = ToyAutoencoder(modelSize: 6, latents: 31, seed: 4)
        #expect(toy.encoding(of: [1]) == nil)
        var numbers = Numbers(seed: 2)
        let x = numbers.tensor([17, 6], times: 2)
        let whole = try toy.encode(x, on: backends[backend])
        for latents in [[0], [3, 4, 5, 30], Array(0..<31)] {
            let selection = LatentSelection(latents, of: toy)
            let codes = try selection.encode(x, on: backends[backend])
            var expected: [[Int: Float]] = []
            var got = expected
            for row in 0..<17 {
                let entries = whole.rowStarts[row]..<whole.rowStarts[row + 1]
                expected.append(
                    Dictionary(
                        uniqueKeysWithValues: entries.map {
                            (Int(whole.indices[$0]), whole.values[$0])
                        }
                    ).filter { latents.contains($0.key) })
                let some = codes.rowStarts[row]..<codes.rowStarts[row + 1]
                got.append(
                    Dictionary(
                        uniqueKeysWithValues: some.map {
                            (latents[Int(codes.indices[$0])], codes.values[$0])
                        }))
            }
            #expect(got == expected)
            #expect(codes.latents == latents.count)
            #expect(selection.indices(of: latents.reversed()) == Array(latents.indices.reversed()))
        }
    }
}
