import Basics
import Formats
import Tensors
import Tokenizers

/// Rows of tokens of equal length.
public struct TokenRows: Sendable {
    /// All ids, row after row.
    public let tokens: [Int32]
    /// Tokens in a row.
    public let positions: Int

    /// Cuts ids into rows.
    ///
    /// - Precondition: `positions` is above 0 and divides the number of ids.
    public init(tokens: [Int32], positions: Int) {
        precondition(positions > 0 && tokens.count % positions == 0)
        (self.tokens, self.positions) = (tokens, positions)
    }

    /// Number of rows.
    public var count: Int { tokens.count / positions }

    /// The tokens of some rows.
    public func rows(_ range: Range<Int>) -> [Int32] {
        Array(tokens[(range.lowerBound * positions)..<(range.upperBound * positions)])
    }
}

/// What rows to make of a dataset.
public struct RowRequest: Sendable, Codable, Hashable {
    /// The dataset's id in the config.
    public var dataset: String
    /// Tokens in a row.
    public var contextSize: Int
    /// Rows wanted.
    public var rows: Int
    /// Whether rows begin with BOS.
    public var prependsBOS: Bool

    /// A request for so many rows of `contextSize` tokens each, BOS included.
    public init(dataset: String, contextSize: Int, rows: Int, prependsBOS: Bool) {
        (self.dataset, self.contextSize, self.rows, self.prependsBOS) = (
            dataset, contextSize, rows, prependsBOS
        )
    }
}

/// Rows and whether the dataset had to be read more than once for them.
public struct PackedRows: Sendable {
    /// The rows, as many as were asked for or could be made.
    public var rows: TokenRows
    /// Rows in one reading of the dataset; smaller than the request when rows repeat.
    public var distinctRows: Int
}

/// Whether a dataset for packed rows holds text, rather than ready ids.
///
/// - Throws: ``CorporaError`` when there is no such file, or when it has neither.
public func holdsText(_ path: String) throws -> Bool {
    if path.hasSuffix(".safetensors") || path.hasSuffix(".npz") { return false }
    return try !DocumentReader(path: path).isTokenized
}

/// Makes the rows of a request.
///
/// A dataset that ends too early is read again from its start, as SAELens does; the unfinished row
/// is dropped. Without a BOS in the tokenizer, rows begin with its EOS.
///
/// - Parameter path: JSON lines (`.jsonl`, plain, `.gz` or `.zst`), or ready rows in a tensor `tokens` of a
///   `.safetensors` or `.npz` file.
/// - Throws: ``CorporaError`` when the dataset cannot give a single row.
public func packRows(_ request: RowRequest, path: String, tokenizer: () throws -> Tokenizer) throws
    -> PackedRows
{
    if path.hasSuffix(".safetensors") || path.hasSuffix(".npz") {
        return try readyRows(request, path: path)
    }
    let reader = try DocumentReader(path: path)
    var tokens: [Int32] = []
    tokens.reserveCapacity(request.rows * request.contextSize)
    var made = 0
    var distinct: Int?
    let take: ([Int32]) -> Bool = { row in
        tokens.append(contentsOf: row)
        made += 1
        return made < request.rows
    }
    let encoder = reader.isTokenized ? nil : try tokenizer()
    let bos = encoder?.special.bos
    if request.prependsBOS, encoder != nil, bos == nil {
        throw CorporaError(
            .unsupported,
            "The tokenizer names no BOS and no EOS token, but rows of \(path) must begin with one",
            advice: "set bos_token in tokenizer_config.json")
    }
    while made < request.rows {
        let before = made
        var packer = RowPacker(
            positions: request.contextSize, rowStart: request.prependsBOS ? bos : nil,
            separator: bos)
        try reader.forEachDocument { document in
            switch document {
            case .text(let text):
                guard let encoder else { preconditionFailure("\(path) holds ids and gave a text") }
                return packer.add(encoder.encode(text), emit: take)
            case .tokens(let ids): return try takeReady(ids, request, path, take)
            }
        }
        if made == before {
            throw CorporaError(
                .empty, "Dataset \(path) is too short for one row of \(request.contextSize) tokens",
                advice: "give more text or a smaller context_size")
        }
        if distinct == nil { distinct = made }
    }
    return PackedRows(
        rows: TokenRows(tokens: tokens, positions: request.contextSize),
        distinctRows: distinct ?? made)
}

private func takeReady(
    _ ids: [Int32], _ request: RowRequest, _ path: String, _ take: ([Int32]) -> Bool
) throws -> Bool {
    guard ids.count >= request.contextSize else {
        throw CorporaError(
            .wrongShape,
            "Dataset \(path) has a row of \(ids.count) tokens, fewer than context_size \(request.contextSize)",
            advice: "set context_size to at most \(ids.count)")
    }
    return take(Array(ids.prefix(request.contextSize)))
}

private func readyRows(_ request: RowRequest, path: String) throws -> PackedRows {
    guard fileExists(path) else {
        throw CorporaError(
            .missing, "Dataset file \(path) does not exist",
            advice: "correct the path under `datasets:`")
    }
    var tensor =
        path.hasSuffix(".npz")
        ? try NumpyArchive(path: path).tensor("tokens")
        : try SafetensorsFile(path: path).tensor("tokens")
    if tensor.shape.count == 3 {
        tensor = tensor.reshaped([tensor.shape[0] * tensor.shape[1], tensor.shape[2]])
    }
    guard tensor.shape.count == 2, tensor.type == .int32 || tensor.type == .int64, tensor.rows > 0
    else {
        throw CorporaError(
            .wrongShape, "`tokens` in \(path) is \(tensor.type) \(tensor.shape)",
            advice: "store ids as int32 or int64 of shape [rows, positions]")
    }
    guard tensor.shape[1] >= request.contextSize else {
        throw CorporaError(
            .wrongShape,
            "Rows of \(path) hold \(tensor.shape[1]) tokens, fewer than context_size \(request.contextSize)",
            advice: "set context_size to at most \(tensor.shape[1])")
    }
    var tokens: [Int32] = []
    tokens.reserveCapacity(request.rows * request.contextSize)
    for row in 0..<request.rows {
        for position in 0..<request.contextSize {
            tokens.append(
                try id(in: tensor, at: (row % tensor.rows) * tensor.shape[1] + position, path: path)
            )
        }
    }
    return PackedRows(
        rows: TokenRows(tokens: tokens, positions: request.contextSize),
        distinctRows: min(tensor.rows, request.rows))
}

private func id(in tensor: Tensor, at index: Int, path: String) throws -> Int32 {
    let value =
        tensor.type == .int32
        ? Int64(tensor.bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
        : tensor.bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
    guard let token = Int32(exactly: value), token >= 0 else {
        throw CorporaError(
            .malformed, "`tokens` in \(path) holds \(value), not a token id",
            advice: "check how the file was made")
    }
    return token
}
