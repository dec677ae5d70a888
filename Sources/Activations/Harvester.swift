import Basics
import Corpora
import Kernels
import LanguageModels
import Tensors

/// Fills blocks of the activation store: one forward pass serves all hooks.
package struct Harvester: Sendable {
    /// The token sets.
    let source: ActivationSource
    /// The loaded model.
    package let model: any LanguageModel
    private var backend: any KernelBackend { source.backend }

    /// Sequences that one thread runs at once, and which of their activations are stored.
    private struct Chunk: Sendable {
        /// `[batch · positions]`; short texts are filled up behind their end.
        var tokens: [Int32]
        var batch: Int
        package var positions: Int
        /// Places in `tokens` whose activations are stored, and the rows of the block they go to;
        /// nil stores all from row `first` on.
        var places: [(place: Int, row: Int)]?
        var first = 0
    }

    /// The activations of one block at some hooks, in the stored type.
    ///
    /// - Shapes: `[stored tokens of the block, size of the hook]` each.
    /// - Throws: ``KernelError`` when an activation is not finite in the stored type.
    package func block(_ block: Int, rowSet index: Int, hooks: Set<HookPoint>, threads: Int) throws
        -> [HookPoint: Tensor]
    {
        let set = source.rowSets[index]
        return try activations(
            block * set.blockRows..<min((block + 1) * set.blockRows, set.storedRows),
            rowSet: index, hooks: hooks, threads: threads)
    }

    /// The activations of some stored tokens, whole rows of them where rows are packed.
    ///
    /// They are cut into chunks for the threads; a row's numbers do not depend on its chunk.
    ///
    /// - Shapes: `[range, size of the hook]` each, in the stored type.
    /// - Throws: as ``block(_:rowSet:hooks:threads:)``.
    package func activations(
        _ range: Range<Int>, rowSet index: Int, hooks: Set<HookPoint>, threads: Int
    ) throws -> [HookPoint: Tensor] {
        let set = source.rowSets[index]
        let chunks =
            switch set.request {
            case .rows(let request):
                rowChunks(try source.rows(index), request, range, threads: threads)
            case .texts: textChunks(try source.texts(index), range, threads: threads)
            }
        var result: [HookPoint: Tensor] = [:]
        for hook in hooks {
            result[hook] = Tensor(
                uninitialized: [range.count, model.description.size(at: hook)],
                type: source.type)
        }
        let whole = result
        _ = try concurrentMap(chunks.count, threads: backend.chunks.threads(threads)) { place in
            let chunk = chunks[place]
            let pass = ForwardPass(
                start: .tokens(chunk.tokens), end: .lastCapture, batch: chunk.batch,
                positions: chunk.positions, captures: hooks)
            for (hook, x) in try model.run(pass).captured {
                copy(
                    try stored(x, hook: hook), of: chunk,
                    into: Self.activations(at: hook, of: whole))
            }
        }
        return result
    }

    /// The activations at one of the hooks that were asked for.
    package static func activations(at hook: HookPoint, of harvested: [HookPoint: Tensor]) -> Tensor
    {
        guard let activations = harvested[hook] else {
            preconditionFailure("\(hook) was not asked for")
        }
        return activations
    }

    // MARK: - Chunks

    private func rowChunks(
        _ rows: TokenRows, _ request: RowRequest, _ range: Range<Int>, threads: Int
    ) -> [Chunk] {
        let size = request.contextSize
        let all = range.lowerBound / size..<range.upperBound / size
        let policy = backend.chunks
        let step = policy.size(most: policy.tokens / size, of: all.count, threads: threads)
        return stride(from: all.lowerBound, to: all.upperBound, by: step).map { start in
            let part = start..<min(start + step, all.upperBound)
            return Chunk(
                tokens: rows.rows(part), batch: part.count, positions: size, places: nil,
                first: (start - all.lowerBound) * size)
        }
    }

    /// Chunks of texts of similar length. Of each text the tokens up to the last that is stored in
    /// this block are run.
    private func textChunks(_ texts: TextRows, _ range: Range<Int>, threads: Int) -> [Chunk] {
        let first = texts.storedStarts.partitioningIndex { $0 > range.lowerBound } - 1
        var lengths: [(text: Int, length: Int)] = []
        var text = first
        while text < texts.count, texts.storedStarts[text] < range.upperBound {
            let end = min(texts.storedStarts[text + 1], range.upperBound)
            if end > max(texts.storedStarts[text], range.lowerBound) {
                lengths.append((text, texts.stored[end - 1] - texts.starts[text] + 1))
            }
            text += 1
        }
        lengths.sort { ($0.length, $0.text) < ($1.length, $1.text) }
        let total = lengths.reduce(0) { $0 + $1.length }
        let policy = backend.chunks
        let wanted = policy.size(most: policy.tokens, of: total, threads: threads)
        var chunks: [Chunk] = []
        var members: [(text: Int, length: Int)] = []
        for entry in lengths {
            if !members.isEmpty, (members.count + 1) * entry.length > wanted {
                chunks.append(chunk(of: members, texts, range))
                members = []
            }
            members.append(entry)
        }
        if !members.isEmpty { chunks.append(chunk(of: members, texts, range)) }
        return chunks
    }

    private func chunk(
        of members: [(text: Int, length: Int)], _ texts: TextRows, _ range: Range<Int>
    ) -> Chunk {
        let positions = members.map(\.length).max() ?? 1
        var chunk = Chunk(tokens: [], batch: members.count, positions: positions, places: [])
        chunk.tokens.reserveCapacity(members.count * positions)
        for (row, member) in members.enumerated() {
            let start = texts.starts[member.text]
            chunk.tokens += texts.tokens[start..<start + member.length]
            chunk.tokens += repeatElement(0, count: positions - member.length)
            let stored = texts.storedStarts[member.text]..<texts.storedStarts[member.text + 1]
            for index in stored.clamped(to: range) {
                let place = row * positions + texts.stored[index] - start
                chunk.places?.append((place, index - range.lowerBound))
            }
        }
        return chunk
    }

    // MARK: - Storing

    private func copy(_ part: Tensor, of chunk: Chunk, into whole: Tensor) {
        let bytes = part.columns * part.type.byteCount
        guard let places = chunk.places else {
            (whole.bytes + chunk.first * bytes).copyMemory(
                from: part.constantBytes, byteCount: part.byteCount)
            return
        }
        for (place, row) in places {
            (whole.bytes + row * bytes).copyMemory(
                from: part.constantBytes + place * bytes, byteCount: bytes)
        }
    }

    private func stored(_ x: Tensor, hook: HookPoint) throws -> Tensor {
        let type = source.type
        let stored = type == .float32 ? x : try backend.convert(x, to: type)
        let widened = try backend.widen(stored)
        guard try backend.rowStatistics(widened, widened).allSatisfy({ $0.inputSquared.isFinite })
        else {
            throw KernelError(
                .notFinite,
                "Activations at \(hook) of \(source.modelFolder) are not finite in \(type.rawValue)",
                advice: type == .float16
                    ? "dtype: bfloat16 or float32" : "check the model's weights")
        }
        return stored
    }
}

extension [Int] {
    /// The first position whose element satisfies a condition that holds from some position on.
    fileprivate func partitioningIndex(where holds: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
