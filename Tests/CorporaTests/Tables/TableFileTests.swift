import Basics
import Formats
import Testing

@testable import Corpora

/// The cells of some columns: lines, and texts or what is shown of other values.
private func rows(_ path: String, _ columns: [String]) throws -> [String] {
    var found: [String] = []
    try TableFile(path: path).forEachRow(columns) { row in
        let cells = try row.cells.map { cell in
            try cell.text(source: "test").map { String(decoding: $0, as: UTF8.self) } ?? cell.shown
        }
        found.append("\(row.index)@\(row.line) " + cells.joined(separator: "|"))
        return true
    }
    return found
}

struct JSONLinesTests {
    @Test("Columns are found among others, and their values keep their kind")
    func columns() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            """
            {"x": {"text": "no", "b": [1, "}", {"\\"": "]"}]}, "text": "a\\n\\u00e9\\ud83d\\ude00", "n": 5}

            { "n" : -1.5e3 , "te\\u0078t" : "key with an escape" }
            {"text": "first", "text": "last", "n": null}
            {"n": true, "text": {"a": [1, 2]}}
            {}
            """)
        #expect(
            try rows(path, ["text", "n"]) == [
                "0@1 a\n\u{E9}😀|5", "1@3 key with an escape|-1.5e3", "2@4 last|null",
                #"3@5 {"a": [1, 2]}|true"#, "4@6 nothing|nothing",
            ])
    }

    @Test(
        "A damaged line is refused with its number",
        arguments: [
            "{\"a\": 1", "{\"a\" 1}", "{a: 1}", "{\"a\": 1} x", "[1]", "5", "{\"a\": }",
            "{\"a\": \"x}", "{\"a\": [1}", "{\"a\": 1,}", "{\"a\": \"\u{1}\"}",
            "{\"b\": \"\\", "{\"a\": {\"b\": 1}", "\"a\"", "{\"a\": 1 2}",
        ])
    func damaged(line: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"a\": 1}\n\n\(line)\n")
        let error = try corporaError { _ = try rows(path, ["a"]) }
        #expect(error.code == .malformed)
        #expect(error.message.contains("line 3"))
    }

    @Test("Nesting a million deep takes no stack")
    func deep() throws {
        let folder = try TemporaryFolder()
        let deep =
            String(repeating: "[", count: 1_000_000) + String(repeating: "]", count: 1_000_000)
        let path = try folder.write("{\"x\": \(deep), \"a\": \"found\"}")
        #expect(try rows(path, ["a"]) == ["0@1 found"])
    }

    @Test("Bytes that are not UTF-8 are refused with their line", arguments: ["jsonl", "csv"])
    func notText(kind: String) throws {
        let folder = try TemporaryFolder()
        let start = kind == "csv" ? "a\n1\n" : "{\"a\": 1}\n{\"a\": 2}\n"
        let path = try folder.write(
            Array(start.utf8) + [0x22, 0xE9, 0x22, 0x0A], to: "data.\(kind)")
        let error = try corporaError { _ = try rows(path, ["a"]) }
        #expect(error.code == .notText)
        #expect(error.message.contains("line 3"))
    }
}

struct CSVTests {
    @Test(
        "Fields are cut as RFC 4180 and pandas cut them",
        arguments: [
            ("a,b\n1,2\n", ["0@2 1|2"]), ("a,b\r\n1,2\r\n3,4", ["0@2 1|2", "1@3 3|4"]),
            ("a,b\r1,2\r3,4\r", ["0@2 1|2", "1@3 3|4"]),
            ("\u{FEFF}a,b\n1,2", ["0@2 1|2"]), ("b,x,a\n1,2,3\n", ["0@2 3|1"]),
            ("a,b\n\"1,\"\"2\"\"\",\"x\ny\r\nz\"\n5,6\n", ["0@2 1,\"2\"|x\ny\r\nz", "1@5 5|6"]),
            ("a,b\n\n\n1,2\n\n", ["0@4 1|2"]), ("a,b\n,\n", ["0@2 |"]),
            ("a,b\n\"\",\"\"", ["0@2 |"]),
            ("a,b\nx\"y,z\"\n", ["0@2 x\"y|z\""]), ("a,b\n \"1\",2\n", ["0@2  \"1\"|2"]),
            ("\"a\",\"b\"\n\"1\",2\n", ["0@2 1|2"]), ("a,a,b\n1,2,3\n", ["0@2 2|3"]),
            ("a,b\n\"\"\"\",\"\"\"\"\"\"\n", ["0@2 \"|\"\""]),
        ])
    func fields(text: String, expected: [String]) throws {
        let folder = try TemporaryFolder()
        #expect(try rows(folder.write(text, to: "t.csv"), ["a", "b"]) == expected)
        let zstd = try folder.write(zstandard(Array(text.utf8)), to: "t.csv.zst")
        #expect(try rows(zstd, ["a", "b"]) == expected)
        let gzip = try folder.write(gzipped(Array(text.utf8)), to: "t.csv.gz")
        #expect(try rows(gzip, ["a", "b"]) == expected)
    }

