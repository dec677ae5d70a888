// Pooling turns the activations of the stored tokens of labelled texts into one row of features for
// each text. Every stored token is read and encoded once for all tasks that use its text.
import Autoencoders
import Basics
import Corpora
import Kernels
import Probes
import Tensors

extension EvaluationContext {
    /// Means over the stored tokens of each text of the activations at the cohort's hook.
    ///
    /// `x̄[text] = Σ_position x[position] / count`, summed in the order of positions in `Double`.
    ///
    /// - Shapes: dense `[texts, model]`.
    /// - Source: SAE Bench 0.6.0, pooled activations of its probing evaluations. It finds the tokens
    ///   that count by `Σ x ≠ 0`; here they are those of the request.
    /// - Cost: reads every stored activation once; the result takes 4 bytes a number.
    /// - Throws: ``EvaluationError`` for a text of which no token is stored.
    public func pooledActivations(_ request: TextRequest) throws -> FeatureRows {
        let rows = try texts(request)
        let width = cohort.activationSize
        let chunks = try TextChunk.list(
            rows, dataset: request.dataset, policy: backend.chunks, threads: threads)
        let parts = try parallel(chunks.count) { index in
            let chunk = chunks[index]
            let x = try activations(at: cohort.hook, texts: chunk.texts, of: request)
            try chunk.check(x.rows, dataset: request.dataset)
            return means(of: x, over: chunk)
        }
        var values: [Float] = []
        values.reserveCapacity(rows.count * width)
        for part in parts { values += part }
        return FeatureRows(dense: values, columns: width)
    }

    /// Means over the stored tokens of each text of an autoencoder's latents.
    ///
    /// `f̄[text] = Σ_position f[position] / count`, summed in the order of positions in `Double`.
    ///
    /// Every stored token is encoded once and nothing else is, so no latent that fires on padding or
    /// on a zero vector gets in. Rows of an encoding do not depend on one another, so the result
    /// depends neither on chunks nor on threads.
    ///
    /// - Shapes: sparse `[texts, latents]`.
    /// - Source: SAE Bench 0.6.0, pooled latents of its probing evaluations.
    /// - Cost: one encode of every stored token, `2 · model · latents` FLOP each. The result takes 8
    ///   bytes for each latent that fires in a text and 8 for each text. Each thread holds
    ///   `8 · latents` bytes of sums, the activations of a chunk of texts and the codes of a piece.
    /// - Throws: ``EvaluationError`` for a text of which no token is stored, or when activations and
    ///   autoencoder differ in width; errors of the autoencoder.
    public func pooledLatents(_ request: TextRequest, of subject: SubjectIndex) throws
        -> FeatureRows
    {
        let autoencoder = try autoencoder(subject)
        return try pooledCodes(
            request, latents: autoencoder.description.latents, pieces: CodePieces(of: autoencoder)
        ) {
            try autoencoder.encode($0, on: backend)
        }
    }

    /// Means over the stored tokens of some texts of what an encoding gives, such as that of some
    /// latents alone; see ``pooledLatents(_:of:)``.
    ///
    /// - Parameters:
    ///   - chosen: texts, ascending; nil for all. The others are neither read nor encoded, and their
    ///     rows are empty.
    ///   - latents: length of the encoding's latent axis.
    ///   - pieces: how many rows are encoded at a time.
    ///   - encoding: gives the codes of activations; called from many threads.
    /// - Shapes: sparse `[texts, latents]`.
    public func pooledCodes(
        _ request: TextRequest, texts chosen: [Int]? = nil, latents: Int, pieces: CodePieces,
        encoding: @escaping @Sendable (Tensor) throws -> SparseCodes
    ) throws -> FeatureRows {
        let rows = try texts(request)
        let chunks = try TextChunk.list(
            rows, chosen, dataset: request.dataset, policy: backend.chunks, threads: threads)
        var parts = try parallelChunks(chunks.count) { index in
            let chunk = chunks[index]
            let x = try activations(at: cohort.hook, texts: chunk.texts, of: request)
            try chunk.check(x.rows, dataset: request.dataset)
            var part = PooledCodes()
            try forEachPiece(of: x, cuts: chunk.starts, pieces, encoding: encoding) {
                let starts = chunk.starts[$0.lowerBound...$0.upperBound]
                part.append(
                    PooledCodes(
                        try backend.means(
                            of: $2, over: starts.map { $0 - starts[starts.startIndex] })))
            }
            return part
        }
        var whole = PooledCodes()
        whole.reserve(parts, texts: rows.count)
        for index in parts.indices {
            whole.skip(to: chunks[index].texts.lowerBound)
            whole.append(parts[index])
            parts[index] = PooledCodes()
        }
        whole.skip(to: rows.count)
        return FeatureRows(
            sparse: whole.values, indices: whole.indices, starts: whole.starts, columns: latents)
    }
}

