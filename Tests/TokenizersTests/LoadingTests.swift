import Basics
import Glibc
import Testing
import Tokenizers

@Suite("Tokenizer files")
struct LoadingTests {
    /// A small tokenizer file with some entries replaced.
    private func file(_ changes: KeyValuePairs<String, String>) throws -> String {
        var parts = [
            "normalizer": "null",
            "pre_tokenizer":
                #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
            "post_processor": "null",
            "decoder": #"{"type": "ByteLevel"}"#,
            "model": #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}"#,
            "added_tokens": "[]",
        ]
        for (key, value) in changes { parts[key] = value }
        let text =
            "{"
            + parts.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
            + "}"
        var template = Array("/tmp/saeval-tokenizer-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&template)
        #expect(descriptor >= 0)
        close(descriptor)
        let path = String(
            decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try writeFile(Array(text.utf8), to: path)
        return path
    }

    /// Replacements that would make a text a million times longer.
    private static func doubling(_ key: String) -> String {
        let step = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#
        let steps = Array(repeating: step, count: 20).joined(separator: ", ")
        return "{\"type\": \"Sequence\", \"\(key)\": [\(steps)]}"
    }

    /// The tokenizer of a small file.
    private func tokenizer(_ changes: KeyValuePairs<String, String>) throws -> Tokenizer {
        let path = try file(changes)
        defer { unlink(path) }
        return try Tokenizer(file: path)
    }

    @Test(
        "A part that is not implemented is an error that names it",
        arguments: [
            ("normalizer", #"{"type": "BertNormalizer"}"#, "BertNormalizer"),
            (
                "normalizer", #"{"type": "Replace", "pattern": {"Regex": "x+"}, "content": ""}"#,
                "x+"
            ),
            ("pre_tokenizer", #"{"type": "Whitespace"}"#, "Whitespace"),
            (
                "pre_tokenizer",
                #"{"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"}"#, "last"
            ),
            (
                "pre_tokenizer",
                #"{"type": "Split", "pattern": {"Regex": "\\p{L}+|."}, "behavior": "Isolated", "invert": false}"#,
                #"\p{L}+|."#
            ),
            (
                "pre_tokenizer",
                #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"#,
                "Digits"
            ),
            ("post_processor", #"{"type": "RobertaProcessing"}"#, "RobertaProcessing"),
            ("decoder", #"{"type": "WordPiece"}"#, "WordPiece"),
            ("model", #"{"type": "Unigram", "vocab": []}"#, "Unigram"),
            ("model", #"{"vocab": [["a", -1.5]], "unk_id": 0}"#, "Unigram"),
            ("model", #"{"type": "WordPiece", "vocab": {"a": 0}}"#, "WordPiece"),
            ("model", #"{"vocab": {"a": 0}, "max_input_chars_per_word": 100}"#, "WordPiece"),
            ("model", #"{"type": "WordLevel", "vocab": {"a": 0}}"#, "WordLevel"),
            (
                "model",
                #"{"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}"#,
                "end_of_word_suffix"
            ),
            ("model", #"{"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}"#, "dropout"),
        ])
    func unsupported(part: String, value: String, name: String) throws {
        let error = #expect(throws: TokenizerError.self) { try tokenizer([part: value]) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
    }

    @Test(
        "A damaged part is an error",
        arguments: [
            ("model", "null"),
            ("model", #"{"type": "BPE", "vocab": {"a": -1}, "merges": []}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 9223372036854775807}, "merges": []}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": "0"}, "merges": []}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 0}}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "u"}"#),
            ("added_tokens", #"[{"content": "x"}]"#),
            ("added_tokens", #"[{"content": "x", "id": -1}]"#),
            ("post_processor", #"{"type": "TemplateProcessing", "single": []}"#),
            (
                "post_processor",
                #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "b"}}, {"Sequence": {"id": "A"}}]}"#
            ),
            ("decoder", #"{"type": "Strip", "content": " ", "start": -1, "stop": 0}"#),
            ("model", #"{"type": "BPE", "vocab": {"a": 1000003}, "merges": []}"#),
            ("pre_tokenizer", #"{"type": "Metaspace", "replacement": "__"}"#),
            ("pre_tokenizer", #"{"type": "Metaspace"}"#),
            ("decoder", #"{"type": "Metaspace", "replacement": ""}"#),
            (
                "pre_tokenizer",
                #"{"type": "Metaspace", "replacement": "_", "add_prefix_space": false, "prepend_scheme": "first"}"#
            ),
            ("normalizer", Self.doubling("normalizers")), ("decoder", Self.doubling("decoders")),
        ])
    func malformed(part: String, value: String) throws {
        let error = #expect(throws: TokenizerError.self) { try tokenizer([part: value]) }
        #expect([.malformed, .unsupported].contains(error?.code), "\(String(describing: error))")
    }

    @Test("A folder without a tokenizer is an error that says what it should hold")
    func missing() throws {
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: "/nonexistent") }
        #expect(error?.code == .missing)
        #expect(error?.message.contains("tokenizer.json") == true)
    }

    @Test("Bytes outside the vocabulary add nothing, as in the library")
    func unknownBytes() throws {
        let tokenizer = try tokenizer([:])
        #expect(tokenizer.encode("abxba") == [2, 1, 0])
        #expect(tokenizer.encode("") == [])
    }

    @Test("Added tokens get the vocabulary's own id, else the next free one")
    func addedIDs() throws {
        let tokenizer = try tokenizer([
            "added_tokens":
                #"[{"content": "ab", "id": 7, "special": true}, {"content": "<x>", "id": 9}]"#
        ])
        #expect(tokenizer.encode("ab<x>b") == [2, 3, 1])
        #expect(tokenizer.vocabularySize == 4)
        #expect(tokenizer.isSpecial(2))
        #expect(tokenizer.decode([2, 3, 1], skipSpecialTokens: true) == Array("<x>b".utf8))
    }

    @Test("Of added tokens that are equal once normalized the special one is found")
    func equalAddedTokens() throws {
        let tokenizer = try tokenizer([
            "normalizer": #"{"type": "Replace", "pattern": {"String": "X"}, "content": "x"}"#,
            "added_tokens":
                #"[{"content": "<x>", "id": 3, "normalized": true}, {"content": "<X>", "id": 4, "normalized": true, "special": true}]"#,
        ])
        #expect(tokenizer.encode("<x>b<X>") == [4, 1, 4])
    }

    @Test("Without a decoder a space is between tokens")
    func noDecoder() throws {
        #expect(try tokenizer(["decoder": "null"]).decode([0, 1]) == Array("a b".utf8))
    }

    @Test("Texts that are canonically equal are different tokens")
    func canonicallyEqual() throws {
        let tokenizer = try tokenizer([
            "pre_tokenizer": "null", "decoder": #"{"type": "Fuse"}"#,
            "model":
                #"{"type": "BPE", "vocab": {"\u00e9": 0, "e": 1, "\u0301": 2, "e\u0301": 3}, "merges": []}"#,
        ])
        #expect(tokenizer.vocabularySize == 4)
        #expect(tokenizer.encode("\u{e9}e\u{301}") == [0, 1, 2])
        #expect(tokenizer.id(of: "e\u{301}") == 3)
    }

    @Test(
        "Special ids are filled in as TransformerLens does",
        arguments: [
            (
                #"{"bos_token": "a", "eos_token": {"content": "b"}, "pad_token": "ab"}"#,
                [0, 1, 2], true, true
            ),
            (#"{"bos_token": null, "eos_token": "b"}"#, [1, 1, 1], false, false),
            (#"{}"#, [3, 3, 3], false, false),
            (#"{"bos_token": "a"}"#, [0, 3, 3], true, true),
            (
                #"{"tokenizer_class": "GPT2TokenizerFast", "bos_token": "a"}"#, [0, 3, 3], false,
                true
            ),
            (#"{"tokenizer_class": "GPTNeoXTokenizer"}"#, [3, 3, 4], true, true),
        ])
    func specialTokens(
        configuration: String, ids: [Int32], prependsBOS: Bool, namesBOS: Bool
    ) throws {
        let path = try file([
            "added_tokens": #"[{"content": "<|endoftext|>", "id": 3, "special": true}]"#
        ])
        defer { unlink(path) }
        try writeFile(Array(configuration.utf8), to: "\(path).config")
        defer { unlink("\(path).config") }
        let special = try Tokenizer(file: path, configuration: "\(path).config").special
        #expect(
            special
                == SpecialTokens(
                    bos: ids[0], eos: ids[1], pad: ids[2], prependsBOS: prependsBOS,
                    namesBOS: namesBOS))
    }
}
