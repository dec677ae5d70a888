import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Synchronization
import Tensors

/// Norms, variance, sparsity and firing counts on the rows after those of the reconstruction phase.
///
/// - Source: `get_sparsity_and_variance_metrics` of SAE Bench 0.6.0.
struct SparsityPhase {
    let settings: CoreSettings
    let context: any EvaluationContext

    func evaluate(
        _ batches: Range<Int>, subjects: [SubjectIndex]
    ) throws -> [SubjectIndex: Result<SparsitySums, any Error>] {
        let unit = LoadedSubjects(subjects, in: context)
        let first = settings.nEvalReconstructionBatches * settings.batchSizePrompts
        let chunks = Chunk.list(
            batches, settings: settings, first: first, tokens: context.backend.chunks.tokens,
            policy: context.backend.chunks, threads: context.threads)
        let rows = try context.rows
        let inputs = try context.parallel(batches.count) { index in
            try BatchInput(
                chunks: chunks.filter { $0.batch == batches.lowerBound + index }, rows: rows,
                context: context)
        }
        let counts = unit.loaded.map { FiringCounts(latents: $0.autoencoder.description.latents) }
        let pieces = unit.loaded.map { CodePieces(of: $0.autoencoder) }
        let results = try context.parallelChunks(chunks.count) { index in
            let chunk = chunks[index]
            let input = inputs[chunk.batch - batches.lowerBound]
            let x = try context.activations(at: context.cohort.hook, rows: chunk.rows)
            return unit.loaded.indices.map { index in
                Result {
                    try sums(
                        of: unit.loaded[index].autoencoder, x: x, kept: input.kept(in: chunk.rows),
                        spread: input.spread(in: chunk.rows), counts: counts[index],
                        pieces: pieces[index])
                }
            }
        }
        var inputSum = [Double](repeating: 0, count: context.cohort.activationSize)
        for input in inputs { for d in inputSum.indices { inputSum[d] += input.sum[d] } }
        return unit.results(results) { index, sums in
            let perBatch = batches.map { batch in
                zip(chunks, sums).filter { $0.0.batch == batch }.flatMap(\.1).reduce(BatchSums(), +)
            }
            let (firings, rows) = counts[index].totals
            return SparsitySums(
                batches: perBatch, firings: PackedCounts(firings), firingRows: PackedCounts(rows),
                inputSum: inputSum)
        }
    }

    /// Sums over the kept tokens of each row of a chunk.
    ///
    /// - Parameter spread: `‖x - batch mean‖²` of each token.
    private func sums(
        of autoencoder: any Autoencoder, x: Tensor, kept: [Bool], spread: ArraySlice<Double>,
        counts: FiringCounts, pieces: CodePieces
    ) throws -> [BatchSums] {
        let positions = settings.contextSize
        var rows = [BatchSums](repeating: BatchSums(), count: kept.count / positions)
        let encoding = { (x: Tensor) in try autoencoder.encode(x, on: context.backend) }
        try context.forEachPiece(
            of: x, cuts: Array(stride(from: 0, through: x.rows, by: positions)), pieces,
            encoding: encoding
        ) { rowRange, x, codes in
            let first = rowRange.lowerBound * positions
            let y = try autoencoder.decode(codes, of: x, on: context.backend)
            let statistics = try context.backend.rowStatistics(x, y)
            counts.add(
                try context.backend.firings(
                    of: codes, kept: Array(kept[first..<first + x.rows]), positions: positions))
            for token in 0..<x.rows where kept[first + token] {
                let entries = codes.rowStarts[token]..<codes.rowStarts[token + 1]
                var sums = BatchSums(
                    statistics[token], spread: spread[spread.startIndex + first + token])
                sums.nonZeros = entries.count
                for entry in entries { sums.latentSum += Double(codes.values[entry]) }
                let row = rowRange.lowerBound + token / positions
                rows[row] = rows[row] + sums
            }
        }
        return rows
    }
}

extension BatchSums {
    /// The terms of one token.
    ///
    /// - Parameter spread: `‖x - batch mean‖²`.
    fileprivate init(_ token: RowStatistics, spread: Double) {
        let norms = (x: token.inputSquared.squareRoot(), y: token.outputSquared.squareRoot())
        self.init()
        tokens = 1
        (inputNorm, outputNorm) = norms
        normRatio = norms.y / (norms.x < 1e-4 ? 1 : norms.x)
        (inputSquared, outputSquared) = (token.inputSquared, token.outputSquared)
        (dot, errorSquared) = (token.dot, token.errorSquared)
        cosine = token.dot / (norms.x * norms.y)
        legacyVariance = 1 - token.errorSquared / spread
    }
}

/// What a batch's activations give without any autoencoder.
private struct BatchInput: Sendable {
    /// Sum over kept tokens, `[model]`.
    var sum: [Double]
    private var start: Int
    private var positions: Int
    private var keptTokens: [Bool]
    private var spreads: [Double]

    init(chunks: [Chunk], rows: TokenRows, context: any EvaluationContext) throws {
        let hook = context.cohort.hook
        let size = context.cohort.activationSize
        positions = rows.positions
        start = chunks.first?.rows.lowerBound ?? 0
        keptTokens = chunks.flatMap { rows.rows($0.rows) }.map {
            !context.cohort.specialTokens.contains($0)
        }
        sum = [Double](repeating: 0, count: size)
        spreads = []
        var token = 0
        let tensors = try chunks.map { try context.activations(at: hook, rows: $0.rows) }
        for x in tensors {
            for row in 0..<x.rows {
                if keptTokens[token] { addRow(x.constantFloats + row * size, count: size) }
                token += 1
            }
        }
        let total = Double(max(1, keptTokens.count { $0 }))
        let mean = sum.map { Float($0 / total) }
        spreads.reserveCapacity(keptTokens.count)
        let means = Tensor(mean, shape: [1, size])
        for x in tensors {
            let repeated = Tensor(uninitialized: x.shape)
            for row in 0..<x.rows {
                (repeated.floats + row * size).update(from: means.constantFloats, count: size)
            }
            spreads += try context.backend.rowStatistics(x, repeated).map(\.errorSquared)
        }
    }

    private mutating func addRow(_ row: UnsafePointer<Float>, count: Int) {
        sum.withUnsafeMutableBufferPointer { sum in
            for d in 0..<count { sum[d] += Double(row[d]) }
        }
    }

    private func tokens(in rows: Range<Int>) -> Range<Int> {
        (rows.lowerBound - start) * positions..<(rows.upperBound - start) * positions
    }

    /// Which tokens of some rows count.
    func kept(in rows: Range<Int>) -> [Bool] { Array(keptTokens[tokens(in: rows)]) }
    /// Squared distance of each token from the batch's mean.
    func spread(in rows: Range<Int>) -> ArraySlice<Double> { spreads[tokens(in: rows)] }
}

/// Firing counts of one autoencoder, added up by all threads; integers, so the order does not
/// matter.
private final class FiringCounts: Sendable {
    private let state: Mutex<(firings: [Int], rows: [Int])>

    init(latents: Int) {
        let zeros = [Int](repeating: 0, count: latents)
        state = Mutex((zeros, zeros))
    }

    func add(_ firings: Firings) {
        state.withLock { state in
            for latent in firings.tokens.indices where firings.tokens[latent] > 0 {
                state.firings[latent] += Int(firings.tokens[latent])
                state.rows[latent] += Int(firings.sequences[latent])
            }
        }
    }

    var totals: (firings: [Int], rows: [Int]) { state.withLock { $0 } }
}
