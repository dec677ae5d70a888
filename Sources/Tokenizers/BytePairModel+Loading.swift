import Basics

extension BytePairModel {
    /// The largest id that is accepted, so that tables by id stay small.
    static let largestID = 10_000_000

    /// Reads the entry `model` of a tokenizer file.
    init(_ json: JSON?, isByteLevel: Bool, source: String) throws(TokenizerError) {
        guard let json else { throw .malformed("there is no entry `model`", source: source) }
        let type = json["type"]?.text ?? Self.type(ofUnnamed: json)
        guard type == "BPE" else { throw .unsupported("model", type, source: source) }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let text = json[key]?.text, !text.isEmpty {
                throw .unsupported(key, text, source: source)
            }
        }
        if let dropout = json["dropout"]?.double, dropout != 0 {
            throw .unsupported("dropout", "\(dropout)", source: source)
        }
        let pairs = try Self.pairs(json["merges"], source: source)
        self.init(
            vocabulary: try Self.vocabulary(json["vocab"], source: source),
            merges: PairTable(capacity: pairs.count))
        try add(pairs, source: source)
        fusesUnknown = json["fuse_unk"]?.truth ?? false
        fallsBackToBytes = json["byte_fallback"]?.truth ?? false
        if let text = json["unk_token"]?.text {
            guard let id = vocabulary[Array(text.utf8)] else {
                throw .malformed("the unk_token `\(text)` is not in the vocabulary", source: source)
            }
            unknown = id
        }
        prepare(isByteLevel: isByteLevel, takesWholeWords: json["ignore_merges"]?.truth ?? false)
    }

    /// Reads the pair of files of the first GPT-2: a JSON vocabulary and a text of merges.
    init(vocabularyFile: String, mergesFile: String) throws(TokenizerError) {
        let lines: [ArraySlice<UInt8>]
        let json: JSON
        do {
            json = try JSON(file: vocabularyFile)
            lines = try readFile(mergesFile).split(separator: UInt8(ascii: "\n"))
        } catch {
            throw TokenizerError(
                .missing, "the files of the tokenizer cannot be read: \(error.message)",
                advice: "name a folder with tokenizer.json, or with vocab.json and merges.txt")
        }
        var pairs: [([UInt8], [UInt8])] = []
        for var line in lines where !line.starts(with: "#version".utf8) {
            if line.last == 0x0D { line.removeLast() }
            pairs.append(try Self.pair(line, source: mergesFile))
        }
        self.init(
            vocabulary: try Self.vocabulary(json, source: vocabularyFile),
            merges: PairTable(capacity: pairs.count))
        try add(pairs, source: mergesFile)
        prepare(isByteLevel: true, takesWholeWords: false)
    }

    /// The kind of a model in a file older than the entry `type`.
    private static func type(ofUnnamed json: JSON) -> String {
        if json["merges"] != nil { return "BPE" }
        if json["vocab"]?.elements != nil { return "Unigram" }
        return json["max_input_chars_per_word"] == nil ? "WordLevel" : "WordPiece"
    }

    /// Fills the tables that follow from the vocabulary.
    private mutating func prepare(isByteLevel: Bool, takesWholeWords: Bool) {
        if fallsBackToBytes {
            fallbackIDs = (0...UInt8.max).map { vocabulary[Self.byteToken($0)] }
        }
        if isByteLevel {
            byteIDs = ByteAlphabet.spellings.map { vocabulary[$0] }
        } else {
            for (spelling, id) in vocabulary where (1...4).contains(spelling.count) {
                let (scalar, length) = spelling[...].scalar(at: 0)
                if length == spelling.count { characterIDs[scalar] = id }
            }
        }
        guard takesWholeWords else { return }
        for (spelling, id) in vocabulary {
            if !isByteLevel {
                wholeWords[spelling] = id
            } else if let bytes = ByteAlphabet.bytes(spelledBy: spelling) {
                wholeWords[bytes] = id
            }
        }
    }

    /// Reads a vocabulary: spellings and their ids.
    private static func vocabulary(_ json: JSON?, source: String) throws(TokenizerError)
        -> [[UInt8]: Int32]
    {
        guard let members = json?.members else {
            throw .malformed("the vocabulary is missing", source: source)
        }
        var vocabulary: [[UInt8]: Int32] = [:]
        vocabulary.reserveCapacity(members.count)
        // Tables by id must not outgrow the file.
        let largest = min(largestID, 1_000_000 + 2 * members.count)
        for member in members {
            guard case .integer(let id) = member.value, (0...largest).contains(id) else {
                throw .malformed(
                    "token `\(member.key)` has the id \(member.value.text()), outside 0…\(largest)",
                    source: source)
            }
            guard vocabulary.updateValue(Int32(id), forKey: Array(member.key.utf8)) == nil else {
                throw .malformed("token `\(member.key)` stands twice", source: source)
            }
        }
        return vocabulary
    }

    /// Reads merges, each a text `left right` or a list of two texts.
    private static func pairs(_ json: JSON?, source: String) throws(TokenizerError) -> [(
        [UInt8], [UInt8]
    )] {
        guard let elements = json?.elements else {
            throw .malformed("the merges are missing", source: source)
        }
        var pairs: [([UInt8], [UInt8])] = []
        pairs.reserveCapacity(elements.count)
        for element in elements {
            if let text = element.text {
                pairs.append(try pair(Array(text.utf8)[...], source: source))
            } else if let two = element.elements, two.count == 2, let left = two[0].text,
                let right = two[1].text
            {
                pairs.append((Array(left.utf8), Array(right.utf8)))
            } else {
                throw .malformed("a merge is \(element.text())", source: source)
            }
        }
        return pairs
    }

    /// Reads a merge written as `left right`.
    private static func pair(_ line: ArraySlice<UInt8>, source: String) throws(TokenizerError) -> (
        [UInt8], [UInt8]
    ) {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .malformed(
                "a merge is `\(String(decoding: line, as: UTF8.self))`, not two tokens",
                source: source)
        }
        return (Array(parts[0]), Array(parts[1]))
    }

    /// Adds merges in order of rank; both sides and the outcome must be tokens.
    private mutating func add(_ pairs: [([UInt8], [UInt8])], source: String) throws(TokenizerError)
    {
        for (rank, (left, right)) in pairs.enumerated() {
            guard let leftID = vocabulary[left], let rightID = vocabulary[right],
                let result = vocabulary[left + right]
            else {
                let text = String(decoding: left + [UInt8(ascii: " ")] + right, as: UTF8.self)
                throw .malformed(
                    "merge \(rank), `\(text)`, names a token outside the vocabulary", source: source
                )
            }
            merges.insert(Merge(rank: Int32(rank), result: result), for: leftID, rightID)
        }
    }
}
