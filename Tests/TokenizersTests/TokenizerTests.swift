import Basics
import Testing

@testable import Tokenizers

@Suite("Tokenizer")
struct TokenizerTests {
    @Test("The fixtures of the Python library are there")
    func fixturesAreThere() { #expect(tokenizerNames(in: fixtureFolder).count == 23) }

    @Test(
        "Ids and text are those of the Python library", arguments: tokenizerNames(in: fixtureFolder)
    )
    func fixtures(name: String) throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/\(name)")
        let faults = try TokenizerCases(path: "\(fixtureFolder)/\(name)/cases.json").differences(
            from: tokenizer)
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(3).joined(separator: "\n"))")
    }

    @Test(
        "Ids and text are those of the Python library for many more lines",
        .enabled(if: manyCasesFolder != nil, "SAEVAL_TOKENIZER_CASES is not set"),
        arguments: tokenizerNames(in: manyCasesFolder))
    func manyLines(name: String) throws {
        let folder = try #require(manyCasesFolder) + "/\(name)"
        let cases = try TokenizerCases(path: "\(folder)/cases.json")
        let faults = try cases.differences(from: Tokenizer(folder: folder))
        #expect(
            faults.isEmpty,
            "\(faults.count) of \(cases.lines.count): \(faults.prefix(5).joined(separator: "\n"))")
    }

    @Test(
        "Ids and special tokens are those that TransformerLens has",
        .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
        arguments: ["tiny-gpt2", "tiny-neox", "gemma-2-2b-it"])
    func transformerLens(model: String) throws {
        let folder = try #require(sharedFolder) + "/golden"
        let json = try JSON(file: "\(folder)/forward/\(model).tokenizer.json")
        let tokenizer = try Tokenizer(folder: "\(folder)/models/\(model)")
        let texts = (json["text"]?.elements ?? []).compactMap(\.text)
        #expect(!texts.isEmpty)
        for (index, text) in texts.enumerated() {
            let plain = json["ids_no_special"]?.elements?[index].elements?.compactMap(\.integer)
            let withBOS = json["ids_default"]?.elements?[index].elements?.compactMap(\.integer)
            #expect(tokenizer.encode(text).map(Int.init) == plain)
            #expect(tokenizer.encodeWithBOS(text).map(Int.init) == withBOS)
        }
        func expected(_ key: String) -> Int32? { json["special"]?[key]?.integer.map { Int32($0) } }
        let special = tokenizer.special
        #expect(special.bos == expected("bos_token_id"))
        #expect(special.eos == expected("eos_token_id"))
        #expect(special.pad == expected("pad_token_id"))
        #expect(special.prependsBOS == json["tokenizer_prepends_bos"]?.truth)
    }

    @Test("Bytes that are not UTF-8 count as Python reads them")
    func invalidText() throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/gpt2")
        let cases = try JSON(file: "\(fixtureFolder)/real/invalid.json")["cases"]?.elements ?? []
        #expect(cases.count == 300)
        for element in cases {
            let hex = try #require(element.elements?[0].text)
            let text = try #require(element.elements?[1].text)
            let bytes = stride(from: 0, to: hex.utf8.count, by: 2).compactMap {
                UInt8(hex.dropFirst($0).prefix(2), radix: 16)
            }
            #expect(tokenizer.encode(bytes) == tokenizer.encode(text), "\(hex)")
        }
        #expect(tokenizer.encode([0xC3, 0x28]) == tokenizer.encode("\u{FFFD}("))
        #expect(tokenizer.encodeWithBOS([0xFF]) == tokenizer.encodeWithBOS("\u{FFFD}"))
    }

    @Test("Spellings and ids belong to each other, byte by byte")
    func spellings() throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/gpt2")
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let token = try #require(tokenizer.token(id))
            #expect(tokenizer.id(of: String(decoding: token, as: UTF8.self)) == id)
        }
        #expect(tokenizer.token(-1) == nil)
        #expect(tokenizer.token(.max) == nil)
        #expect(tokenizer.id(of: "cafe\u{301}") == nil)
        #expect(tokenizer.decode([-5, .max]) == [])
        #expect(tokenizer.isSpecial(0) && !tokenizer.isSpecial(5))
    }

    @Test("Several threads get the ids that one thread gets")
    func threads() async throws {
        let folder = "\(fixtureFolder)/llama3"
        let tokenizer = try Tokenizer(folder: folder)
        let cases = try TokenizerCases(path: "\(folder)/cases.json")
        let (lines, ids) = (cases.lines, cases.ids)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { lines.map { tokenizer.encode($0) } == ids } }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    @Test("Long rows of combining marks come in the order that the Python library gives them")
    func longMarks() throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/qwen2")
        let json = try JSON(file: "\(fixtureFolder)/real/marks.json")
        let lines = (json["lines"]?.elements ?? []).compactMap(\.text)
        let expected = (json["ids"]?.elements ?? []).compactMap(\.text)
        #expect(lines.count == 40)
        #expect(checksums(lines.map { Checksum.bytes(of: tokenizer.encode($0)) }) == expected)
    }

    @Test(
        "Merging a word of n symbols looks at no more than 3 n candidates",
        arguments: [1000, 64_000])
    func linearMerging(count: Int) {
        // Every pair of equal tokens merges, so that all of the word does.
        let names = (0..<17).map { [UInt8](repeating: UInt8(ascii: "t"), count: 1 << $0) }
        var model = BytePairModel(
            vocabulary: Dictionary(uniqueKeysWithValues: zip(names, 0...)),
            merges: PairTable(capacity: 16))
        for id in 0..<Int32(16) {
            model.merges.insert(Merge(rank: id, result: id + 1), for: id, id)
        }
        var ids: [Int32] = []
        let candidates = model.merge([Int32](repeating: 0, count: count), appendTo: &ids)
        #expect(ids.reduce(0) { $0 + 1 << Int($1) } == count)
        #expect(ids.count == count.nonzeroBitCount)
        #expect((count - 1...3 * count).contains(candidates))
    }

    @Test(
        "Words of many bytes come back as they were", arguments: ["gpt2", "gemma-whole", "llama2"])
    func longWord(name: String) throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/\(name)")
        for unit in ["t", "\u{E9}", "\u{1F600}", "ab"] {
            let text = Array(String(repeating: unit, count: 20_000).utf8)
            #expect(tokenizer.decode(tokenizer.encode(text)) == text)
        }
    }
}
