import Basics
import Formats
import Tensors
import Testing

/// The folder of files that torch wrote.
let torchFolder = "\(parentFolder(of: fixtureFolder))/torch"

@Suite("Torch file")
struct TorchFileTests {
    /// A file that torch wrote.
    private func file(_ name: String) throws -> TorchFile {
        try TorchFile(path: "\(torchFolder)/\(name).pt")
    }

    @Test("Tensors of every element type are read", arguments: ElementType.allCases)
    func types(type: ElementType) throws {
        let file = try file("types")
        let tensor = try file.tensor(type.rawValue)
        #expect(tensor.type == type && tensor.shape == [3, 4])
        #expect(try file.type(of: type.rawValue) == type)
        #expect(tensor.values == (0..<12).map { Float(type == .bool ? $0 % 2 : $0) })
    }

    @Test(
        "A state dict is read as its tensors, with parameters and without attributes",
        arguments: ["module", "parameters", "bare"])
    func stateDict(name: String) throws {
        let file = try file(name)
        #expect(file.tensorNames == ["0.bias", "0.weight", "1.bias", "1.weight"])
        #expect(file.scalarNames == [])
        #expect(try file.shape(of: "1.weight") == [4, 3])
        #expect(try file.tensor("1.weight").values == (0..<12).map { Float($0) })
        #expect(try file.tensor("0.bias").values == [0, 1, 2])
    }

    @Test(
        "A matrix is the same whatever the order of its elements",
        arguments: ["plain", "transposed", "half", "bytes", "double"])
    func order(name: String) throws {
        let tensor = try file("layouts").tensor(name)
        #expect(tensor.shape == [3, 4])
        #expect(tensor.values == (0..<12).map { Float($0) })
    }

    /// Pieces of one storage of 24 counts, their shapes and their elements.
    static let pieces: [(String, [Int], [Int])] = [
        ("tail", [12], Array(12..<24)),
        ("every second", [12], (0..<12).map { 2 * $0 + 1 }),
        ("middle", [2, 3], [8, 9, 10, 14, 15, 16]),
        (
            "permuted", [4, 2, 3],
            (0..<4).flatMap { k in (0..<2).flatMap { i in (0..<3).map { 12 * i + 4 * $0 + k } } }
        ),
        (
            "swapped", [3, 2, 4],
            (0..<3).flatMap { j in (0..<2).flatMap { i in (0..<4).map { 12 * i + 4 * j + $0 } } }
        ),
        ("row", [4], [20, 21, 22, 23]), ("one", [], [23]),
        ("tall", [41, 37], (0..<41).flatMap { i in (0..<37).map { 41 * $0 + i } }),
        ("expanded", [3, 4], Array(repeating: 7, count: 12)),
        ("rows", [3, 4], [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]), ("empty", [0, 4], []),
    ]

    @Test("Views with offsets, steps and repeated elements are read", arguments: pieces)
    func views(name: String, shape: [Int], elements: [Int]) throws {
        let tensor = try file("layouts").tensor(name)
        #expect(tensor.shape == shape)
        #expect(tensor.values == elements.map(Float.init))
    }

    @Test("A tensor in row-major order is not copied")
    func mapping() throws {
        let file = try file("layouts")
        let (first, second) = (try file.tensor("plain"), try file.tensor("plain"))
        #expect(first.bytes == second.bytes)
        let (base, tail) = (try file.tensor("swapped"), try file.tensor("tail"))
        #expect(base.bytes != tail.bytes)
        #expect(try file.tensor("row").bytes - file.tensor("tail").bytes == 8 * 4)
    }

