import Basics
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

struct ModelIdentityTests {
    /// The identity of a folder whose `config.json` records a name.
    private func identity(_ folder: String, recording name: String? = nil) throws -> ModelIdentity {
        let root = try TemporaryFolder()
        let path = "\(root.path)/\(folder)"
        try makeFolder(path)
        let json = name.map { #"{"_name_or_path": "\#($0)"}"# } ?? "{}"
        try writeFile(Array(json.utf8), to: "\(path)/config.json")
        return ModelIdentity(model: path, folder: path)
    }

    @Test("A hub id is its model by any of its names, and no other")
    func hub() {
        let identity = ModelIdentity(model: "google/gemma-2-2b", folder: "")
        #expect(identity.verdict(on: "gemma-2-2b") == .same)
        #expect(identity.verdict(on: nil) == .same)
        #expect(identity.verdict(on: "gemma-2-2b-it") == .different)
        #expect(identity.verdict(on: "my-model") == .different)
        #expect(identity.note(on: "gemma-2-2b") == nil)
        #expect(identity.spelling("gemma-2-2b") == "gemma-2-2b")
        #expect(identity.spelling("gpt2") == nil)
    }

    @Test("A folder goes by its name and by its snapshot's repository")
    func folders() throws {
        let plain = try identity("my-model")
        #expect(plain.verdict(on: "org/my-model") == .same)
        #expect(plain.verdict(on: "other") == .unknown)
        #expect(plain.verdict(on: "gpt2-small") == .different)
        let known = try identity("gpt2")
        #expect(known.verdict(on: "gpt2-small") == .same)
        #expect(known.verdict(on: "other") == .different)
        let snapshot = try identity("models--google--gemma-2-2b/snapshots/abc")
        #expect(snapshot.verdict(on: "gemma-2-2b") == .same)
        #expect(snapshot.verdict(on: "other") == .different)
    }

    @Test("The name in config.json counts, and where it may be a base model's the result says so")
    func recorded() throws {
        let toy = try identity("model", recording: "toyworld")
        #expect(toy.verdict(on: "toyworld") == .same && toy.note(on: "toyworld") == nil)
        #expect(toy.verdict(on: "other") == .different)
        let tuned = try identity("my-tuned", recording: "google/gemma-2-2b")
        #expect(tuned.verdict(on: "gemma-2-2b") == .recorded)
        #expect(tuned.note(on: "gemma-2-2b")?.contains("_name_or_path") == true)
        let instruct = try identity("gemma-2-2b-it", recording: "google/gemma-2-2b")
        #expect(instruct.verdict(on: "gemma-2-2b") == .different)
    }
}
