import Basics
import Testing
import Tokenizers

@Suite("Real tokenizers")
struct RealTokenizerTests {
    /// Fails where a tokenizer differs from the library over 80 lines with their ids, and over
    /// 2,200 varied lines with their checksums.
    private func check(_ tokenizer: Tokenizer, name: String) throws {
        let folder = "\(fixtureFolder)/real"
        let faults = try TokenizerCases(path: "\(folder)/\(name).json").differences(from: tokenizer)
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(3).joined(separator: "\n"))")
        let lines = (try JSON(file: "\(folder)/lines.json")["lines"]?.elements ?? [])
            .compactMap(\.text)
        #expect(lines.count == 2200)
        let json = try JSON(file: "\(folder)/\(name).sums.json")
        func expected(_ key: String) -> [String]? { json[key]?.elements?.compactMap(\.text) }
        let ids = lines.map { tokenizer.encode($0) }
        let plain = checksums(ids.map(Checksum.bytes))
        #expect(plain == expected("ids"), "\(differing(plain, expected("ids"), lines))")
        let special = lines.map { Checksum.bytes(of: tokenizer.encode($0, addSpecialTokens: true)) }
        #expect(checksums(special) == expected("ids_with_special") ?? expected("ids"))
        let texts = [("decoded", false), ("decoded_without_special", true)]
        for (key, skips) in texts {
            let decoded = ids.map { ids in
                let bytes = tokenizer.decode(ids, skipSpecialTokens: skips)
                return Array(String(decoding: bytes, as: UTF8.self).utf8) + [0xFF]
            }
            #expect(checksums(decoded) == expected(key), "\(key)")
        }
        #expect(tokenizer.vocabularySize == json["vocabulary_size"]?.integer)
    }

    /// The lines of the first group whose checksum differs, for messages.
    private func differing(_ found: [String], _ expected: [String]?, _ lines: [String]) -> String {
        guard let expected,
            let group = zip(found, expected).enumerated().first(where: { $1.0 != $1.1 })
        else { return "no checksums" }
        return lines[(group.offset * 10)...].prefix(10).map(\.debugDescription).joined(
            separator: "\n")
    }

    @Test(
        "Ids and text of more than 2,000 lines are those of the Python library",
        .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
        arguments: [("pythia", 0, true), ("gpt2", 50256, false)])
    func sharedTokenizers(name: String, id: Int32, prependsBOS: Bool) throws {
        let tokenizer = try Tokenizer(folder: "\(#require(sharedFolder))/data/tokenizers/\(name)")
        try check(tokenizer, name: name)
        #expect(
            tokenizer.special
                == SpecialTokens(
                    bos: id, eos: id, pad: id, prependsBOS: prependsBOS, namesBOS: true))
    }

    @Test(
        "Ids and text of more than 2,000 lines are those of the Python library, with real models",
        .enabled(if: realModelsFolder != nil, "SAEVAL_REAL_MODELS is not set"),
        arguments: [
            ("smollm2-135m", SpecialTokens(bos: 1, eos: 2, pad: 2, prependsBOS: true)),
            ("gemma-3-270m", SpecialTokens(bos: 2, eos: 1, pad: 0, prependsBOS: true)),
        ])
    func realModels(name: String, special: SpecialTokens) throws {
        let tokenizer = try Tokenizer(folder: "\(#require(realModelsFolder))/\(name)")
        try check(tokenizer, name: name)
        #expect(tokenizer.special == special)
    }

    @Test(
        "Ids of the prompts whose logits are known are those that the model was given",
        .enabled(
            if: sharedFolder != nil && realModelsFolder != nil,
            "SAEVAL_SHARED or SAEVAL_REAL_MODELS is not set"),
        arguments: ["smollm2-135m", "gemma-3-270m"])
    func goldenPrompts(name: String) throws {
        let tokenizer = try Tokenizer(folder: "\(#require(realModelsFolder))/\(name)")
        let json = try JSON(file: "\(#require(sharedFolder))/golden/real/\(name).json")
        let prompts = json["prompts"]?.elements ?? []
        #expect(!prompts.isEmpty)
        for prompt in prompts {
            let text = try #require(prompt["text"]?.text)
            let ids = prompt["token_ids"]?.elements?.compactMap(\.integer)
            #expect(tokenizer.encodeWithBOS(text).map(Int.init) == ids, "\(text.debugDescription)")
        }
    }

    @Test(
        "Ids of the small world are those of the Python library",
        .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"))
    func smallWorld() throws {
        let tokenizer = try Tokenizer(folder: "\(#require(sharedFolder))/quickstart/model")
        let faults = try TokenizerCases(path: "\(fixtureFolder)/real/toyworld.json").differences(
            from: tokenizer)
        #expect(faults.isEmpty, "\(faults.count): \(faults.prefix(3).joined(separator: "\n"))")
        #expect(tokenizer.special == SpecialTokens(bos: 0, eos: 0, pad: 0, prependsBOS: true))
    }
}
