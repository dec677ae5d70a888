import Basics
import Formats
import Testing

@Suite("Hub cache")
struct HubCacheTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "The environment names the folder",
        arguments: [
            (["HF_HUB_CACHE": "/a", "HF_HOME": "/b"], "/a"),
            (["HF_HOME": "/b", "HOME": "/h"], "/b/hub"),
            (["HF_HOME": "~/b", "HOME": "/h"], "/h/b/hub"),
            (["HF_HUB_CACHE": "", "HOME": "/h"], "/h/.cache/huggingface/hub"),
            (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/huggingface/hub"),
        ])
    func environment(variables: [String: String], folder: String) {
        #expect(HubCache(environment: { variables[$0] }).folder == folder)
    }

    @Test("A branch, a commit and no revision lead to the snapshot")
    func snapshots() throws {
        let repository = "models--org--name.x"
        _ = try folder.write(Array("abc123\n".utf8), as: "\(repository)/refs/main")
        _ = try folder.write(Array("abc123".utf8), as: "\(repository)/refs/pr/1")
        let file = try folder.write([1], as: "\(repository)/snapshots/abc123/config.json")
        let cache = HubCache(folder: folder.path)
        for id in ["org/name.x", "org/name.x@main", "org/name.x@pr/1", "org/name.x@abc123"] {
            #expect(try cache.snapshot(of: id) == parentFolder(of: file))
        }
        #expect(try cache.resolve(folder.path) == folder.path)
        #expect(try cache.resolve("org/name.x") == parentFolder(of: file))
        let error = #expect(throws: FormatError.self) { try cache.snapshot(of: "org/name.x@v2") }
        #expect(error?.advice == "`saeval fetch CONFIG`, on a machine with a network")
    }

    @Test("A model that is not there is an error that says how to get it")
    func missing() {
        let error = #expect(throws: FormatError.self) {
            try HubCache(folder: folder.path, fetchCommand: "saeval fetch a.yaml").snapshot(
                of: "org/name")
        }
        #expect(error?.code == .missing)
        #expect(error?.message.contains("\(folder.path)/models--org--name") == true)
        #expect(error?.advice == "`saeval fetch a.yaml`, on a machine with a network")
    }

    @Test("Datasets are in folders of their own")
    func datasets() throws {
        _ = try folder.write(Array("c".utf8), as: "datasets--d/refs/main")
        _ = try folder.write([1], as: "datasets--d/snapshots/c/x")
        #expect(
            try HubCache(folder: folder.path).snapshot(of: "d", kind: .dataset)
                == "\(folder.path)/datasets--d/snapshots/c")
    }

    @Test(
        "A file of a dataset is found by its address",
        arguments: [
            ("hf://datasets/org/d/a/b.jsonl", "c"), ("hf://datasets/org/d@v1/a/b.jsonl", "e"),
            ("hf://datasets/org/d@refs%2Fx/a/b.jsonl", "f"),
        ])
    func datasetFile(address: String, commit: String) throws {
        for (name, commit) in [("main", "c"), ("v1", "e"), ("refs/x", "f")] {
            _ = try folder.write(Array(commit.utf8), as: "datasets--org--d/refs/\(name)")
            _ = try folder.write([1], as: "datasets--org--d/snapshots/\(commit)/a/b.jsonl")
        }
        let cache = HubCache(folder: folder.path)
        #expect(
            try cache.file(HubPath(address))
                == "\(folder.path)/datasets--org--d/snapshots/\(commit)/a/b.jsonl")
        let missing = try HubPath(address.replacing("b.jsonl", with: "c.jsonl"))
        #expect(throws: FormatError.self) { try cache.file(missing) }
    }

    @Test(
        "An address that names no file of a dataset is refused",
        arguments: [
            "hf://org/d/a.jsonl", "hf://datasets/org/d", "hf://datasets/org/d/",
            "hf://datasets/org/d/../a", "hf://datasets/../d/a", "hf://datasets/org/d@../a",
            "hf://datasets/org/d/a//b", "hf://datasets/org/d/a\u{0}b",
        ])
    func wrongAddress(_ address: String) {
        #expect(throws: FormatError.self) { try HubPath(address) }
    }

    @Test(
        "An id or a reference that leads out of the cache is refused",
        arguments: ["../x", "a/../b", "a/b/c", "", "/etc", "a b", "a/b@../../x", "a@", "a\u{0}b"])
    func outside(id: String) {
        let error = #expect(throws: FormatError.self) {
            try HubCache(folder: folder.path).snapshot(of: id)
        }
        #expect(error?.code == .malformed)
    }

    @Test("A reference that leads out of the snapshots is refused")
    func forgedReference() throws {
        _ = try folder.write(Array("../../..".utf8), as: "models--a/refs/main")
        #expect(throws: FormatError.self) { try HubCache(folder: folder.path).snapshot(of: "a") }
    }
}
