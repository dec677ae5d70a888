import Basics
import Testing
import Tokenizers

@Suite("Tokenizer")
struct TokenizerTests {
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
        "Ids of real tokenizers are those of the Python library",
        .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
        arguments: [
            ("pythia", "data/tokenizers/pythia", 0, true),
            ("gpt2", "data/tokenizers/gpt2", 50256, false),
            ("toyworld", "quickstart/model", 0, true),
        ])
    func realTokenizers(name: String, place: String, id: Int32, prependsBOS: Bool) throws {
        let tokenizer = try Tokenizer(folder: "\(#require(sharedFolder))/\(place)")
        let faults = try TokenizerCases(path: "\(fixtureFolder)/real/\(name).json").differences(
            from: tokenizer)
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(3).joined(separator: "\n"))")
        #expect(
            tokenizer.special == SpecialTokens(bos: id, eos: id, pad: id, prependsBOS: prependsBOS))
    }

    @Test(
        "Ids of SmolLM2 are those of the Python library",
        .enabled(if: realModelsFolder != nil, "SAEVAL_REAL_MODELS is not set"))
    func smolLM2() throws {
        let tokenizer = try Tokenizer(folder: "\(#require(realModelsFolder))/smollm2-135m")
        let faults = try TokenizerCases(path: "\(fixtureFolder)/real/smollm2-135m.json")
            .differences(from: tokenizer)
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(3).joined(separator: "\n"))")
        #expect(tokenizer.special == SpecialTokens(bos: 1, eos: 2, pad: 2, prependsBOS: true))
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

    @Test("Bytes that are not UTF-8 are an error that says where")
    func invalidText() throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/gpt2")
        let error = #expect(throws: TokenizerError.self) {
            try tokenizer.encode(Array("aé".utf8) + [0xC3, 0x28])
        }
        #expect(error?.code == .invalidText)
        #expect(error?.message.contains("byte 3") == true)
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

    @Test("A word of many bytes takes no quadratic time", arguments: ["gpt2", "gemma-whole"])
    func longWord(name: String) throws {
        let tokenizer = try Tokenizer(folder: "\(fixtureFolder)/\(name)")
        let text = [UInt8](repeating: UInt8(ascii: "t"), count: 50_000)
        let start = ContinuousClock.now
        let ids = try tokenizer.encode(text)
        #expect(tokenizer.decode(ids) == text)
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
