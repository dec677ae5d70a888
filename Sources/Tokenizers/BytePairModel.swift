/// Byte-pair merging of words into ids.
///
/// - Source: Sennrich et al. 2016; order of merges, unknown characters and byte fallback as the
///   `BPE` model of the `tokenizers` library has them.
struct BytePairModel: Sendable {
    /// The id of each spelling.
    var vocabulary: [[UInt8]: Int32]
    /// The merges.
    var merges: PairTable
    /// The id of characters that have none.
    var unknown: Int32?
    /// Whether neighbouring unknown characters become one id.
    var fusesUnknown = false
    /// Whether unknown characters are spelled by the tokens `<0x00>` to `<0xFF>`.
    var fallsBackToBytes = false
    /// The ids of whole words that are taken without merging; empty when merges decide.
    var wholeWords: [[UInt8]: Int32] = [:]
    /// For byte-level words, the id of each byte; nil when words are merged over characters.
    var byteIDs: [Int32?]?
    /// For words that are merged over characters, the id of each character.
    var characterIDs: [Unicode.Scalar: Int32] = [:]
    /// The ids of the byte tokens, where characters fall back to them.
    var fallbackIDs: [Int32?] = []

    /// One symbol of a word, linked to its neighbours.
    private struct Symbol {
        /// The token; negative once it was merged into the symbol before.
        var id: Int32
        /// The index of the symbol before; negative at the start.
        var previous: Int32
        /// The index of the symbol after; negative at the end.
        var next: Int32
        /// What it merges into with the symbol after; a negative rank where it does not.
        var merge = Merge(rank: -1, result: 0)
    }

    /// Appends the ids of a word that is not empty.
    ///
    /// - Cost: `n log n` steps for `n` symbols.
    func append(_ word: UTF8Text, to ids: inout [Int32]) {
        if !wholeWords.isEmpty, let id = wholeWords[Array(word)] {
            ids.append(id)
            return
        }
        let start = initialIDs(of: word)
        guard start.count > 1 else {
            ids += start
            return
        }
        merge(start, appendTo: &ids)
    }

    /// Merges symbols, lowest rank first, and appends what is left.
    ///
    /// - Returns: the number of candidates that were looked at, at most `3 n`: one for each pair
    ///   at the start and two for each merge.
    @discardableResult
    func merge(_ start: [Int32], appendTo ids: inout [Int32]) -> Int {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(start.count)
        for (index, id) in start.enumerated() {
            let isLast = index + 1 == start.count
            symbols.append(
                Symbol(id: id, previous: Int32(index) - 1, next: isLast ? -1 : Int32(index) + 1))
        }
        var queue = MergeQueue()
        for index in 0..<(symbols.count - 1) { offer(index, of: &symbols, to: &queue) }
        var count = 0
        while let candidate = queue.pop() {
            count += 1
            let position = Int(candidate.position)
            let left = symbols[position]
            // A candidate is stale once one of its two symbols took part in another merge.
            guard left.id >= 0, left.merge.rank == candidate.rank else { continue }
            let right = symbols[Int(left.next)]
            symbols[Int(left.next)].id = -1
            symbols[position].id = left.merge.result
            symbols[position].next = right.next
            if right.next >= 0 { symbols[Int(right.next)].previous = candidate.position }
            if left.previous >= 0 { offer(Int(left.previous), of: &symbols, to: &queue) }
            offer(position, of: &symbols, to: &queue)
        }
        var index = 0
        while index >= 0 {
            ids.append(symbols[index].id)
            index = Int(symbols[index].next)
        }
        return count
    }

    /// Notes what the symbol at a position merges into with the one after it.
    private func offer(_ position: Int, of symbols: inout [Symbol], to queue: inout MergeQueue) {
        let next = Int(symbols[position].next)
        guard next >= 0, let merge = merges[symbols[position].id, symbols[next].id] else {
            symbols[position].merge.rank = -1
            return
        }
        symbols[position].merge = merge
        queue.push(.init(rank: merge.rank, position: Int32(position)))
    }

    /// The ids of the characters of a word; characters without one follow the rules for unknown
    /// ones.
    private func initialIDs(of word: UTF8Text) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(word.count)
        var pendingUnknown = false
        var index = word.startIndex
        while index < word.endIndex {
            let (known, length) = id(at: index, in: word)
            let character = word[index..<(index + length)]
            index += length
            if let known {
                if pendingUnknown, let unknown { ids.append(unknown) }
                pendingUnknown = false
                ids.append(known)
            } else if fallsBackToBytes, let bytes = fallback(for: character) {
                // As in the library, an unknown character that waits is not written first.
                ids += bytes
            } else if let unknown {
                if pendingUnknown, !fusesUnknown { ids.append(unknown) }
                pendingUnknown = true
            }
        }
        if pendingUnknown, let unknown { ids.append(unknown) }
        return ids
    }

    /// The id of the character or byte at an index, and its length.
    private func id(at index: Int, in word: UTF8Text) -> (id: Int32?, length: Int) {
        if let byteIDs { return (byteIDs[Int(word[index])], 1) }
        let (scalar, length) = word.scalar(at: index)
        return (characterIDs[scalar], length)
    }

    /// The byte tokens of a character, when all of them are in the vocabulary.
    private func fallback(for character: UTF8Text) -> [Int32]? {
        let bytes =
            byteIDs == nil
            ? Array(character) : ByteAlphabet.spellings[Int(character[character.startIndex])]
        var ids: [Int32] = []
        for byte in bytes {
            guard let id = fallbackIDs[Int(byte)] else { return nil }
            ids.append(id)
        }
        return ids
    }

    /// The spelling of a byte token, such as `<0x0A>`.
    static func byteToken(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return Array("<0x".utf8) + [
            digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">"),
        ]
    }
}
