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

    /// One symbol of a word, linked to its neighbours.
    private struct Symbol {
        /// The token.
        var id: Int32
        /// The place of the symbol before; negative at the start.
        var previous: Int32
        /// The place of the symbol after; negative at the end.
        var next: Int32
        /// Whether it was not merged into the symbol before.
        var isAlive = true
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
    private func merge(_ start: [Int32], appendTo ids: inout [Int32]) {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(start.count)
        var queue = MergeQueue()
        for (index, id) in start.enumerated() {
            symbols.append(
                Symbol(
                    id: id, previous: Int32(index) - 1,
                    next: index + 1 < start.count ? Int32(index) + 1 : -1))
            if index > 0, let merge = merges[start[index - 1], id] {
                queue.push(.init(position: Int32(index) - 1, merge: merge))
            }
        }
        while let candidate = queue.pop() {
            let position = Int(candidate.position)
            let left = symbols[position]
            guard left.isAlive, left.next >= 0 else { continue }
            let right = symbols[Int(left.next)]
            // A candidate is stale once one of its two symbols took part in another merge.
            guard merges[left.id, right.id]?.result == candidate.merge.result else { continue }
            symbols[Int(left.next)].isAlive = false
            symbols[position].id = candidate.merge.result
            symbols[position].next = right.next
            if right.next >= 0 { symbols[Int(right.next)].previous = candidate.position }
            if left.previous >= 0,
                let merge = merges[symbols[Int(left.previous)].id, candidate.merge.result]
            {
                queue.push(.init(position: left.previous, merge: merge))
            }
            if right.next >= 0,
                let merge = merges[candidate.merge.result, symbols[Int(right.next)].id]
            {
                queue.push(.init(position: candidate.position, merge: merge))
            }
        }
        var index = 0
        while index >= 0 {
            ids.append(symbols[index].id)
            index = Int(symbols[index].next)
        }
    }

    /// The ids of the characters of a word; characters without one follow the rules for unknown
    /// ones.
    private func initialIDs(of word: UTF8Text) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(word.count)
        var pendingUnknown = false
        var index = word.startIndex
        while index < word.endIndex {
            let length = byteIDs == nil ? word.scalar(at: index).length : 1
            let character = word[index..<(index + length)]
            index += length
            let known =
                byteIDs.map { $0[Int(character[character.startIndex])] }
                ?? vocabulary[Array(character)]
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

    /// The byte tokens of a character, when all of them are in the vocabulary.
    private func fallback(for character: UTF8Text) -> [Int32]? {
        let bytes =
            byteIDs == nil
            ? Array(character) : ByteAlphabet.spellings[Int(character[character.startIndex])]
        var ids: [Int32] = []
        for byte in bytes {
            guard let id = vocabulary[Self.byteToken(byte)] else { return nil }
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
