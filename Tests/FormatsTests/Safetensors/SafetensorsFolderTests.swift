import Basics
import Formats
import Tensors
import Testing

@Suite("Safetensors folder")
struct SafetensorsFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func writeIndex(_ places: String) throws {
        _ = try folder.write(
            Array("{\"weight_map\": {\(places)}}".utf8), as: "model.safetensors.index.json")
    }

    @Test("One file is read")
    func single() throws {
        try writeSafetensors(
            [("a", Tensor([1, 2], shape: [2]))], to: "\(folder.path)/model.safetensors")
        let weights = try SafetensorsFolder(path: folder.path)
        #expect(weights.files == ["model.safetensors"])
        #expect(weights.tensorNames == ["a"])
        #expect(try weights.tensor("a").values == [1, 2])
    }

    @Test("Shards are read through their index")
    func shards() throws {
        try writeSafetensors([("b", Tensor([3], shape: [1]))], to: "\(folder.path)/2.safetensors")
        try writeSafetensors(
            [("a", Tensor([1, 2], shape: [2, 1]))], to: "\(folder.path)/1.safetensors")
        try writeIndex(#""b": "2.safetensors", "a": "1.safetensors""#)
        let weights = try SafetensorsFolder(path: folder.path)
        #expect(weights.files == ["1.safetensors", "2.safetensors"])
        #expect(weights.tensorNames == ["a", "b"])
        #expect(try weights.shape(of: "a") == [2, 1])
        #expect(try weights.type(of: "a") == .float32)
        #expect(try weights.tensor("b").values == [3])
        #expect(weights.contains("b") && !weights.contains("c"))
        let error = #expect(throws: FormatError.self) { try weights.tensor("c") }
        #expect(error?.code == .tensorMissing)
    }

    @Test("A folder without weights is an error that says what it should hold")
    func empty() {
        let error = #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
        #expect(error?.code == .missing)
        #expect(error?.message.contains("model.safetensors.index.json") == true)
    }

    @Test(
        "A shard outside the folder is refused",
        arguments: ["../a.safetensors", "/tmp/a", "..", ".", "", "a/b", "a\\u0000b"])
    func outside(name: String) throws {
        try writeIndex("\"a\": \"\(name)\"")
        let error = #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
        #expect(error?.code == .malformed)
    }

    @Test("An index that contradicts its shards is an error")
    func contradiction() throws {
        try writeSafetensors([("a", Tensor([1], shape: [1]))], to: "\(folder.path)/1.safetensors")
        try writeIndex(#""b": "1.safetensors""#)
        let error = #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
        #expect(error?.code == .malformed)
        #expect(error?.message.contains("`b`") == true)
        try writeIndex(#""a": "2.safetensors""#)
        #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
        _ = try folder.write(Array("{}".utf8), as: "model.safetensors.index.json")
        #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
        _ = try folder.write(Array("{".utf8), as: "model.safetensors.index.json")
        #expect(throws: FormatError.self) { try SafetensorsFolder(path: folder.path) }
    }
}
