import Basics
import Glibc
import Testing
import Tokenizers

@Suite("Tokenizer folders")
struct FolderTests {
    /// A vocabulary and merges in the manner of the first GPT-2.
    private let pair = [
        "vocab.json": #"{"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4, "\u0120": 5}"#,
        "merges.txt": "#version: 0.2\na b\n",
    ]

    @Test("What goes around a text is what transformers puts there, whatever the settings say")
    func settings() throws {
        let fixtures = "\(fixtureFolder)/settings"
        let cases = try JSON(file: "\(fixtures)/settings.json").elements ?? []
        #expect(cases.count == 65)
        for element in cases {
            let source = try #require(element["source"]?.text)
            let configuration = try #require(element["configuration"]).text()
            var files = source == "vocab.json" ? pair : [:]
            files["tokenizer_config.json"] = configuration
            if source != "vocab.json" {
                files["tokenizer.json"] = String(
                    decoding: try readFile("\(fixtures)/\(source)"), as: UTF8.self)
            }
            let ids = try withTemporaryFolder(files) {
                try Tokenizer(folder: $0).encode("ab<s>b", addSpecialTokens: true)
            }
            let expected = element["ids"]?.elements?.compactMap(\.integer)
            #expect(ids.map(Int.init) == expected, "\(source) with \(configuration)")
        }
    }

    @Test(
        "A folder with another form of tokenizer is refused with the command that converts it",
        arguments: ["tokenizer.model", "tekken.json"])
    func otherForms(name: String) throws {
        try withTemporaryFolder([name: "x", "tokenizer_config.json": "{}"]) { folder in
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains(name) == true)
            #expect(error?.advice?.contains("from_pretrained('\(folder)')") == true)
        }
    }

    @Test(
        "A vocabulary with merges of another tokenizer than GPT-2's is refused",
        arguments: [
            #"{"tokenizer_class": "Qwen2Tokenizer"}"#,
            #"{"tokenizer_class": "BertTokenizer"}"#,
        ])
    func otherPairs(configuration: String) throws {
        try withTemporaryFolder(pair.merging(["tokenizer_config.json": configuration]) { $1 }) {
            folder in
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("A vocabulary with merges alone is GPT-2's")
    func pairAlone() throws {
        #expect(
            try withTemporaryFolder(pair) { try Tokenizer(folder: $0).encode("aba") } == [4, 2])
    }

    @Test("A vocabulary with merges gets the added tokens of the files beside it")
    func pairWithAddedTokens() throws {
        let listed =
            #"{"added_tokens_decoder": {"9": {"content": "<y>"}, "8": {"content": "<x>"}}}"#
        let files = pair.merging(["tokenizer_config.json": listed]) { $1 }
        #expect(
            try withTemporaryFolder(files) { try Tokenizer(folder: $0).encode("a<y>b<x>") }
                == [2, 7, 3, 6])
    }
}
