import Basics
import Foundation
import Testing

@testable import Storage

extension ActivationFileTests {
    /// A store with a complete and a partial activation file, tokens, and files that are not ours.
    func store() throws -> ArtifactStore {
        let store = ArtifactStore(folder: folder.file("artifacts"))
        try Sample().writeComplete(
            store.activationsPath(hook: "blocks.1.hook_resid_post", key: ContentHash.of("a")))
        try Sample().write(
            store.activationsPath(hook: "blocks.2.hook_mlp_out", key: ContentHash.of("b")),
            blocks: [0])
        let ours =
            #"{"__metadata__": {"producer": "saeval", "content_key": "0123", "dataset": "texts"}}"#
        let others = #"{"__metadata__": {"format": "pt"}}"#
        try makeFolder(store.folder + "/tokens")
        for (name, head) in [("ours", ours), ("others", others)] {
            let length = withUnsafeBytes(of: UInt64(head.utf8.count).littleEndian) { Array($0) }
            try writeFile(
                length + Array(head.utf8), to: "\(store.folder)/tokens/\(name).safetensors")
        }
        try writeFile(Array("hello".utf8), to: store.folder + "/activations/mine.h5")
        try writeFile(Array("hello".utf8), to: store.folder + "/activations/notes.txt")
        return store
    }

    @Test("The list shows kind, size, completeness and content of every artifact")
    func list() throws {
        let list = try store().list()
        let names = list.map { lastComponent(of: $0.path) }
        #expect(
            names == [
                "blocks.1.hook_resid_post-\(ContentHash.of("a").short).h5",
                "blocks.2.hook_mlp_out-\(ContentHash.of("b").short).h5.partial", "mine.h5",
                "others.safetensors",
                "ours.safetensors",
            ])
        #expect(list.map(\.isComplete) == [true, false, true, true, true])
        #expect(list.map { $0.problem == nil } == [true, true, false, false, true])
        #expect(list[1].metadata.contains { $0 == ("blocks", "1 of 6") })
        #expect(list[0].key == Sample().attributes.key)
        #expect(list[4].metadata.map(\.value) == ["texts"])
        #expect(list.allSatisfy { $0.bytes > 0 })
    }

    @Test("Removing deletes artifacts by content and leaves everything else")
    func remove() throws {
        let store = try store()
        let removal = try store.remove { _ in true }
        #expect(removal.removed.count == 3)
        #expect(
            removal.kept.map { lastComponent(of: $0.artifact.path) } == [
                "mine.h5", "others.safetensors",
            ])
        #expect(try folderContents(store.folder + "/activations") == ["mine.h5", "notes.txt"])
        #expect(try folderContents(store.folder + "/tokens") == ["others.safetensors"])
    }

    @Test("A file that a run is writing is not removed")
    func removeBusy() throws {
        let store = ArtifactStore(folder: folder.file("artifacts"))
        let sample = Sample()
        let path = store.activationsPath(hook: "h", key: sample.attributes.key)
        let preparation = try ActivationFile.prepare(
            path, layout: sample.layout, attributes: sample.attributes, tokens: sample.tokens)
        let removal = try store.remove { _ in true }
        #expect(removal.removed.isEmpty)
        #expect(removal.kept.count == 1)
        #expect(fileExists(path + ".partial"))
        #expect(preparation.lock != nil)
    }

    @Test("An empty or missing folder has no artifacts")
    func empty() throws {
        #expect(try ArtifactStore(folder: folder.file("none")).list().isEmpty)
    }

    @Test(
        "A hook with slashes or dots cannot leave the folder",
        arguments: ["../../x", "a/b", ".hidden", ""])
    func badHook(hook: String) {
        let store = ArtifactStore(folder: "/store")
        let path = store.activationsPath(hook: hook, key: ContentHash.of("x"))
        #expect(parentFolder(of: path) == "/store/activations")
        #expect(!lastComponent(of: path).hasPrefix("."))
    }
}