    @Test("Plain values and nested dicts are read under joined names")
    func nested() throws {
        let file = try file("nested")
        #expect(file.tensorNames == ["3.0", "ae.encoder.k", "ae.encoder.weight", "ae.list.1.0"])
        #expect(try file.tensor("ae.encoder.k").values == [5])
        #expect(try file.type(of: "ae.encoder.k") == .int32)
        let expected: [String: TorchScalar] = [
            "step": .integer(7), "big": .integer(1 << 40), "negative": .integer(-(1 << 40)),
            "small": .integer(-3), "byte": .integer(200), "word": .integer(60000),
            "zero": .integer(0), "rate": .number(0.5), "on": .truth(true), "off": .truth(false),
            "name": .text("tøpk"), "type": .text("torch bfloat16"), "ae.list.0": .integer(1),
            "ae.list.1.1": .text("two"),
        ]
        for name in file.scalarNames { #expect(file.scalar(name) == expected[name], "\(name)") }
        #expect(file.scalarNames.count == expected.count)
        #expect(file.scalar("nothing") == nil && file.scalar("ae") == nil)
    }

    @Test(
        "Other protocols and files without checksums are read",
        arguments: ["protocol4", "unchecked"])
    func variants(name: String) throws {
        #expect(try file(name).tensor("weight").values == (0..<12).map { Float($0) })
    }

    @Test(
        "Other forms of torch are refused by name, with a remedy",
        arguments: [
            ("legacy", "before its release 1.6", "torch.save"),
            ("pickle", "a bare pickle", "torch.save"),
            ("script", "TorchScript", "state_dict"),
            ("big-endian", "byte order `big`", "little-endian"),
            ("tensor", "holds a tensor and not a dict", "save a dict"),
            ("class", "`torch.nn.modules.container Sequential`, which is never called", "weights"),
            ("sparse", "`torch._utils _rebuild_sparse_tensor`, which is never called", "weights"),
        ])
    func refused(name: String, sentence: String, remedy: String) throws {
        let error = #expect(throws: FormatError.self) { try file(name) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        #expect(error?.advice?.contains(remedy) == true, "\(error?.advice ?? "")")
    }

    @Test("Forms of old releases are refused with the line of Python that saves them anew")
    func savingAnew() throws {
        let folder = try TemporaryFolder()
        let place = try folder.write(readFile("\(torchFolder)/legacy.pt"), as: "an \"old\" one.pt")
        let pickle = #expect(throws: FormatError.self) { try TorchFile(path: place) }
        let name = "\"\(place.replacing("\"", with: "\\\""))\""
        #expect(
            pickle?.advice?.hasSuffix(
                "torch.save(torch.load(\(name), map_location=\"cpu\", weights_only=True), \(name))")
                == true, "\(pickle?.advice ?? "")")
        #expect(pickle?.message.contains(place) == true)
        // The header of a tar archive, whose magic stands behind the name and the numbers.
        var header = [UInt8](repeating: 0, count: 1024)
        header.replaceSubrange(0..<8, with: Array("sys_info".utf8))
        header.replaceSubrange(257..<262, with: Array("ustar".utf8))
        let tar = try folder.write(header, as: "tar.pt")
        let archive = #expect(throws: FormatError.self) { try TorchFile(path: tar) }
        #expect(archive?.code == .unsupported && archive?.message.contains("tar archive") == true)
        #expect(
            archive?.advice?.contains("\(tar)\", map_location=\"cpu\", weights_only=False") == true)
        #expect(archive?.advice?.contains("if you trust the file") == true)
    }

    @Test("A missing tensor is an error that names the nearest")
    func missing() throws {
        let error = #expect(throws: FormatError.self) { try file("protocol4").tensor("weigth") }
        #expect(error?.code == .tensorMissing && error?.advice?.contains("`weight`") == true)
    }

    @Test("A damaged storage is noticed when its tensor is read")
    func checksum() throws {
        let folder = try TemporaryFolder()
        var bytes = try readFile("\(torchFolder)/protocol4.pt")
        let eleven: [UInt8] = [0, 0, 0x30, 0x41]
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: eleven) })
        bytes[place] ^= 1
        let file = try TorchFile(path: folder.write(bytes, as: "damaged.pt"))
        let error = #expect(throws: FormatError.self) { try file.tensor("weight") }
        #expect(error?.code == .malformed && error?.message.contains("checksum") == true)
    }

    @Test("A file cut anywhere is an error", arguments: ["module", "layouts"])
    func truncated(name: String) throws {
        let folder = try TemporaryFolder()
        let bytes = try readFile("\(torchFolder)/\(name).pt")
        for length in stride(from: 0, to: bytes.count, by: 7) {
            let path = try folder.write(Array(bytes[..<length]), as: "cut.pt")
            #expect(throws: FormatError.self, "\(length)") { try TorchFile(path: path) }
        }
    }
}
