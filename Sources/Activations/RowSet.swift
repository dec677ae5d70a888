import Basics
import Corpora

/// Tokens that some evaluation reads: packed rows or labelled texts.
public struct RowSet: Sendable, Codable {
    /// What was asked for.
    public var request: InputRequest
    /// The dataset's file or folder.
    public var datasetPath: String
    /// Hash of all that decides the tokens.
    public var key: ContentHash
    /// Where the tokens are kept.
    public var path: String
    /// Tokens that the model runs over.
    public var tokens: Int
    /// Rows of the activation store, one for each stored token.
    public var storedRows: Int
    /// Rows of one block of the activation store.
    public var blockRows: Int
    /// Why rows or texts that should begin with a BOS do not; nil where they do.
    public var beginningNote: String?

    /// Packed rows: every token is stored, whole rows in a block.
    package init(packed request: RowRequest, datasetPath: String, key: ContentHash, path: String) {
        let tokens = request.rows * request.contextSize
        self.init(
            request: .rows(request), datasetPath: datasetPath, key: key, path: path,
            tokens: tokens, storedRows: tokens,
            blockRows: max(1, Self.blockTokens / request.contextSize) * request.contextSize)
    }

    /// Labelled texts: blocks of about as many tokens.
    package init(
        _ texts: TextRows, request: TextRequest, datasetPath: String, key: ContentHash,
        path: String
    ) {
        let stored = texts.stored.count
        self.init(
            request: .texts(request), datasetPath: datasetPath, key: key, path: path,
            tokens: texts.tokens.count, storedRows: stored,
            blockRows: Self.blockRows(of: stored, tokens: texts.tokens.count))
    }

    /// Labelled texts of which only the size is known.
    package init(
        outlining request: TextRequest, _ size: TextSize, datasetPath: String, key: ContentHash,
        path: String
    ) {
        let stored = size.storedTokens(of: request)
        self.init(
            request: .texts(request), datasetPath: datasetPath, key: key, path: path,
            tokens: size.tokens, storedRows: stored,
            blockRows: Self.blockRows(of: stored, tokens: size.tokens))
    }

    /// Stored rows of one block of texts: those of about as many tokens as a block of packed
    /// rows has.
    private static func blockRows(of stored: Int, tokens: Int) -> Int {
        max(1, min(stored, stored * 2 * blockTokens / max(1, tokens)))
    }

    private init(
        request: InputRequest, datasetPath: String, key: ContentHash, path: String,
        tokens: Int, storedRows: Int, blockRows: Int
    ) {
        (self.request, self.datasetPath) = (request, datasetPath)
        (self.key, self.path, self.tokens) = (key, path, tokens)
        (self.storedRows, self.blockRows) = (storedRows, blockRows)
    }

    /// Tokens of one block of packed rows.
    private static let blockTokens = 2048

    /// Tokens of one sequence of the activation store: labelled texts differ in length and are
    /// stored one after the other.
    package var positions: Int {
        if case .rows(let request) = request { request.contextSize } else { 1 }
    }
}