    @Test(
        "A ragged or damaged row is refused with its line",
        arguments: [
            ("a,b\n1,2\n3\n", 3, "1 fields"), ("a,b\n1,2,3\n", 2, "3 fields"),
            ("a,b\n\"x\ny\",1\n1\n", 4, "1 fields"), ("a,b\n\"1\"2,3\n", 2, "behind a closing"),
            ("a,b\n1,2\n\"3,4\n5,6\n", 3, "not closed"), ("a,b\n1,\"", 2, "not closed"),
        ])
    func ragged(text: String, line: Int, what: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "t.csv")
        let error = try corporaError { _ = try rows(path, ["a", "b"]) }
        #expect(error.code == .malformed)
        #expect(error.message.contains("line \(line)") && error.message.contains(what))
    }

    @Test("A missing column is refused with the list of those that are there")
    func missingColumn() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("one,two\n1,2\n", to: "t.csv")
        let error = try corporaError { _ = try rows(path, ["a"]) }
        #expect(error.code == .missingColumn)
        #expect(error.message.contains("`a`") && error.message.contains("`one`, `two`"))
        let empty = try folder.write("\n\n", to: "empty.csv")
        #expect(try corporaError { _ = try rows(empty, ["a"]) }.code == .empty)
    }

    @Test("Records are the same however the bytes are cut into pieces", arguments: 0..<200)
    func pieces(seed: Int) throws {
        var random = NumpyGenerator(seed: UInt64(seed))
        let alphabet = Array("ab,,\"\"\"\n\n\r\r\n\" \u{E9}".utf8)
        let bytes = (0..<60).map { _ in alphabet[Int(random.next32()) % alphabet.count] }
        for readsQuotes in [false, true] {
            let whole = records([bytes], readsQuotes)
            var pieces: [[UInt8]] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + 1 + Int(random.next32() % 9))
                pieces.append(Array(bytes[start..<end]))
                start = end
            }
            #expect(records(pieces, readsQuotes) == whole)
            #expect(records(bytes.map { [$0] }, readsQuotes) == whole)
        }
    }

    /// The records of pieces with their lines.
    private func records(_ pieces: [[UInt8]], _ readsQuotes: Bool) -> [String] {
        var splitter = RecordSplitter(readsQuotes: readsQuotes)
        var (found, carry): ([String], [UInt8]) = ([], [])
        for piece in pieces {
            piece.withUnsafeBytes { bytes in
                var start = 0
                while true {
                    if carry.isEmpty { start = splitter.recordStart(in: bytes, from: start) }
                    guard let end = splitter.nextEnd(in: bytes, from: start) else { break }
                    let record = carry + bytes[start..<end.content]
                    found.append("\(splitter.recordLine) \(record)")
                    carry = []
                    start = end.next
                }
                carry += bytes[start...]
            }
        }
        return found + ["\(splitter.lastRecordLine) \(carry) \(splitter.isWithinQuotes)"]
    }
}

