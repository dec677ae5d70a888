import Basics
import Glibc
import Testing

@testable import Autoencoders

struct AutoencoderFinderTests {
    @Test(
        "A name comes from the place below the given folder",
        arguments: [
            ("rel/a", "rel/a", "rel", "a"),
            ("rel", "rel/a", "rel", "a"),
            ("", "rel/a", "rel", "a"),
            ("", "rel/deep/er/a", "rel", "deep/er/a"),
            ("rel/", "rel/a", "rel", "a"),
            ("rel/.", "rel/a", "rel", "a"),
            ("rel/a/..", "rel/a", "rel", "a"),
        ])
    func name(given: String, place: String, release: String, id: String) throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("topk", to: place)
        let found = try findAutoencoders(under: "\(folder.path)/\(given)")
        #expect(found.map(\.release) == [release])
        #expect(found.map(\.id) == [id])
    }

    @Test("A reference tells what a listing needs, without the weights")
    func reference() throws {
        let found = try findAutoencoders(under: "\(fixtures)/tiny-res/v4-topk")
        let reference = try #require(found.first)
        #expect(reference.layout == "sae_lens")
        #expect(reference.hookName == "blocks.3.hook_resid_post")
        #expect(reference.modelName == "tiny")
        #expect(reference.modelSize == 8)
        #expect(reference.latents == 24)
        #expect(reference.architecture == "topk")
        #expect(reference.storedBytes == fileByteCount("\(reference.path)/sae_weights.safetensors"))
    }

    @Test("Autoencoders are sorted by release and then id, in the order of bytes")
    func order() throws {
        let folder = try TemporaryFolder()
        for place in ["b/x", "a/é", "a/z", "B/x", "a/10", "a/9", "a/z/"] {
            try folder.copyFixture("topk", to: place)
        }
        let found = try findAutoencoders(under: folder.path)
        #expect(
            found.map { "\($0.release)/\($0.id)" } == ["B/x", "a/10", "a/9", "a/z", "a/é", "b/x"])
    }

    @Test("A missing folder, a file and a folder without autoencoders are refused")
    func nothing() throws {
        let folder = try TemporaryFolder()
        try folder.write("x", to: "file")
        try makeFolder("\(folder.path)/rel/trainer_0")
        #expect { try findAutoencoders(under: "\(folder.path)/none") } throws: {
            "\($0)".contains("does not exist")
        }
        #expect { try findAutoencoders(under: "\(folder.path)/file") } throws: {
            "\($0)".contains("is a file")
        }
        #expect { try findAutoencoders(under: folder.path) } throws: {
            "\($0)".contains("sae_lens (sae_weights.safetensors, cfg.json)")
                && "\($0)".contains("dictionary_learning (ae.pt, config.json)")
        }
    }

    @Test("Incomplete folders are counted beside the rest")
    func unread() throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("topk", to: "rel/good")
        try folder.write("x", to: "rel/trainer_0/ae.pt")
        try folder.write("{}", to: "rel/half/cfg.json")
        let survey = try surveyAutoencoders(under: folder.path)
        #expect(survey.found.map(\.id) == ["good"])
        #expect(
            survey.unread.map(\.reason) == [
                "sae_lens without sae_weights.safetensors",
                "dictionary_learning without config.json",
            ])
        #expect(survey.unread.allSatisfy { ($0.error as? AutoencoderError)?.code == .missing })
        #expect(survey.note?.contains("2 folders hold what cannot be read") == true)
    }

    @Test("Checkpoints beside a dictionary are not autoencoders of their own")
    func checkpoints() throws {
        let folder = try TemporaryFolder()
        let trainer = "\(fixtures)/layouts/dictionary_learning/resid_post_layer_3/trainer_5"
        for file in ["ae.pt", "config.json"] {
            try folder.copy("\(trainer)/\(file)", to: "set/resid_post_layer_3/trainer_5/\(file)")
        }
        try folder.copy(
            "\(trainer)/checkpoints/ae_1.pt",
            to: "set/resid_post_layer_3/trainer_5/checkpoints/ae_1.pt")
        let survey = try surveyAutoencoders(under: folder.path)
        #expect(
            survey.found.map { "\($0.release)/\($0.id)" } == ["set/resid_post_layer_3/trainer_5"])
        #expect(survey.unread.isEmpty)
    }

    @Test("A damaged configuration stops a search and is listed by a survey")
    func damaged() throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("topk", to: "rel/good")
        try folder.copyFixture("topk", to: "rel/bad")
        try folder.write("{\"d_in\": 8", to: "rel/bad/cfg.json")
        #expect { try findAutoencoders(under: folder.path) } throws: {
            "\($0)".contains("rel/bad/cfg.json")
        }
        let survey = try surveyAutoencoders(under: folder.path)
        #expect(survey.found.map(\.id) == ["good"])
        #expect(survey.unread.count == 1)
    }

    @Test("Two autoencoders of one name are refused")
    func ambiguous() throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("topk", to: "rel/x")
        try folder.copyFixture("topk", to: "rel/rel/x")
        #expect { try findAutoencoders(under: "\(folder.path)/rel") } throws: {
            ($0 as? AutoencoderError)?.code == .ambiguous
        }
    }

    @Test("Links to folders are followed and circles end")
    func links() throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("topk", to: "rel/x")
        symlink("../rel", "\(folder.path)/rel/circle")
        symlink("rel", "\(folder.path)/link")
        let found = try findAutoencoders(under: folder.path)
        #expect(found.map { "\($0.release)/\($0.id)" } == ["link/x", "rel/x"])
    }

    @Test("The content hash depends on both files and not on the folder")
    func contentHash() throws {
        let folder = try TemporaryFolder()
        for place in ["a/one", "b/two", "c/three", "d/four"] {
            try folder.copyFixture("topk", to: place)
        }
        try folder.copyFixture("v4-topk", to: "e/other")
        let configuration = "\(folder.path)/c/three/cfg.json"
        try writeFile(try readFile(configuration) + [0x0A], to: configuration)
        let weights = "\(folder.path)/d/four/sae_weights.safetensors"
        var bytes = try readFile(weights)
        bytes[bytes.count - 1] ^= 1
        try writeFile(bytes, to: weights)
        let hashes = try findAutoencoders(under: folder.path).map { try $0.contentHash() }
        #expect(hashes[0] == hashes[1])
        #expect(Set(hashes).count == 4)
    }
}
