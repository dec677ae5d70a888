/// The tokens that are added to a vocabulary, in the order in which they are added.
///
/// - Source: `AddedVocabulary.add_tokens` of the `tokenizers` library, 0.23: a token that comes
///   again takes the flags of the last one, and is special from the first time that it was.
struct AddedVocabulary: Sendable {
    /// The ids of the vocabulary beneath.
    private let vocabulary: [[UInt8]: Int32]
    /// The id of each text.
    private(set) var ids: [[UInt8]: Int32] = [:]
    /// The token of each id.
    private(set) var tokens: [Int32: AddedToken] = [:]
    /// The texts that have been special.
    private(set) var specialContents: Set<[UInt8]> = []

    /// Nothing is added yet.
    init(behind vocabulary: [[UInt8]: Int32]) { self.vocabulary = vocabulary }

    /// Adds tokens: each gets the id that its text has, else the next free one.
    mutating func add(_ added: [AddedToken]) {
        let size = Int32(vocabulary.count)
        var next = max(size, (tokens.keys.max() ?? -1) + 1)
        for var token in added where !token.content.isEmpty {
            if let id = ids[token.content] ?? vocabulary[token.content] {
                token.id = id
            } else {
                token.id = next
                next += 1
            }
            ids[token.content] = token.id
            tokens[token.id] = token
            if token.isSpecial { specialContents.insert(token.content) }
        }
    }

    /// The id of a text in either vocabulary.
    func id(of content: [UInt8]) -> Int32? { ids[content] ?? vocabulary[content] }
}