struct TableKindTests {
    @Test("Parquet and other kinds are refused with what to do")
    func kinds() throws {
        let folder = try TemporaryFolder()
        for (name, advice) in [
            ("train.parquet", "saeval data import"), ("train.txt", ".jsonl"), ("train", ".csv"),
        ] {
            let path = try folder.write("PAR1", to: name)
            let error = try corporaError { _ = try TableFile(path: path) }
            #expect(error.code == .unsupported)
            #expect(error.advice?.contains(advice) == true)
        }
        #expect(
            try corporaError { _ = try TableFile(path: "\(folder.path)/no.csv") }.code == .missing)
    }

    @Test("A damaged archive is refused", arguments: ["t.csv.zst", "t.csv.gz"])
    func archive(name: String) throws {
        let folder = try TemporaryFolder()
        let content = Array("a,b\n1,2\n".utf8)
        let bytes = name.hasSuffix("zst") ? zstandard(content) : gzipped(content)
        let path = try folder.write(Array(bytes.dropLast(3)), to: name)
        #expect(throws: FormatError.self) { _ = try rows(path, ["a"]) }
    }
}

struct LabelColumnTests {
    /// The names of the labels of a column `y`.
    private func labels(_ text: String, _ name: String, _ type: LabelType) throws -> [String] {
        let folder = try TemporaryFolder()
        let file = try TableFile(path: folder.write(text, to: name))
        let column = try TextFamily.labels([("y", type)], of: file)[0]
        return column.codes.map { "\(column.labels[Int($0)])" }
    }

    @Test(
        "A column of CSV is typed as a whole, as pandas does",
        arguments: [
            ("1\n2\n-3\n", ["integer(1)", "integer(2)", "integer(-3)"]),
            ("1\n2.0\n1e1\n", ["number(1.0)", "number(2.0)", "number(10.0)"]),
            ("True\nfalse\nTRUE\n", ["truth(true)", "truth(false)", "truth(true)"]),
            ("1\nTrue\n", ["text([49])", "text([84, 114, 117, 101])"]),
            ("1\n\"1\"\n 1\n", ["integer(1)", "integer(1)", "integer(1)"]),
            ("0x1\n1\n", ["text([48, 120, 49])", "text([49])"]),
        ])
    func types(text: String, expected: [String]) throws {
        #expect(try labels("y\n\(text)", "t.csv", .any) == expected)
    }

    @Test("Labels of JSON keep their type, and integers widen where numbers are expected")
    func json() throws {
        let text = #"{"y": 1}"# + "\n" + #"{"y": 1.0}"# + "\n" + #"{"y": 5}"#
        #expect(
            try labels(text, "t.jsonl", .number) == ["number(1.0)", "number(1.0)", "number(5.0)"])
        #expect(try labels(#"{"y": "1"}"#, "t.jsonl", .any) == ["text([49])"])
    }

    @Test(
        "A label of another type is named with its line",
        arguments: [
            (#""nurse""#, LabelType.integer, "\"nurse\""), ("1.0", .integer, "1.0"),
            ("null", .integer, "null"), ("[1]", .number, "[1]"), ("5", .text, "5"),
            ("NaN", .number, "NaN"), ("true", .integer, "true"), ("1x", .integer, ""),
        ])
    func wrongType(value: String, type: LabelType, shown: String) throws {
        let good = type == .text ? "\"a\"" : "1"
        let text = "{\"y\": \(good)}\n\n{\"y\": \(value)}\n"
        if value == "1x" {
            #expect(throws: BasicsError.self) { _ = try labels(text, "t.jsonl", type) }
            return
        }
        let error = try corporaError { _ = try labels(text, "t.jsonl", type) }
        #expect(error.code == .wrongType)
        #expect(error.message.contains("line 3") && error.message.contains("`y` holds \(shown)"))
        let missing = try corporaError {
            _ = try labels("{\"y\": \(good)}\n{\"z\": 1}", "t.jsonl", type)
        }
        #expect(missing.code == .missingColumn)
    }

    @Test(
        "Fields of CSV without a value, or of another type, are named", arguments: ["", "NA", "x"])
    func fields(text: String) throws {
        let error = try corporaError {
            _ = try labels("y,z\n1,1\n\(text),1\n", "t.csv", .integer)
        }
        #expect(error.code == .wrongType)
        #expect(error.message.contains("line 3"))
    }

    @Test("Many different labels are told apart")
    func many() throws {
        let text = "y\n" + (0..<3_000).map { "t\($0 % 1_000)\n" }.joined()
        let found = try labels(text, "t.csv", .any)
        #expect(Set(found).count == 1_000)
        #expect(found[..<1_000] == found[2_000...])
    }
}
