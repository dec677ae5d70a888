import Basics

/// Turns text into token ids and back, with exactly the ids of the Hugging Face `tokenizers`
/// library.
///
/// Byte-level and character-level BPE from `tokenizer.json`: GPT-2, GPT-NeoX, Llama, Mistral,
/// Gemma, Qwen and their kin; also the pair of files of the first GPT-2. What the files beside them
/// say of added and special tokens counts too, and so does the class that they name. Any number of
/// threads may use one tokenizer. Texts are neither cut nor padded here, whatever lengths the files
/// name; ``cutsBeginning`` says at which side whoever makes rows is to cut.
///
/// - Cost: one pass over the text and `n log n` merging steps for a new word of `n` bytes; words
///   met before are looked up.
public final class Tokenizer: Sendable {
    /// The ids with a meaning of their own.
    public let special: SpecialTokens
    /// The number of different tokens, added ones included.
    public let vocabularySize: Int
    /// Whether a text that is too long loses its beginning rather than its end.
    public let cutsBeginning: Bool
    /// What changes the text first.
    private let normalizer: Normalizer
    /// What cuts the text into words.
    private let preTokenizer: PreTokenizer
    /// What turns words into ids.
    private let model: BytePairModel
    /// What goes around the ids.
    private let postProcessor: PostProcessor
    /// What turns tokens into text.
    private let decoder: TokenDecoder
    /// The tokens that are found before the text is cut.
    private let added: AddedTokens
    /// The ids of added tokens.
    private let addedIDs: [[UInt8]: Int32]
    /// The spelling of each id.
    private let spellings: [[UInt8]?]
    /// The ids that decoding leaves out with the special tokens.
    private let skippedIDs: Set<Int32>
    /// The words met before.
    private let cache = WordCache()

    /// Puts the parts together.
    ///
    /// - Parameter listed: the added tokens of `tokenizer.json`.
    init(
        normalizer: Normalizer, preTokenizer: PreTokenizer, model: BytePairModel,
        postProcessor: PostProcessor, decoder: TokenDecoder, listed: [AddedToken],
        settings: TokenizerSettings
    ) {
        var vocabulary = AddedVocabulary(behind: model.vocabulary)
        vocabulary.add(listed)
        settings.add(to: &vocabulary)
        let tokens = vocabulary.tokens.values.sorted { $0.id < $1.id }
        special = SpecialTokens(settings, ids: vocabulary)
        cutsBeginning = settings.cutsBeginning
        let last = max(model.vocabulary.values.max() ?? -1, tokens.last?.id ?? -1)
        var spellings = [[UInt8]?](repeating: nil, count: Int(last) + 1)
        for (spelling, id) in model.vocabulary { spellings[Int(id)] = spelling }
        for token in tokens {
            // A token that is looked for in its normalized form is also shown in it.
            let shown =
                token.isNormalized ? normalizer.normalized(token.content[...]) : token.content[...]
            spellings[Int(token.id)] = Array(shown)
        }
        addedIDs = vocabulary.ids
        vocabularySize =
            model.vocabulary.count + addedIDs.keys.count { model.vocabulary[$0] == nil }
        (self.normalizer, self.preTokenizer, self.model) = (normalizer, preTokenizer, model)
        (self.postProcessor, self.decoder) = (postProcessor, decoder)
        let special = tokens.filter { vocabulary.specialContents.contains($0.content) }
        added = AddedTokens(
            tokens, normalizer: normalizer,
            left: settings.splitsSpecialTokens ? Set(special.map(\.id)) : [])
        self.spellings = spellings
        // The library looks for the text that is shown, so a special token whose normalized form
        // differs is not left out.
        skippedIDs = Set(
            special.filter { spellings[Int($0.id)] == $0.content }.map(\.id))
    }
}

// MARK: - Text to ids

