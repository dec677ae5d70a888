import Basics
import Tokenizers

/// Turns texts into tokens as the tokenizer of TransformerLens does when it cuts them.
///
/// A BOS goes in front where the tokenizer honours `add_bos_token`, and the end of a long text is cut
/// off, or its beginning behind the BOS where the request or the tokenizer's files say so: SAE Bench
/// leaves the side to the tokenizer, and sae_probes asks for the beginning. Rows are not padded.
///
/// - Source: TransformerLens 2 and 3 with `transformers` 4 and 5 agree for tokenizers of
///   `tokenizer.json`; see the README of this folder for GPT-2.
struct TextTokens: Sendable {
    private let tokenizer: Tokenizer
    private let truncation: TextRequest.Truncation
    private let stored: TextRequest.StoredTokens
    /// The token in front of every text.
    private let bos: Int32?
    /// Tokens of a text that are kept behind the BOS.
    private let room: Int
    /// The tokens that are no content.
    private let special: Set<Int32>

    /// Prepares for a request.
    ///
    /// - Throws: ``CorporaError`` when the context has no room for text.
    init(_ request: TextRequest, tokenizer: Tokenizer) throws(CorporaError) {
        self.tokenizer = tokenizer
        stored = request.stored
        truncation = tokenizer.cutsBeginning ? .start : request.truncation
        bos = tokenizer.special.prependsBOS ? tokenizer.special.bos : nil
        room = request.contextLength - (bos == nil ? 0 : 1)
        let ids = [tokenizer.special.bos, tokenizer.special.eos, tokenizer.special.pad]
        special = Set(ids.compactMap { $0 })
        guard room > 0 else {
            throw CorporaError(
                .outOfRange, "A context_length of \(request.contextLength) leaves no room for text",
                advice: "set at least 2")
        }
    }

    /// The tokens of a text.
    ///
    /// - Parameter fault: makes the error of this text from what is wrong with it.
    /// - Throws: that error, when nothing of the text remains.
    func tokens(of text: [UInt8], fault: (String) -> CorporaError) throws -> [Int32] {
        let ids = tokenizer.encode(text)
        guard !ids.isEmpty else { throw fault("the text is empty") }
        let kept = truncation == .end ? ids.prefix(room) : ids.suffix(room)
        if stored == .content, kept.allSatisfy(special.contains) {
            throw fault("the text holds special tokens alone")
        }
        return (bos.map { [$0] } ?? []) + kept
    }

    /// The indices of a text's tokens whose activations are stored.
    func storedIndices(_ tokens: [Int32]) -> [Int] {
        switch stored {
        case .content: tokens.indices.filter { !special.contains(tokens[$0]) }
        case .last: [tokens.count - 1]
        }
    }
}
