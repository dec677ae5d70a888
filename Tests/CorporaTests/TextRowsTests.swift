import Basics
import Formats
import Testing
import Tokenizers

@testable import Corpora

/// A dataset of two classes of some texts, `a` of class no and the others of class yes.
private func dataset(_ texts: [String], in folder: TemporaryFolder) throws -> String {
    let lines = texts.map {
        "{\"prompt\": \"\($0)\", \"target\": \"\($0 == "a" ? "no" : "yes")\"}\n"
    }
    return try folder.write(lines.joined(), to: "texts.jsonl")
}

/// A request for them.
private func request(
    _ contextLength: Int, _ truncation: TextRequest.Truncation = .end,
    _ stored: TextRequest.StoredTokens = .content
) -> TextRequest {
    TextRequest(
        dataset: "texts", selection: .binary(limit: 100), contextLength: contextLength,
        truncation: truncation, stored: stored)
}

struct TextRowsTests {
    @Test("Texts keep their beginning or their end behind the BOS")
    func truncation() throws {
        let folder = try TemporaryFolder()
        let letters = try tokenizer(in: folder)
        let path = try dataset(["abcdef", "a", "hi"], in: folder)
        let end = try textRows(request(4), at: path, tokenizer: letters, threads: 2)
        #expect(end.tokens == [0, 1, 2, 3, 0, 1, 0, 8, 9])
        #expect(end.starts == [0, 4, 6, 9])
        #expect(end.stored == [1, 2, 3, 5, 7, 8])
        #expect(end.storedStarts == [0, 3, 4, 6])
        #expect(end.groups.map(\.texts) == [[1], [0, 2]])
        #expect(end.sources == ["texts.jsonl:0", "texts.jsonl:1", "texts.jsonl:2"])
        let start = try textRows(
            request(4, .start, .last), at: path, tokenizer: letters, threads: 1)
        #expect(start.tokens == [0, 4, 5, 6, 0, 1, 0, 8, 9])
        #expect(start.stored == [3, 5, 8])
        #expect(start.storedStarts == [0, 1, 2, 3])
    }

    @Test("A tokenizer that cuts at the left keeps the end of a text", arguments: [true, false])
    func tokenizersSide(byFile: Bool) throws {
        let folder = try TemporaryFolder()
        _ = try tokenizer(in: folder)
        if byFile {
            let json = try JSON(file: "\(folder.path)/tokenizer.json")
            let truncation = JSON.object(["direction": .string("Left"), "max_length": .integer(2)])
            let members = (json.members ?? []) + [JSONMember(key: "truncation", value: truncation)]
            _ = try folder.write(JSON.object(members).text(), to: "tokenizer.json")
        } else {
            _ = try folder.write(
                #"{"bos_token": "<s>", "truncation_side": "left"}"#, to: "tokenizer_config.json")
        }
        let path = try dataset(["abcdef", "a"], in: folder)
        let rows = try textRows(
            request(4), at: path, tokenizer: Tokenizer(folder: folder.path), threads: 1)
        #expect(rows.tokens == [0, 4, 5, 6, 0, 1])
    }

    @Test("A tokenizer that names no BOS leaves all the room to the text")
    func withoutBOS() throws {
        let folder = try TemporaryFolder()
        let letters = try tokenizer(in: folder, hasBOS: false)
        let path = try dataset(["abcdef", "a"], in: folder)
        let rows = try textRows(request(4), at: path, tokenizer: letters, threads: 2)
        #expect(rows.tokens == [1, 2, 3, 4, 1])
        #expect(rows.stored == [0, 1, 2, 3, 4])
    }

    @Test("Tokens that are special by themselves are not stored as content")
    func special() throws {
        let folder = try TemporaryFolder()
        let letters = try tokenizer(in: folder)
        let path = try dataset(["b<s>c", "a"], in: folder)
        let rows = try textRows(request(8), at: path, tokenizer: letters, threads: 2)
        #expect(rows.tokens == [0, 2, 0, 3, 0, 1])
        #expect(rows.stored == [1, 3, 5])
    }

    @Test("An empty text, and one of special tokens alone, are named with their line")
    func empty() throws {
        let folder = try TemporaryFolder()
        let letters = try tokenizer(in: folder)
        for (text, stored) in [("", TextRequest.StoredTokens.last), ("<s><s>", .content)] {
            let path = try dataset(["a", "b", text], in: folder)
            let error = try corporaError {
                _ = try textRows(request(8, .end, stored), at: path, tokenizer: letters, threads: 2)
            }
            #expect(error.code == .empty)
            #expect(error.message.contains("line 3") && error.message.contains("`prompt`"))
        }
    }

    @Test("A context without room for text is refused")
    func context() throws {
        let folder = try TemporaryFolder()
        let letters = try tokenizer(in: folder)
        let path = try dataset(["a", "b"], in: folder)
        let error = try corporaError {
            _ = try textRows(request(1), at: path, tokenizer: letters, threads: 1)
        }
        #expect(error.code == .outOfRange)
    }

    @Test("Three values of the target are refused with their names")
    func threeClasses() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("prompt,target\na,1\nb,2\nc,3\n", to: "t.csv")
        let error = try corporaError {
            _ = try BinaryChoice(dataset: "t", limit: 9).chosen(at: path)
        }
        #expect(
            error.message.contains("3 different values") && error.message.contains("`1`, `2`, `3`"))
    }
}

struct FrozenTextRowsTests {
    private let key = ContentHash.of("key")

    /// Some rows in a file.
    private func written(_ folder: TemporaryFolder) throws -> (rows: TextRows, path: String) {
        let letters = try tokenizer(in: folder)
        let path = try dataset(["abcdef", "a", "hi"], in: folder)
        var rows = try textRows(request(4), at: path, tokenizer: letters, threads: 2)
        rows.groups.append(TextRows.Group(name: "both é", split: .test, texts: [2, 0]))
        rows.groups.append(TextRows.Group(name: "none", split: .test, texts: []))
        let file = "\(folder.path)/frozen.safetensors"
        try rows.write(to: file, key: key, dataset: "texts")
        return (rows, file)
    }

    @Test("What was frozen is read again")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let (rows, path) = try written(folder)
        #expect(try TextRows(reading: path, key: key) == rows)
        let before = try readFile(path)
        try rows.write(to: path, key: key, dataset: "texts")
        #expect(try readFile(path) == before)
    }

    @Test("Another key is refused, and a missing file")
    func otherKey() throws {
        let folder = try TemporaryFolder()
        let (_, path) = try written(folder)
        let error = try corporaError { _ = try TextRows(reading: path, key: .of("other")) }
        #expect(error.code == .damaged && error.message.contains("key"))
        #expect(
            try corporaError { _ = try TextRows(reading: "\(path).no", key: key) }.code == .damaged)
    }

    @Test("Every flipped byte and every cut is noticed")
    func damage() throws {
        let folder = try TemporaryFolder()
        let (rows, path) = try written(folder)
        let bytes = try readFile(path)
        let header = 8 + Int(bytes[0]) + 256 * Int(bytes[1])
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 0x11
            let file = try folder.write(changed, to: "changed.safetensors")
            do {
                // A space of the header may become another one.
                let read = try TextRows(reading: file, key: key)
                #expect(read == rows && place < header, "byte \(place)")
            } catch {
                #expect(error is CorporaError)
            }
        }
        for count in 0..<bytes.count {
            let file = try folder.write(Array(bytes.prefix(count)), to: "cut.safetensors")
            #expect(throws: CorporaError.self) { try TextRows(reading: file, key: key) }
        }
    }
}
