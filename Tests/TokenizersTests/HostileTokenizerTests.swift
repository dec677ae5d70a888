import Basics
import Glibc
import Testing
import Tokenizers

/// A hostile file, the kind of its error and a piece of the sentence.
private typealias Hostile = (
    name: String, bytes: [UInt8], code: TokenizerDomain.Code, sentence: String
)

/// The parts of a small honest file.
private let honest: [String: String] = [
    "normalizer": "null", "post_processor": "null",
    "pre_tokenizer": #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
    "decoder": #"{"type": "ByteLevel"}"#, "added_tokens": "[]",
    "model": #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}"#,
]

/// The honest file with one part replaced.
private func file(_ part: String, _ value: String) -> [UInt8] {
    let parts = honest.merging([part: value]) { $1 }.sorted { $0.key < $1.key }
    return Array("{\(parts.map { "\"\($0)\": \($1)" }.joined(separator: ", "))}".utf8)
}

/// An attack on one part.
private func attack(
    _ name: String, _ part: String, _ value: String, _ code: TokenizerDomain.Code,
    _ sentence: String
) -> Hostile { (name, file(part, value), code, sentence) }

/// An attack by a vocabulary.
private func vocabulary(_ name: String, _ vocab: String, _ sentence: String) -> Hostile {
    attack(
        name, "model", #"{"type": "BPE", "vocab": \#(vocab), "merges": []}"#, .malformed, sentence)
}

/// An attack by merges.
private func merges(_ name: String, _ merges: String, _ sentence: String) -> Hostile {
    attack(
        name, "model",
        #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": \#(merges)}"#, .malformed,
        sentence)
}

/// An attack by a regular expression.
private func expression(_ name: String, _ pattern: String) -> Hostile {
    let text = JSON.string(pattern).text()
    return attack(
        name, "pre_tokenizer",
        #"{"type": "Split", "pattern": {"Regex": \#(text)}, "behavior": "Isolated", "invert": false}"#,
        .unsupported, "uses the regular expression")
}

/// An attack by an added token.
private func token(_ name: String, _ token: String) -> Hostile {
    attack(name, "added_tokens", "[\(token)]", .malformed, "an added token is")
}

/// An attack by a template of special tokens.
private func template(_ name: String, _ entries: String, _ sentence: String) -> Hostile {
    attack(
        name, "post_processor", #"{"type": "TemplateProcessing", \#(entries)}"#, .malformed,
        sentence)
}

/// The same text again and again.
private func many(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

/// Normalizers that each make a text a hundred times longer.
private let growth: String = {
    let step =
        #"{"type": "Replace", "pattern": {"String": "a"}, "content": "\#(many(100, "a"))"}"#
    return
        #"{"type": "Sequence", "normalizers": [\#(Array(repeating: step, count: 9).joined(separator: ", "))]}"#
}()

private let attacks: [Hostile] = [
    vocabulary("a token twice", #"{"a": 0, "a": 1}"#, "token `a` stands twice"),
    attack(
        "added tokens that are an object", "added_tokens", "{}", .malformed,
        "`added_tokens` is not a list"),
    attack("normalizers that multiply", "normalizer", growth, .malformed, "times longer"),
    ("nothing", [], .malformed, "not valid JSON"),
    ("zeros", [UInt8](repeating: 0, count: 1000), .malformed, "not valid JSON"),
    ("a cut file", Array(file("decoder", "null").dropLast(30)), .malformed, "not valid JSON"),
    ("a list", Array("[]".utf8), .malformed, "no entry `model`"),
    ("a word", Array("null".utf8), .malformed, "no entry `model`"),
    ("an empty object", Array("{}".utf8), .malformed, "no entry `model`"),
    (
        "bad UTF-8 in a token", Array("{\"model\": {\"vocab\": {\"".utf8) + [0xFF], .malformed,
        "not valid JSON"
    ),
    ("nesting", Array(many(100_000, "{\"model\":").utf8), .malformed, "200 nested levels"),
    attack(
        "normalizers within each other", "normalizer",
        many(150, #"{"type": "Sequence", "normalizers": ["#) + many(150, "]}"), .malformed,
        "200 nested levels"),
    attack("a model that is null", "model", "null", .unsupported, "the model"),
    attack(
        "a model of another kind", "model", #"{"type": "Unigram", "vocab": [["a", 0]]}"#,
        .unsupported, "`Unigram`"),
    attack("a model of no kind", "model", #"{"type": "BPE2"}"#, .unsupported, "`BPE2`"),
    vocabulary("no vocabulary", "null", "the vocabulary is missing"),
    vocabulary("a vocabulary that is a list", #"["a"]"#, "the vocabulary is missing"),
    vocabulary("a negative id", #"{"a": -1}"#, "token `a` has the id -1"),
    vocabulary("an id of a billion", #"{"a": 1000000000}"#, "has the id 1000000000"),
    vocabulary("an id of 2^31", #"{"a": 2147483648}"#, "has the id 2147483648"),
    vocabulary(
        "an id of 2^63 - 1", #"{"a": 9223372036854775807}"#, "has the id 9223372036854775807"),
    vocabulary(
        "an id beyond 64 bits", #"{"a": 18446744073709551616}"#, "has the id 1.8446744073709552e+19"
    ),
    vocabulary("an id with a fraction", #"{"a": 0.5}"#, "has the id 0.5"),
    vocabulary("an id that is a text", #"{"a": "0"}"#, "has the id \"0\""),
    vocabulary("an id that is true", #"{"a": true}"#, "has the id true"),
    vocabulary("an id that is null", #"{"a": null}"#, "has the id null"),
    vocabulary("an id that is a list", #"{"a": [0]}"#, "has the id [0]"),
    merges("no merges", "null", "the merges are missing"),
    merges("merges that are a text", #""a b""#, "the merges are missing"),
    merges("a merge that is a number", "[1]", "a merge is 1"),
    merges("a merge of one token", #"["a"]"#, "not two tokens"),
    merges("a merge of three tokens", #"["a b a"]"#, "not two tokens"),
    merges("an empty merge", #"[""]"#, "not two tokens"),
    merges("a list of one token", #"[["a"]]"#, "a merge is"),
    merges("a list of three tokens", #"[["a", "b", "a"]]"#, "a merge is"),
    merges("a list of numbers", "[[0, 1]]", "a merge is"),
    merges("a merge of an unknown left", #"["x b"]"#, "x"),
    merges("a merge of an unknown right", #"["a x"]"#, "x"),
    merges("a merge of two spaces", #"["a  b"]"#, "not two tokens"),
    merges("a merge into an unknown token", #"["b a"]"#, "b"),
    attack(
        "an unknown unknown", "model",
        #"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "u"}"#, .malformed,
        "unk_token `u`"),
    attack(
        "dropout", "model", #"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.5}"#,
        .unsupported, "dropout"),
    token("an added token without a text", #"{"id": 3}"#),
    token("an added token without an id", #"{"content": "x"}"#),
    token("an added token with a negative id", #"{"content": "x", "id": -3}"#),
    token("an added token with an id of a billion", #"{"content": "x", "id": 1000000000}"#),
    token("an added token with an id of 2^63 - 1", #"{"content": "x", "id": 9223372036854775807}"#),
    token("an added token whose text is a number", #"{"content": 3, "id": 3}"#),
    token("an added token that is a text", #""x""#),
    expression("an open group", "("),
    expression("an open class", "[a-"),
    expression("a pattern that backtracks without end", "(a+)+$"),
    expression("alternatives that backtrack without end", "(a|aa)+$"),
    expression("a pattern that refers to itself", #"(?<x>\g<x>)"#),
    expression("a billion repetitions", "(a{1000}){1000}{1000}"),
    expression(
        "a known pattern with a letter more",
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+x"#),
    attack(
        "a split of no behaviour", "pre_tokenizer",
        #"{"type": "Split", "pattern": {"String": "a"}, "behavior": "Explode"}"#, .unsupported,
        "split behavior `Explode`"),
    attack(
        "a split at nothing", "pre_tokenizer", #"{"type": "Split", "behavior": "Isolated"}"#,
        .unsupported, "regular expression `null`"),
    attack(
        "a pre-tokenizer of no kind", "pre_tokenizer", #"{"type": 7}"#, .unsupported,
        "pre-tokenizer"),
    attack(
        "a normalizer of no kind", "normalizer", #"{"type": "Eval"}"#, .unsupported,
        "normalizer `Eval`"),
    attack(
        "a normalizer by a pattern", "normalizer",
        #"{"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}"#, .unsupported,
        "(a+)+$"),
    attack("a decoder of no kind", "decoder", #"{"type": "Eval"}"#, .unsupported, "decoder `Eval`"),
    attack(
        "a decoder that strips a billion", "decoder",
        #"{"type": "Strip", "content": " ", "start": 1000000000, "stop": 0}"#, .malformed,
        "the decoder Strip"),
    attack(
        "a decoder that strips less than nothing", "decoder",
        #"{"type": "Strip", "content": " ", "start": 0, "stop": -1}"#, .malformed,
        "the decoder Strip"),
    attack(
        "a post-processor of no kind", "post_processor", #"{"type": "Eval"}"#, .unsupported,
        "post-processor `Eval`"),
    template("a template without the text", #""single": []"#, "holds the text 0 times"),
    template(
        "a template with the text twice",
        #""single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]"#,
        "holds the text 2 times"),
    template(
        "a template of unknown tokens",
        #""single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}]"#, "`x` has no ids"),
    template(
        "a template with an id of a billion",
        #""single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"x": {"ids": [1000000000]}}"#,
        "`x` has no ids"),
    template(
        "a template with a negative id",
        #""single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"x": {"ids": [-1]}}"#,
        "`x` has no ids"),
]

@Suite("Hostile tokenizer files")
struct HostileTokenizerTests {
    /// The tokenizer of some bytes.
    private func tokenizer(_ bytes: [UInt8]) throws -> Tokenizer {
        var template = Array("/tmp/saeval-tokenizer-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        close(descriptor)
        let path = String(
            decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        try writeFile(bytes, to: path)
        return try Tokenizer(file: path)
    }

    @Test("A hostile file is refused with its own error", arguments: attacks.indices)
    func refused(index: Int) {
        let attack = attacks[index]
        let error = #expect(throws: TokenizerError.self, "\(attack.name)") {
            try tokenizer(attack.bytes)
        }
        #expect(error?.code == attack.code, "\(attack.name): \(error.map { "\($0)" } ?? "")")
        #expect(
            error?.message.contains(attack.sentence) == true,
            "\(attack.name): \(error.map { "\($0)" } ?? "")")
        #expect((error?.message.utf8.count ?? 0) < 1_000 && error?.advice != nil, "\(attack.name)")
    }

    @Test("The file that the attacks change is read")
    func honestFile() throws {
        #expect(try tokenizer(file("normalizer", "null")).encode("aba") == [2, 0])
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(attacks.count >= 40) }
}