/// Texts that one thread takes at a time; no number depends on how texts are cut.
struct TextChunk: Sendable {
    /// Texts of the request.
    var texts: Range<Int>
    /// Where each of them begins among the stored tokens of the chunk, and the end of the last one.
    var starts: [Int]

    /// Chunks of whole texts, fewer tokens each where threads would be idle.
    ///
    /// - Parameter chosen: texts, ascending; nil for all.
    /// - Throws: ``EvaluationError`` for a text of which no token is stored.
    static func list(
        _ rows: TextRows, _ chosen: [Int]? = nil, dataset: String, policy: ChunkPolicy,
        threads: Int
    ) throws -> [TextChunk] {
        let stored = chosen?.reduce(0) { $0 + rows.storedCount($1) } ?? rows.stored.count
        // Twice as many tokens as elsewhere: no activations but those that are read are held.
        let most = policy.size(most: 2 * policy.tokens, of: stored, threads: threads)
        var chunks: [TextChunk] = []
        var (first, end) = (0, 0)
        for text in chosen ?? Array(0..<rows.count) {
            if text > end {
                if first < end { chunks.append(TextChunk(first..<end, of: rows)) }
                first = text
            }
            end = text + 1
            guard rows.storedCount(text) > 0 else {
                let source = rows.sources.indices.contains(text) ? rows.sources[text] : "\(text)"
                throw EvaluationError(
                    .unsuitable, "Text \(source) of `\(dataset)` has no token to pool",
                    advice: "remove the empty text from the dataset")
            }
            let isFull = rows.storedStarts[text + 1] - rows.storedStarts[first] > most
            if isFull, text > first {
                chunks.append(TextChunk(first..<text, of: rows))
                first = text
            }
        }
        if first < end { chunks.append(TextChunk(first..<end, of: rows)) }
        return chunks
    }

    /// Some texts.
    private init(_ texts: Range<Int>, of rows: TextRows) {
        let start = rows.storedStarts[texts.lowerBound]
        self.texts = texts
        starts = rows.storedStarts[texts.lowerBound...texts.upperBound].map { $0 - start }
    }

    /// Checks that activations are those of the chunk.
    ///
    /// - Throws: ``EvaluationError`` when they have another number of rows.
    func check(_ count: Int, dataset: String) throws {
        guard count == starts[texts.count] else {
            throw EvaluationError(
                .unsuitable,
                "Activations of `\(dataset)` have \(count) rows for \(starts[texts.count]) tokens",
                advice: "remove the artifact and run again")
        }
    }
}

/// Means of dense rows.
///
/// - Shapes: `x` is `[tokens, width]`, the result `[texts, width]`.
private func means(of x: Tensor, over chunk: TextChunk) -> [Float] {
    let width = x.columns
    var sums = [Double](repeating: 0, count: width)
    var result: [Float] = []
    result.reserveCapacity(chunk.texts.count * width)
    for text in 0..<chunk.texts.count {
        for d in sums.indices { sums[d] = 0 }
        for token in chunk.starts[text]..<chunk.starts[text + 1] {
            let row = x.constantFloats + token * width
            for d in sums.indices { sums[d] += Double(row[d]) }
        }
        let count = Double(chunk.starts[text + 1] - chunk.starts[text])
        for sum in sums { result.append(Float(sum / count)) }
    }
    return result
}
