import Basics
import Glibc
import Testing
import Tokenizers

/// The file with many texts; nil where it is not there.
private let manyKeyCases = getenv("SAEVAL_TOKENIZER_KEYS").map { String(cString: $0) }

@Suite("Keys of tokenizer files")
struct KeysTests {
    /// Compares all cases of a file with the library.
    private func check(_ path: String, count: Int, texts: Int) throws {
        let (lines, cases) = try keyCases(path)
        #expect(cases.count >= count && lines.count >= texts)
        for element in cases where element.treatment != "refused" {
            let faults = try element.differences(texts: lines)
            let files = element.files.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            #expect(
                faults.isEmpty,
                """
                \(element.name), \(element.base) as \(element.family): \(element.sections) \
                \(files.joined(separator: "; ")): \(faults.count): \
                \(faults.prefix(3).joined(separator: "\n"))
                """)
        }
    }

    @Test("Random combinations of keys give the ids that transformers gives")
    func randomCombinations() throws {
        try check("\(fixtureFolder)/keys/random.json", count: 40, texts: 10)
    }

    @Test(
        "40 random combinations of keys on 500 texts each give the ids that transformers gives",
        .enabled(if: manyKeyCases != nil, "SAEVAL_TOKENIZER_KEYS is not set"))
    func manyCombinations() throws {
        try check(#require(manyKeyCases), count: 40, texts: 500)
    }

    @Test("Entries for added tokens, their flags, splitting and sides count as in transformers")
    func kinds() throws {
        try check("\(fixtureFolder)/keys/kinds.json", count: 20, texts: 5)
    }

    @Test("Every key of public files is computed, refused by name, or changes nothing")
    func table() throws {
        try check("\(fixtureFolder)/keys/table.json", count: 120, texts: 5)
    }

    @Test("An entry that is not implemented, or that cannot be, is refused by name")
    func refused() throws {
        let cases = try keyCases("\(fixtureFolder)/keys/table.json").cases
        let refused = cases.filter { $0.treatment == "refused" }
        #expect(refused.count >= 14)
        for element in refused {
            let error = #expect(throws: TokenizerError.self, "\(element.name)") {
                try element.tokenizer()
            }
            #expect(
                error?.message.contains("`\(element.key)`") == true && error?.advice != nil,
                "\(element.name): \(error.map { "\($0)" } ?? "")")
        }
    }
}
