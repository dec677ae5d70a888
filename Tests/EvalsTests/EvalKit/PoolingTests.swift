import Corpora
import EvalKit
import Kernels
import LanguageModels
import Probes
import Tensors
import Testing

@testable import EvalKit

/// Rows as dense arrays.
private func dense(_ features: FeatureRows) -> [[Float]] {
    (0..<features.count).map { row in
        let entries = features.starts[row]..<features.starts[row + 1]
        guard !features.isDense else { return Array(features.values[entries]) }
        var values = [Float](repeating: 0, count: features.columns)
        for entry in entries { values[Int(features.indices[entry])] = features.values[entry] }
        return values
    }
}

/// Texts of 1 to 40 stored tokens with repeatable activations.
private func unevenTexts(_ count: Int, modelSize: Int) -> (rows: TextRows, activations: Tensor) {
    var rows = TextRows(
        tokens: [], starts: [0], stored: [], storedStarts: [0], groups: [], sources: [])
    for text in 0..<count {
        let length = 1 + text * 17 % 40
        rows.tokens += [0] + [Int32](repeating: 1, count: length)
        rows.stored += (0..<length).map { rows.starts[text] + 1 + $0 }
        rows.starts.append(rows.tokens.count)
        rows.storedStarts.append(rows.stored.count)
        rows.sources.append("train.jsonl:\(text)")
    }
    var numbers = Numbers(seed: 5)
    return (rows, numbers.tensor([rows.stored.count, modelSize], times: 3))
}

struct PoolingTests {
    @Test("Pooled activations of the worked example come out", arguments: backends.indices)
    func activations(backend: Int) throws {
        let context = ProbingFixture.context(backend: backends[backend])
        let features = try context.pooledActivations(ProbingFixture.request())
        #expect(features.isDense && features.count == 54 && features.columns == 3)
        let expected: [[Float]] = [[0.05, 0.4166667, -0.5833333], [1.1333333, 0.0555556, 0.5]]
        for (row, expected) in zip(dense(features), expected) {
            for (value, expected) in zip(row, expected) { #expect(abs(value - expected) < 2e-7) }
        }
    }

    @Test("Pooled latents of the worked example come out", arguments: backends.indices)
    func latents(backend: Int) throws {
        let context = ProbingFixture.context(backend: backends[backend])
        let features = try context.pooledLatents(ProbingFixture.request(), of: SubjectIndex(0))
        #expect(!features.isDense && features.count == 54 && features.columns == 5)
        let expected: [[Float]] = [
            [0, 0.4125, 0, 0, 0.779167], [0, 0.088889, 0.463889, 1.148611, 0.065278],
        ]
        for (row, expected) in zip(dense(features), expected) {
            for (value, expected) in zip(row, expected) { #expect(abs(value - expected) < 6e-7) }
        }
        #expect(features.values.allSatisfy { $0 != 0 })
    }

    @Test("Means are those of each text alone, whatever threads and chunks", arguments: [1, 2, 7])
    func chunks(threads: Int) throws {
        let (rows, x) = unevenTexts(330, modelSize: 6)
        let request = ProbingFixture.request()
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 70, seed: 3)
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 6, latents: [70]),
            autoencoders: [autoencoder],
            backend: CPUBackend(), threads: threads,
            labelled: [request: (rows, x)])
        #expect(
            try TextChunk.list(
                rows, dataset: "fixture", policy: .processor, threads: threads
            ).count > threads)
        let latents = try dense(context.pooledLatents(request, of: SubjectIndex(0)))
        let activations = try dense(context.pooledActivations(request))
        for text in 0..<rows.count {
            let range = rows.storedStarts[text]..<rows.storedStarts[text + 1]
            let codes = try autoencoder.encode(x.rows(range), on: CPUBackend())
            var sums = [Double](repeating: 0, count: 70)
            for (latent, value) in zip(codes.indices, codes.values) {
                sums[Int(latent)] += Double(value)
            }
            #expect(latents[text] == sums.map { Float($0 / Double(range.count)) })
            let columns = (0..<6).map { d in
                range.reduce(0.0) { $0 + Double(x.value(at: $1 * 6 + d)) } / Double(range.count)
            }
            #expect(activations[text] == columns.map { Float($0) })
        }
    }

    @Test(
        "Of some texts the same means come out, and the others are left empty", arguments: [1, 3])
    func someTexts(threads: Int) throws {
        let (rows, x) = unevenTexts(60, modelSize: 6)
        let request = ProbingFixture.request()
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 70, seed: 3)
        let context = ProbingFixture.context(
            [request: (rows, x)], autoencoders: [autoencoder], backend: CPUBackend(),
            threads: threads)
        let whole = try dense(context.pooledLatents(request, of: SubjectIndex(0)))
        for chosen in [[], [0], [59], [3, 4, 5, 20, 41, 42], Array(0..<60)] {
            let some = try dense(
                context.pooledCodes(
                    request, texts: chosen, latents: 70, pieces: CodePieces(of: autoencoder)
                ) {
                    try autoencoder.encode($0, on: CPUBackend())
                })
            #expect(some.count == 60)
            for text in 0..<60 {
                let expected =
                    chosen.contains(text) ? whole[text] : [Float](repeating: 0, count: 70)
                #expect(some[text] == expected)
            }
        }
    }

    @Test("A latent whose values cancel out is not stored")
    func cancelled() {
        let (rows, _) = unevenTexts(1, modelSize: 1)
        var two = rows
        (two.stored, two.storedStarts) = ([1, 2], [0, 2])
        let chunks = try? TextChunk.list(two, dataset: "fixture", policy: .processor, threads: 1)
        let codes = SparseCodes(
            latents: 130, rowStarts: [0, 2, 4], indices: [64, 129, 0, 64], values: [1, 2, 3, -1])
        let means = chunks.flatMap { try? CPUBackend().means(of: codes, over: $0[0].starts) }
        let pooled = means.map { PooledCodes($0) }
        #expect(pooled?.indices == [0, 129])
        #expect(pooled?.values == [1.5, 1])
        #expect(pooled?.starts == [0, 2])
    }

    @Test("A text without a token to pool is an error that names its row")
    func emptyText() throws {
        var (rows, x) = unevenTexts(5, modelSize: 3)
        let stored = rows.storedStarts[3]..<rows.storedStarts[4]
        rows.stored.removeSubrange(stored)
        for text in 4...5 { rows.storedStarts[text] -= stored.count }
        let request = ProbingFixture.request()
        let context = ProbingFixture.context([request: (rows, x)])
        let error = #expect(throws: EvaluationError.self) {
            try context.pooledActivations(request)
        }
        #expect(error?.message == "Text train.jsonl:3 of `fixture` has no token to pool")
    }

    @Test("Activations of another number of tokens are refused")
    func otherActivations() throws {
        let (rows, x) = unevenTexts(5, modelSize: 3)
        var shorter = rows
        shorter.storedStarts[5] -= 1
        #expect(throws: EvaluationError.self) {
            try TextChunk.list(shorter, dataset: "fixture", policy: .processor, threads: 1)[0]
                .check(
                    x.rows, dataset: "fixture")
        }
    }
}
