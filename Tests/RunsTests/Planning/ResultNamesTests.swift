import Autoencoders
import Testing

@testable import Activations
@testable import Basics
@testable import Plans
@testable import Results
@testable import Runs

struct ResultNameTests {
    @Test("A name is SAE Bench's wherever a file can have it")
    func plain() {
        #expect(
            resultFileName(release: "tiny/res", id: "blocks.0/a b:c")
                == "tiny_res_blocks.0_a b:c_eval_results.json")
        // 239 bytes, to which 16 are added while it is written.
        let longest = resultFileName(release: "r", id: String(repeating: "a", count: 219))
        #expect(longest.utf8.count == 239)
        #expect(longest == "r_" + String(repeating: "a", count: 219) + "_eval_results.json")
    }

    @Test(
        "A name that no file can have is cut and cleaned, and a hash keeps it apart",
        arguments: [
            String(repeating: "a", count: 220), String(repeating: "é", count: 300),
            String(repeating: "👩‍👩‍👧", count: 40), "a\0b", "a\nb", "a\u{7F}b",
        ])
    func changed(id: String) throws {
        let name = resultFileName(release: "r", id: id)
        #expect(name.utf8.count <= 239)
        #expect(name.wholeMatch(of: /r_.*_[0-9a-f]{16}_eval_results\.json/) != nil, "\(name)")
        #expect(name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        #expect(name == resultFileName(release: "r", id: id))
        #expect(name != resultFileName(release: "r", id: id + "a"))
        #expect(name != resultFileName(release: "r_" + id.prefix(1), id: String(id.dropFirst())))
    }

    @Test("A slash is replaced also where a mark on it makes another letter of it")
    func combined() {
        #expect(!resultFileName(release: "a/\u{308}b", id: "c").utf8.contains(0x2F))
    }
}

struct ResultNamesTests {
    /// An autoencoder of some name in a folder of that name.
    private func reference(_ release: String, _ id: String) -> AutoencoderReference {
        var reference = toyReference()
        (reference.release, reference.id, reference.path) = (release, id, "in/\(release)/\(id)")
        return reference
    }

    /// Checks names.
    private func notes(
        _ references: [AutoencoderReference], output: String = "runs/a", ignoresCase: Bool? = nil
    ) throws -> [String] {
        try ResultNames(
            output: output, evaluations: ["core", "tpp"], ignoresCase: ignoresCase
        ).check(references)
    }

    @Test("Two autoencoders with one file are refused by path and name")
    func same() throws {
        #expect(try notes([reference("a_b", "c"), reference("a", "b_d")]).isEmpty)
        let error = try #require(throws: RunError.self) {
            _ = try notes([reference("a_b", "c"), reference("a", "b_c")])
        }
        #expect(
            error.message == "in/a_b/c (a_b/c) and in/a/b_c (a/b_c) would both be written to "
                + "a_b_c_eval_results.json")
        #expect(error.advice?.contains("rename") == true)
    }

    @Test("Names that differ in case alone are refused where case is ignored and told elsewhere")
    func ignoringCase() throws {
        let two = [reference("r", "Topk"), reference("r", "topk")]
        let error = try #require(throws: RunError.self) { _ = try notes(two, ignoresCase: true) }
        #expect(error.message.contains("the file system of runs/a ignores case"))
        let told = try notes(two, ignoresCase: false)
        #expect(told.count == 1 && told[0].contains("r_Topk_eval_results.json and r_topk_"))
        let folder = try TemporaryFolder()
        #expect(try notes(two, output: "\(folder.path)/new/run").count == 1)
    }

    @Test("Letters of the same look and other bytes are two files here")
    func composed() throws {
        let two = [reference("r", "\u{E9}"), reference("r", "e\u{301}")]
        #expect(try notes(two, ignoresCase: false).count == 1)
        #expect(throws: RunError.self) { try notes(two, ignoresCase: true) }
    }

    @Test(
        "An output that cannot hold the results is refused by its key",
        arguments: [
            (String(repeating: "a", count: 256), "more than 255 bytes"), ("a\0b", "NUL"),
            (String(repeating: "abcdefg/", count: 500), "4095 are the most"),
        ])
    func output(path: String, says: String) throws {
        let error = try #require(throws: RunError.self) {
            _ = try notes([reference("r", String(repeating: "s", count: 300))], output: path)
        }
        #expect(error.code == .badConfig)
        #expect(error.message.contains(says) && error.message.contains("`output`"))
        #expect(error.advice?.contains("--output") == true)
    }
}
