import Basics

/// The ids with a meaning of their own, and whether texts start with one.
public struct SpecialTokens: Sendable, Equatable {
    /// The id at the beginning of a text.
    public var bos: Int32?
    /// The id at the end of a text.
    public var eos: Int32?
    /// The id that fills rows.
    public var pad: Int32?
    /// Whether the tokenizer puts a BOS in front once it is asked to, as TransformerLens asks it.
    public var prependsBOS: Bool
    /// Whether ``bos`` is a token that the files or the class name as BOS, rather than the EOS in
    /// its place.
    public var namesBOS: Bool

    /// Special tokens from their ids.
    ///
    /// - Parameter namesBOS: nil where it is as `prependsBOS` says.
    public init(
        bos: Int32?, eos: Int32?, pad: Int32?, prependsBOS: Bool, namesBOS: Bool? = nil
    ) {
        (self.bos, self.eos, self.pad) = (bos, eos, pad)
        (self.prependsBOS, self.namesBOS) = (prependsBOS, namesBOS ?? prependsBOS)
    }
}

extension SpecialTokens {
    /// The text that ends a text where no file names one.
    private static let fallbackEnd = Array("<|endoftext|>".utf8)

    /// The ids, filled in as TransformerLens does: eos is `<|endoftext|>`, pad is eos, bos is eos.
    /// A text without an id has that of the unknown token.
    ///
    /// - Source: `HookedTransformer.set_tokenizer` of TransformerLens 3.9.0.
    init(_ settings: TokenizerSettings, ids: AddedVocabulary) {
        let unknown = settings.content("unk_token").flatMap(ids.id)
        func id(_ content: [UInt8]) -> Int32? { ids.id(of: content) ?? unknown }
        let end = id(settings.content("eos_token") ?? Self.fallbackEnd)
        let begin = settings.content("bos_token").flatMap(id)
        bos = begin ?? end
        eos = end
        pad = settings.content("pad_token").flatMap(id) ?? end
        namesBOS = bos != nil && (begin != nil || settings.isBare)
        prependsBOS = namesBOS && settings.honoursAddBOS
    }
}

// MARK: - What readers of results should know

extension SpecialTokens {
    /// Why rows that should begin with a BOS do not; nil where they do.
    ///
    /// - Source: TransformerLens 3.9.0 takes the EOS for a BOS that is not named.
    public var rowsNote: String? {
        guard !namesBOS, let bos else { return nil }
        return "The tokenizer names no BOS, so rows begin with its EOS, token \(bos)"
    }

    /// Why texts do not begin with a BOS; nil where they do.
    public var textsNote: String? {
        if prependsBOS { return nil }
        return namesBOS
            ? "The tokenizer's class puts no BOS in front, so texts begin without one"
            : "The tokenizer names no BOS, so texts begin without one"
    }
}
