import Basics

/// Spaces written as a mark, `▁`, as SentencePiece and its heirs Llama and Mistral write them.
///
/// - Source: `Metaspace` of the `tokenizers` library, as pre-tokenizer and as decoder.
struct Metaspace: Sendable {
    /// Which pieces of text get a mark in front when they have none.
    enum Prefix: String, Sendable {
        /// Every piece between added tokens.
        case always
        /// The piece that the whole text begins with.
        case first
        /// None.
        case never
    }

    /// The mark.
    var mark: [UInt8]
    /// Which pieces get one in front.
    var prefix: Prefix
    /// Whether every mark starts a word.
    var splits: Bool

    /// A piece of text with marks for its spaces.
    func marked(_ text: UTF8Text, isFirst: Bool) -> UTF8Text {
        let text = text.replacing([UInt8(ascii: " ")], with: mark)
        let isWanted = prefix == .always || (prefix == .first && isFirst)
        return isWanted && !text.starts(with: mark) ? (mark + text)[...] : text
    }

    /// A token with spaces for its marks; the first one loses them where a mark was put there.
    func unmarked(_ token: [UInt8], isFirst: Bool) -> [UInt8] {
        let space: [UInt8] = isFirst && prefix != .never ? [] : [UInt8(ascii: " ")]
        return Array(token[...].replacing(mark, with: space))
    }
}

// MARK: - Loading

extension Metaspace {
    /// Reads a pre-tokenizer or decoder of type `Metaspace`, also in the form of older files, which
    /// say `add_prefix_space`.
    init(_ json: JSON, source: String) throws(TokenizerError) {
        guard let mark = json["replacement"]?.text, mark.unicodeScalars.count == 1 else {
            throw .malformed(
                "the mark of Metaspace is \(json["replacement"]?.text() ?? "null")", source: source)
        }
        let name = json["prepend_scheme"]?.text ?? Prefix.always.rawValue
        guard var prefix = Prefix(rawValue: name) else {
            throw .unsupported("prepend_scheme", name, source: source)
        }
        if json["add_prefix_space"]?.truth == false {
            guard json["prepend_scheme"] == nil || prefix == .never else {
                throw .malformed(
                    "Metaspace has add_prefix_space false and prepend_scheme `\(name)`",
                    source: source)
            }
            prefix = .never
        }
        self.init(
            mark: Array(mark.utf8), prefix: prefix, splits: json["split"]?.truth ?? true)
    }
}

/// How much longer the replacements of a tokenizer can make a text, kept within bounds.
struct ReplacementGrowth {
    /// The largest factor that is accepted; those of real tokenizers are below 10.
    private static let limit = 1024
    /// The factor so far.
    private var factor = 1

    /// Counts one replacement.
    mutating func multiply(by content: [UInt8], for pattern: [UInt8], source: String)
        throws(TokenizerError)
    {
        let length = max(1, pattern.count)
        factor *= max(1, (min(content.count, Self.limit * length + 1) + length - 1) / length)
        guard factor <= Self.limit else {
            throw .malformed(
                "replacements can make a text more than \(Self.limit) times longer",
                source: source)
        }
    }
}
