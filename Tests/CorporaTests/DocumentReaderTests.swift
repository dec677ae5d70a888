import Basics
import Formats
import Testing

@testable import Corpora

/// The documents of a file, texts as they are and ids as lists.
private func documents(_ path: String) throws -> [String] {
    var found: [String] = []
    try DocumentReader(path: path).forEachDocument { document in
        switch document {
        case .text(let text): found.append(String(decoding: text, as: UTF8.self))
        case .tokens(let ids): found.append("\(ids)")
        }
        return true
    }
    return found
}

struct DocumentReaderTests {
    @Test(
        "The column is the first known one of the first row",
        arguments: [
            (#"{"text": "a", "tokens": [1]}"#, "tokens"),
            (#"{"text": "a", "input_ids": [1]}"#, "input_ids"),
            (#"{"problem": "b", "text": "a"}"#, "text"), (#"{"id": 1, "problem": "b"}"#, "problem"),
        ])
    func column(line: String, column: String) throws {
        let folder = try TemporaryFolder()
        let reader = try DocumentReader(path: folder.write(line))
        #expect(reader.column == column)
        #expect(reader.isTokenized == (column == "tokens" || column == "input_ids"))
    }

    @Test(
        "Lines may end like this",
        arguments: [
            "{L:a}\n{L:b}\n", "{L:a}\n{L:b}", "{L:a}\r\n{L:b}\r\n", "\n\n{L:a}\n\n\r\n{L:b}\n\n",
            "{L:a}\n  \t\n{L:b}\n ", "\u{FEFF}{L:a}\n{L:b}",
        ])
    func lineEnds(_ pattern: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            pattern.replacing("L:a", with: #""text":"a""#).replacing("L:b", with: #""text":"b""#))
        #expect(try documents(path) == ["a", "b"])
    }

    @Test("Bytes of texts come through unchanged, empty texts too")
    func texts() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"text\": \"e\u{301}\\n\\ud83d\\ude00\"}\n{\"text\": \"\"}\n")
        var bytes: [[UInt8]] = []
        try DocumentReader(path: path).forEachDocument { document in
            if case .text(let text) = document { bytes.append(text) }
            return true
        }
        #expect(bytes == [Array("e\u{301}\n😀".utf8), []])
    }

    @Test("A zstd file is read as its content, and a cut one is refused")
    func zstd() throws {
        let folder = try TemporaryFolder()
        let bytes = zstandard(Array("{\"text\": \"a\"}\n{\"text\": \"b\"}\n".utf8))
        #expect(try documents(folder.write(bytes, to: "data.jsonl.zst")) == ["a", "b"])
        let cut = try folder.write(Array(bytes.dropLast()), to: "cut.jsonl.zst")
        #expect(throws: FormatError.self) { try DocumentReader(path: cut) }
    }

    @Test("A gzip file is read as its content")
    func gzip() throws {
        let folder = try TemporaryFolder()
        let lines = "{\"text\": \"first\"}\n{\"text\": \"second\"}"
        #expect(
            try documents(folder.write(gzipped(Array(lines.utf8)), to: "a.jsonl.gz")) == [
                "first", "second",
            ])
    }

    @Test("A damaged gzip file is refused", arguments: [0, 5, 20, 40])
    func damagedGzip(length: Int) throws {
        let folder = try TemporaryFolder()
        let whole = gzipped(Array("{\"text\": \"first and second\"}".utf8))
        let path = try folder.write(Array(whole.prefix(length)), to: "a.jsonl.gz")
        #expect(throws: (any Error).self) { try DocumentReader(path: path) }
    }

    @Test("Reading stops when it is told to, before a line that is broken")
    func stopping() throws {
        let folder = try TemporaryFolder()
        let reader = try DocumentReader(path: folder.write("{\"text\": \"a\"}\n{broken\n"))
        var count = 0
        try reader.forEachDocument { _ in
            count += 1
            return false
        }
        #expect(count == 1)
    }

    /// Files and the number of their broken line.
    static let badFiles: [(text: String, number: Int)] = [
        ("{\"text\": \"a\"}\n\n{\"txt\": \"b\"}", 3), ("{\"text\": \"a\"}\n{\"text\": 5}", 2),
        ("{\"text\": \"a\"}\n{\"text\": null}", 2), ("{\"text\": \"a\"}\n[\"text\"]", 2),
        ("{\"tokens\": [1]}\n{\"tokens\": [1, -2]}", 2),
        ("{\"tokens\": [1]}\n{\"tokens\": [1.5]}", 2),
        ("{\"tokens\": [1]}\n{\"tokens\": [2147483648]}", 2),
        ("{\"tokens\": [1]}\n{\"tokens\": \"a\"}", 2),
        ("\n\n[1]", 3),
    ]

    @Test("A line that cannot be read is named by its number", arguments: badFiles)
    func badLines(text: String, number: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text)
        let error = try corporaError { _ = try documents(path) }
        #expect(error.code == .malformed)
        #expect(error.message.contains("\(path), line \(number)"))
    }

    @Test(
        "A line that is not JSON is named by its number",
        arguments: [("{\"text\": \"a\"}\n{\"text\"", 2), ("\nhello", 2)])
    func notJSON(text: String, number: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text)
        let error = try #require(throws: BasicsError.self) { _ = try documents(path) }
        #expect(error.message.contains("\(path), line \(number)"))
    }

    @Test("Bytes that are not UTF-8 are named by their line")
    func notUTF8() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Array("{\"text\": \"a\"}\n{\"text\": \"".utf8) + [0xE9] + Array("\"}\n".utf8))
        let error = try corporaError { _ = try documents(path) }
        #expect(error.code == .notText)
        #expect(error.message.contains("line 2"))
    }

    @Test("A file without documents is refused", arguments: ["", "\n", "\r\n\n", "  \n"])
    func empty(_ text: String) throws {
        let folder = try TemporaryFolder()
        #expect(
            try corporaError { _ = try DocumentReader(path: folder.write(text)) }.code == .empty)
    }

    @Test("A missing file, a folder and a file without a known column are named")
    func wrongPlaces() throws {
        let folder = try TemporaryFolder()
        let missing = try corporaError { _ = try DocumentReader(path: "\(folder.path)/none.jsonl") }
        #expect(missing.code == .missing)
        let notFile = try corporaError { _ = try DocumentReader(path: folder.path) }
        #expect(notFile.code == .unsupported)
        let path = try folder.write(#"{"title": "a", "body": "b"}"#)
        let noColumn = try corporaError { _ = try DocumentReader(path: path) }
        #expect(noColumn.code == .missingColumn)
        #expect(noColumn.message.contains("title, body"))
    }
}
