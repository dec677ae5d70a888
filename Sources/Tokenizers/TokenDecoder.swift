import Basics

/// The way from tokens back to text.
///
/// - Source: the decoders of the `tokenizers` library, applied to the list of all tokens in turn.
struct TokenDecoder: Sendable {
    /// One change of the list of tokens.
    enum Step: Sendable {
        /// Characters that stand for bytes become those bytes.
        case byteLevel
        /// Runs of `<0x00>` … `<0xFF>` become the text that their bytes spell.
        case byteFallback
        /// Every occurrence of a text becomes another.
        case replace([UInt8], with: [UInt8])
        /// All tokens become one.
        case fuse
        /// Some occurrences of a character go at either end.
        case strip([UInt8], start: Int, stop: Int)
        /// Marks become spaces; in the first token they go, where one was put there.
        case metaspace(Metaspace)
    }

    /// The changes in order; nil puts a space between tokens.
    var steps: [Step]?

    /// The bytes of a list of tokens.
    func decoded(_ tokens: [[UInt8]]) -> [UInt8] {
        guard let steps else { return Array(tokens.joined(separator: [UInt8(ascii: " ")])) }
        var tokens = tokens
        for step in steps {
            switch step {
            case .byteLevel:
                tokens = [Array(tokens.map { ByteAlphabet.bytes(spelledBy: $0) ?? $0 }.joined())]
            case .byteFallback:
                tokens = Self.joinedBytes(tokens)
            case .replace(let pattern, let content):
                tokens = tokens.map { Array($0[...].replacing(pattern, with: content)) }
            case .fuse:
                tokens = [Array(tokens.joined())]
            case .strip(let content, let start, let stop):
                tokens = tokens.map { Self.stripped($0, of: content, start: start, stop: stop) }
            case .metaspace(let metaspace):
                tokens = tokens.enumerated().map { metaspace.unmarked($1, isFirst: $0 == 0) }
            }
        }
        return Array(tokens.joined())
    }

    /// Bytes that are not text become one replacement character each.
    private static func joinedBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var pending: [UInt8] = []
        func flush() {
            if pending.isEmpty { return }
            if String(validating: pending, as: UTF8.self) != nil {
                result.append(pending)
            } else {
                result += pending.map { _ in Array("\u{FFFD}".utf8) }
            }
            pending = []
        }
        for token in tokens {
            if let byte = byte(of: token) {
                pending.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    /// The byte that a token such as `<0x0A>` stands for.
    private static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }

    /// A token without some occurrences of a character at its ends.
    private static func stripped(_ token: [UInt8], of content: [UInt8], start: Int, stop: Int)
        -> [UInt8]
    {
        var token = token[...]
        guard !content.isEmpty else { return Array(token) }
        for _ in 0..<start where token.starts(with: content) { token.removeFirst(content.count) }
        for _ in 0..<stop where token.suffix(content.count).elementsEqual(content) {
            token.removeLast(content.count)
        }
        return Array(token)
    }
}

// MARK: - Loading

extension TokenDecoder {
    /// Reads the entry `decoder` of a tokenizer file.
    init(_ json: JSON?, source: String) throws(TokenizerError) {
        guard let json, !json.isNull else { return }
        steps = []
        var growth = ReplacementGrowth()
        try append(json, growth: &growth, source: source)
    }

    /// Adds the steps of one entry.
    private mutating func append(
        _ json: JSON, growth: inout ReplacementGrowth, source: String
    ) throws(TokenizerError) {
        let type = json["type"]?.text ?? ""
        func text(_ key: String) -> [UInt8]? { json[key]?.text.map { Array($0.utf8) } }
        switch type {
        case "Sequence":
            for element in json["decoders"]?.elements ?? [] {
                try append(element, growth: &growth, source: source)
            }
        case "ByteLevel": steps?.append(.byteLevel)
        case "ByteFallback": steps?.append(.byteFallback)
        case "Fuse": steps?.append(.fuse)
        case "Replace":
            guard let pattern = json["pattern"]?["String"]?.text, let content = text("content")
            else {
                throw .unsupported(
                    "Replace pattern", json["pattern"]?.text() ?? "null", source: source)
            }
            try growth.multiply(by: content, for: Array(pattern.utf8), source: source)
            steps?.append(.replace(Array(pattern.utf8), with: content))
        case "Strip":
            guard let content = text("content"), let start = json["start"]?.integer,
                let stop = json["stop"]?.integer, (0...1000).contains(start),
                (0...1000).contains(stop)
            else { throw .malformed("the decoder Strip is \(json.text())", source: source) }
            steps?.append(.strip(content, start: start, stop: stop))
        case "Metaspace": steps?.append(.metaspace(try Metaspace(json, source: source)))
        default:
            throw .unsupported("decoder", type, source: source)
        }
    }
}
