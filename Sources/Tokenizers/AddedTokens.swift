import Basics

/// A token that is found in the text before it is cut into words.
struct AddedToken: Sendable, Equatable {
    /// The id; 0 until a vocabulary gives one.
    var id: Int32 = 0
    /// The text as given.
    var content: [UInt8]
    /// Whether a match inside a word does not count.
    var isSingleWord = false
    /// Whether white space before it belongs to it.
    var takesSpaceBefore = false
    /// Whether white space after it belongs to it.
    var takesSpaceAfter = false
    /// Whether it is looked for after the normalizer, in its own normalized form.
    var isNormalized = false
    /// Whether it is control rather than text.
    var isSpecial = false
}

/// The added tokens of a tokenizer, ready to be found.
///
/// - Source: `AddedVocabulary` of the `tokenizers` library: first the tokens that are not
///   normalized, in the text as given; then, in what lies between, the normalized ones; leftmost
///   and longest first.
struct AddedTokens: Sendable {
    /// A piece of text: an added token, or text between them.
    enum Piece {
        /// An added token.
        case token(Int32)
        /// Text between added tokens, and whether the whole text begins with it.
        case text(UTF8Text, isFirst: Bool)
    }

    /// The tokens by id.
    private(set) var byID: [Int32: AddedToken] = [:]
    /// The tokens that are looked for in the text as given.
    private var raw = ByteTrie()
    /// The tokens that are looked for in normalized text.
    private var normalized = ByteTrie()
    /// The ids of tokens that stay text where they are met.
    private let left: Set<Int32>

    /// Makes tokens ready to be found.
    ///
    /// - Parameter left: the ids of tokens that stay text where they are met, as special ones do
    ///   with `split_special_tokens`.
    init(_ tokens: [AddedToken], normalizer: Normalizer, left: Set<Int32> = []) {
        self.left = left
        for token in tokens { byID[token.id] = token }
        // Special tokens first, as the library lists them: the first of equal texts counts.
        for token in tokens.filter(\.isSpecial) + tokens.filter({ !$0.isSpecial }) {
            if token.isNormalized {
                normalized.insert(normalizer.normalized(token.content[...]), value: token.id)
            } else {
                raw.insert(token.content, value: token.id)
            }
        }
    }

    /// Cuts a text into added tokens and normalized text between them.
    func forEachPiece(
        of text: UTF8Text, normalizer: Normalizer, _ body: (Piece) throws -> Void
    ) rethrows {
        try forEachPiece(of: text, in: raw) { piece in
            guard case .text(let part, let isFirst) = piece else { return try body(piece) }
            try forEachPiece(
                of: normalizer.normalized(part), in: normalized, isFirst: isFirst, body)
        }
    }

    /// Cuts a text at the tokens of one trie.
    private func forEachPiece(
        of text: UTF8Text, in trie: ByteTrie, isFirst: Bool = true, _ body: (Piece) throws -> Void
    ) rethrows {
        func isStart(_ index: Int) -> Bool { isFirst && index == text.startIndex }
        var written = text.startIndex
        var index = text.startIndex
        while !trie.isEmpty, index < text.endIndex {
            guard let match = trie.longestMatch(in: text, at: index), let token = byID[match.value]
            else {
                index += 1
                continue
            }
            var (start, end) = (index, match.end)
            index = match.end
            if left.contains(token.id) { continue }
            if token.isSingleWord, !standsAlone(start..<end, in: text) { continue }
            if token.takesSpaceBefore {
                // What the token before took is not there any more.
                start = max(start, written)
                while start > written {
                    let (scalar, before) = text.scalar(before: start)
                    guard scalar.properties.isWhitespace, before >= written else { break }
                    start = before
                }
            }
            if token.takesSpaceAfter {
                while end < text.endIndex {
                    let (scalar, length) = text.scalar(at: end)
                    guard scalar.properties.isWhitespace else { break }
                    end += length
                }
            }
            if written < start {
                try body(.text(text[written..<start], isFirst: isStart(written)))
            }
            if start < end { try body(.token(token.id)) }
            written = end
        }
        if written < text.endIndex {
            try body(.text(text[written...], isFirst: isStart(written)))
        }
    }

    /// Whether neither neighbour of a match is part of a word.
    private func standsAlone(_ range: Range<Int>, in text: UTF8Text) -> Bool {
        if range.lowerBound > text.startIndex,
            text.scalar(before: range.lowerBound).scalar.isWordPart
        {
            return false
        }
        return range.upperBound == text.endIndex
            || !text.scalar(at: range.upperBound).scalar.isWordPart
    }
}

// MARK: - Loading

extension AddedToken {
    /// Reads one element of the list `added_tokens`.
    init(_ json: JSON, source: String) throws(TokenizerError) {
        guard let id = json["id"]?.integer, (0...BytePairModel.largestID).contains(id) else {
            throw .malformed("an added token is \(json.text())", source: source)
        }
        try self.init(entry: json, isNormalized: false, source: source)
        self.id = Int32(id)
    }

    /// Reads the text and the flags of a token, as the entries of `tokenizer_config.json` and
    /// `special_tokens_map.json` write them.
    ///
    /// - Parameters:
    ///   - isSpecial: whether it is special, whatever the entry says; nil asks the entry.
    ///   - isNormalized: what counts where the entry says nothing; nil is what `AddedToken` of the
    ///     Python library takes, all but special tokens.
    init(
        entry json: JSON, isSpecial: Bool? = nil, isNormalized: Bool? = nil, source: String
    ) throws(TokenizerError) {
        func flag(_ key: String) throws(TokenizerError) -> Bool? {
            guard let value = json[key], !value.isNull else { return nil }
            guard let truth = value.truth else {
                throw .malformed("`\(key)` of a token is \(value.text())", source: source)
            }
            return truth
        }
        let (stated, normalized) = (try flag("special"), try flag("normalized"))
        let (word, before, after) = (
            try flag("single_word"), try flag("lstrip"), try flag("rstrip")
        )
        let special = isSpecial ?? stated ?? false
        guard let content = json["content"]?.text else {
            throw .malformed("an added token is \(json.text())", source: source)
        }
        self.init(
            content: Array(content.utf8), isSingleWord: word ?? false,
            takesSpaceBefore: before ?? false, takesSpaceAfter: after ?? false,
            isNormalized: normalized ?? isNormalized ?? !special, isSpecial: special)
    }
}