extension Tokenizer {
    /// The ids of a text.
    ///
    /// Bytes that are not UTF-8 count as U+FFFD, one for each longest beginning of a character, as
    /// `decode(errors="replace")` of Python gives them.
    ///
    /// - Parameter addSpecialTokens: whether the special tokens of the file's own template go
    ///   around them.
    public func encode(_ text: [UInt8], addSpecialTokens: Bool = false) -> [Int32] {
        let isValid = String(validating: text, as: UTF8.self) != nil
        return encodeValid(
            isValid ? text : Array(String(decoding: text, as: UTF8.self).utf8),
            addSpecialTokens: addSpecialTokens)
    }

    /// The ids of a text.
    ///
    /// - Parameter addSpecialTokens: whether the special tokens of the file's own template go
    ///   around them.
    public func encode(_ text: String, addSpecialTokens: Bool = false) -> [Int32] {
        encodeValid(Array(text.utf8), addSpecialTokens: addSpecialTokens)
    }

    /// The ids of a text behind a BOS, where the tokenizer honours `add_bos_token`.
    ///
    /// - Source: SAE Bench 0.6.0 §1.4, the tokenizer that TransformerLens makes with
    ///   `add_bos_token`.
    public func encodeWithBOS(_ text: [UInt8]) -> [Int32] {
        let ids = encode(text)
        guard special.prependsBOS, let bos = special.bos else { return ids }
        return [bos] + ids
    }

    /// The ids of a text behind a BOS, where the tokenizer honours `add_bos_token`.
    public func encodeWithBOS(_ text: String) -> [Int32] {
        let ids = encode(text)
        guard special.prependsBOS, let bos = special.bos else { return ids }
        return [bos] + ids
    }

    /// The ids of a text that is UTF-8.
    private func encodeValid(_ text: [UInt8], addSpecialTokens: Bool) -> [Int32] {
        var ids = addSpecialTokens ? postProcessor.prefix : []
        ids.reserveCapacity(text.count / 3)
        added.forEachPiece(of: text[...], normalizer: normalizer) { piece in
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let text, let isFirst):
                preTokenizer.forEachWord(of: text, isFirst: isFirst) { append($0, to: &ids) }
            }
        }
        if addSpecialTokens { ids += postProcessor.suffix }
        return ids
    }

    /// Appends the ids of a word, from the cache when it is there.
    private func append(_ word: UTF8Text, to ids: inout [Int32]) {
        guard word.count <= WordCache.longestWord else { return model.append(word, to: &ids) }
        if cache.append(word, to: &ids) { return }
        let start = ids.count
        model.append(word, to: &ids)
        cache.keep(word, ids: ids[start...])
    }
}

// MARK: - Ids to text

extension Tokenizer {
    /// The bytes of the text of some ids.
    ///
    /// The bytes of byte-level tokens are joined as they are, so a text cut within a character is
    /// not UTF-8; `String(decoding:as:)` then gives what the library gives. Ids outside the
    /// vocabulary add nothing, as in the library.
    ///
    /// - Parameter skipSpecialTokens: whether special tokens add nothing.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool = false) -> [UInt8] {
        let tokens = ids.compactMap { id -> [UInt8]? in
            skipSpecialTokens && skippedIDs.contains(id) ? nil : token(id)
        }
        return decoder.decoded(tokens)
    }

    /// The spelling of a token in the vocabulary, such as `Ġthe`; nil when there is no such id.
    public func token(_ id: Int32) -> [UInt8]? {
        id >= 0 && Int(id) < spellings.count ? spellings[Int(id)] : nil
    }

    /// The id of a spelling in the vocabulary, compared byte by byte.
    public func id(of token: String) -> Int32? {
        let bytes = Array(token.utf8)
        return addedIDs[bytes] ?? model.vocabulary[bytes]
    }

    /// Whether an id is a special token.
    public func isSpecial(_ id: Int32) -> Bool { added.byID[id]?.isSpecial ?? false }
}
