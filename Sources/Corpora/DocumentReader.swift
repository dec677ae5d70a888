import Basics
import Formats

/// The documents of a JSON-lines file, in order.
///
/// The column is the first present of `tokens`, `input_ids`, `text` and `problem` in the first row,
/// as SAELens chooses it. The file may be compressed (`.jsonl.gz`, `.jsonl.zst`).
public struct DocumentReader: Sendable {
    /// One document: a text to tokenise, or ids.
    public enum Document: Sendable {
        case text([UInt8])
        case tokens([Int32])
    }

    /// The path as given.
    public let path: String
    /// The column that is read.
    public let column: String
    private let content: Content

    private enum Content: Sendable {
        case mapped(MappedFile)
        case inflated([UInt8])
    }

    /// Opens a dataset.
    ///
    /// - Throws: ``CorporaError`` when the file does not exist, is empty, of another kind, or has no
    ///   column to read.
    public init(path: String) throws {
        self.path = path
        if folderExists(path) {
            throw CorporaError(
                .unsupported, "Dataset \(path) is a folder",
                advice: "name a .jsonl, .jsonl.gz, .jsonl.zst, .safetensors or .npz file")
        }
        guard fileExists(path) else {
            throw CorporaError(
                .missing, "Dataset file \(path) does not exist",
                advice: "correct the path under `datasets:`")
        }
        switch Compression(ofFile: path) {
        case .none: content = .mapped(try MappedFile(path: path))
        case .gzip, .zstd: content = .inflated(try unpackedBytes(ofFile: path))
        }
        column = try Self.withBytes(content) { bytes in
            var cursor = LineCursor(bytes: bytes)
            guard let line = cursor.next() else {
                throw CorporaError(
                    .empty, "Dataset \(path) is empty",
                    advice: "give a file with one JSON object a line")
            }
            let row = try Self.parse(line, path: path, number: cursor.number)
            guard
                let found = ["tokens", "input_ids", "text", "problem"].first(where: {
                    row[$0] != nil
                })
            else {
                let names = (row.members ?? []).map(\.key).joined(separator: ", ")
                throw CorporaError(
                    .missingColumn,
                    "Dataset \(path) has columns \(names), none of which can be read",
                    advice: "give it a column `text`, or ids in `tokens` or `input_ids`")
            }
            return found
        }
    }

    /// Whether rows are ready token ids rather than text.
    public var isTokenized: Bool { column == "tokens" || column == "input_ids" }

    /// Hands every document to `body` until it returns false.
    ///
    /// - Throws: ``CorporaError`` with the line number for a line that is not JSON, not UTF-8, or
    ///   lacks the column.
    public func forEachDocument(_ body: (Document) throws -> Bool) throws {
        try Self.withBytes(content) { bytes in
            var cursor = LineCursor(bytes: bytes)
            while let line = cursor.next() {
                let row = try Self.parse(line, path: path, number: cursor.number)
                guard try body(document(in: row, number: cursor.number)) else { return }
            }
        }
    }

    private func document(in row: JSON, number: Int) throws -> Document {
        switch row[column] {
        case .string(let text)? where !isTokenized: return .text(Array(text.utf8))
        case .array(let elements)? where isTokenized:
            return .tokens(
                try elements.map { element in
                    guard let id = element.integer, let token = Int32(exactly: id), token >= 0
                    else {
                        throw fault(number, "`\(column)` holds \(element.text()), not a token id")
                    }
                    return token
                })
        case nil: throw fault(number, "there is no column `\(column)`")
        default:
            throw fault(number, "`\(column)` is not \(isTokenized ? "a list of ids" : "a text")")
        }
    }

    private func fault(_ number: Int, _ what: String) -> CorporaError {
        CorporaError(
            .malformed, "Dataset \(path), line \(number): \(what)",
            advice: "correct or remove that line")
    }

    private static func parse(_ line: UnsafeRawBufferPointer, path: String, number: Int) throws
        -> JSON
    {
        guard String(validating: line, as: UTF8.self) != nil else {
            throw CorporaError(
                .notText, "Dataset \(path), line \(number) is not UTF-8 text",
                advice: "convert the file, for example with `iconv -t UTF-8`")
        }
        let row = try JSON(parsing: line, source: "\(path), line \(number),")
        guard row.members != nil else {
            throw CorporaError(
                .malformed, "Dataset \(path), line \(number) is not a JSON object",
                advice: "give one object a line, such as {\"text\": \"…\"}")
        }
        return row
    }

    private static func withBytes<Result>(
        _ content: Content, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        switch content {
        case .mapped(let file): try file.withBytes(body)
        case .inflated(let bytes): try bytes.withUnsafeBytes(body)
        }
    }
}

/// Walks over the lines of some bytes that hold more than space.
private struct LineCursor {
    let bytes: UnsafeRawBufferPointer
    /// Number of the line returned last, from 1.
    private(set) var number = 0
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> UnsafeRawBufferPointer? {
        while position < bytes.count {
            let start = position
            while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            let line = bytes[start..<position]
            position += 1
            number += 1
            if line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) {
                return UnsafeRawBufferPointer(rebasing: line)
            }
        }
        return nil
    }
}
