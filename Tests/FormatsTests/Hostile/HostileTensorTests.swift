import Formats
import Testing

/// A torch file whose pickle holds a dict of one value.
private func holding(_ value: [UInt8]) -> [UInt8] {
    ForgedPickle.file(ForgedPickle.holding(value))
}

/// A text.
private func text(_ text: String) -> [UInt8] { ForgedPickle.text(text) }

/// An honest tensor.
private func tensor() -> [UInt8] { ForgedPickle.tensor() }

/// A storage under a key of choice.
private func storage(_ key: String) -> [UInt8] { ForgedPickle.storage(key) }

private let tensorAttacks: [Attack] = [
    Attack(
        "a storage that is not there", holding(ForgedPickle.tensor(storage("1"))), .truncated,
        "storage 1, which does not exist"),
    Attack(
        "a storage in another folder", holding(ForgedPickle.tensor(storage("../0"))), .malformed,
        "the key `../0`"),
    Attack(
        "a storage without a name", holding(ForgedPickle.tensor(storage(""))), .malformed,
        "the key ``"),
    Attack(
        "a storage with a long name",
        holding(ForgedPickle.tensor(storage(String(repeating: "0", count: 1_000_000)))), .malformed,
        "the key `000"),
    Attack(
        "a storage of 2^62 elements",
        holding(ForgedPickle.tensor(ForgedPickle.storage(count: 1 << 62))), .malformed,
        "claims 4611686018427387904"),
    Attack(
        "a storage of minus one element",
        holding(ForgedPickle.tensor(ForgedPickle.storage(count: -1))), .malformed, "no storage"),
    Attack(
        "a storage that claims more", holding(ForgedPickle.tensor(ForgedPickle.storage(count: 5))),
        .malformed, "claims 5 elements and holds 16 bytes"),
    Attack(
        "a storage that claims less", holding(ForgedPickle.tensor(ForgedPickle.storage(count: 3))),
        .malformed, "claims 3 elements"),
    Attack(
        "a storage that is a dict class",
        holding(
            ForgedPickle.tensor(
                ForgedPickle.storage(type: ForgedPickle.global("collections", "OrderedDict")))),
        .malformed, "no storage"),
    Attack("an id that is a text", holding(text("0") + [0x51]), .malformed, "no storage"),
    Attack(
        "an id of another kind",
        holding(
            ForgedPickle.tuple(
                text("module"), ForgedPickle.global("torch", "FloatStorage"), text("0"),
                text("cpu"), ForgedPickle.integer(4)) + [0x51]), .malformed, "no storage"),
    Attack(
        "a shape past the storage", holding(ForgedPickle.tensor(shape: [5])), .malformed,
        "reaches beyond"),
    Attack(
        "a stride past the storage", holding(ForgedPickle.tensor(shape: [3], strides: [2])),
        .malformed, "reaches beyond"),
    Attack(
        "an offset past the storage", holding(ForgedPickle.tensor(offset: 1)), .malformed,
        "reaches beyond"),
    Attack(
        "an offset of 2^63 - 1", holding(ForgedPickle.tensor(offset: .max)), .malformed,
        "reaches beyond"),
    Attack(
        "a negative offset", holding(ForgedPickle.tensor(offset: -4)), .malformed,
        "not those of a tensor"),
    Attack(
        "a negative stride", holding(ForgedPickle.tensor(offset: 3, strides: [-1])), .malformed,
        "not those of a tensor"),
    Attack(
        "a negative axis", holding(ForgedPickle.tensor(shape: [-4])), .malformed,
        "not those of a tensor"),
    Attack(
        "an axis of 2^63 - 1", holding(ForgedPickle.tensor(shape: [.max], strides: [0])),
        .malformed, "has the shape"),
    Attack(
        "a product that overflows",
        holding(ForgedPickle.tensor(shape: [1 << 32, 1 << 32], strides: [0, 0])), .malformed,
        "has the shape"),
    Attack(
        "a product that a zero hides",
        holding(ForgedPickle.tensor(shape: [0, 1 << 32, 1 << 32], strides: [1, 1, 1])), .malformed,
        "has the shape"),
    Attack(
        "a place that overflows",
        holding(ForgedPickle.tensor(shape: [2, 2], strides: [.max, .max])), .malformed,
        "has the shape"),
    Attack(
        "one value a billion times", holding(ForgedPickle.tensor(shape: [1 << 30], strides: [0])),
        .tooLarge, "spreads 16 bytes over 4294967296"),
    Attack(
        "fewer strides than axes", holding(ForgedPickle.tensor(shape: [2, 2], strides: [1])),
        .malformed, "2 axes and 1 strides"),
    Attack(
        "a thousand axes",
        holding(
            ForgedPickle.tensor(
                shape: .init(repeating: 1, count: 1000), strides: .init(repeating: 1, count: 1000))),
        .malformed, "1000 axes"),
    Attack(
        "a tensor of nothing",
        holding(ForgedPickle.call(ForgedPickle.global("torch._utils", "_rebuild_tensor_v2"))),
        .malformed, "not those of a tensor"),
    Attack(
        "a tensor of a tensor", holding(ForgedPickle.tensor(tensor())), .malformed,
        "not those of a tensor"),
    Attack(
        "a parameter of a text",
        holding(
            ForgedPickle.call(
                ForgedPickle.global("torch._utils", "_rebuild_parameter"), text("w"), [0x88], [0x7D]
            )), .malformed, "not a tensor"),
    Attack(
        "an ordered dict of a text",
        holding(ForgedPickle.call(ForgedPickle.global("collections", "OrderedDict"), text("w"))),
        .malformed, "an ordered dict is made of a text"),
    Attack(
        "an ordered dict of no pairs",
        holding(
            ForgedPickle.call(
                ForgedPickle.global("collections", "OrderedDict"), [0x5D, 0x4E, 0x61])), .malformed,
        "no pairs"),
    Attack(
        "an untyped tensor of the second kind",
        holding(
            ForgedPickle.tensor(
                ForgedPickle.storage(
                    type: ForgedPickle.global("torch.storage", "UntypedStorage"), count: 16))),
        .malformed, "another element type"),
    Attack(
        "arguments that are no tuple",
        holding(ForgedPickle.global("torch._utils", "_rebuild_tensor_v2") + [0x7D, 0x52]),
        .malformed, "are a dict"),
]

private let fileAttacks: [Attack] = [
    Attack(
        "no pickle", ForgedArchive([.init("archive/version", [0x33])]).bytes, .malformed,
        "0 members `data.pkl`"),
    Attack(
        "two pickles",
        ForgedArchive([.init("a/data.pkl", [0x2E]), .init("b/data.pkl", [0x2E])]).bytes, .malformed,
        "2 members `data.pkl`"),
    Attack(
        "a pickle in no folder", ForgedArchive([.init("data.pkl", [0x2E])]).bytes, .malformed,
        "0 members `data.pkl`"),
    Attack(
        "a compressed pickle",
        ForgedArchive([
            ForgedArchive.Member("a/data.pkl", [1, 1, 0, 0xFE, 0xFF, 0x2E]).with {
                ($0.method, $0.content) = (8, 1)
            }
        ]).bytes, .unsupported, "is compressed"),
    Attack(
        "a pickle with a wrong checksum",
        ForgedArchive([ForgedArchive.Member("a/data.pkl", [0x7D, 0x2E]).with { $0.checksum = 1 }])
            .bytes, .malformed, "its pickle has the checksum"),
    Attack(
        "a byte order of nobody",
        ForgedPickle.file(
            ForgedPickle.holding(tensor()), [.init("archive/byteorder", Array("middle".utf8))]),
        .unsupported, "byte order `middle`"),
    Attack(
        "a program",
        ForgedPickle.file(ForgedPickle.holding(tensor()), [.init("archive/code/a.py", [])]),
        .unsupported, "TorchScript"),
    Attack(
        "a bare pickle that runs a shell",
        ForgedPickle.start + ForgedPickle.call(ForgedPickle.global("os", "system"), text("true"))
            + [0x2E], .unsupported, "a bare pickle"),
    Attack(
        "a safetensors file", [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), .malformed,
        "no end record"),
]

@Suite("Hostile tensors")
struct HostileTensorTests {
    @Test("A hostile tensor is refused with its own error", arguments: tensorAttacks)
    func tensors(attack: Attack) throws { try attack.check(as: "ae.pt", read) }

    @Test("A hostile file is refused with its own error", arguments: fileAttacks)
    func files(attack: Attack) throws { try attack.check(as: "ae.pt", read) }

    @Test("The file that the attacks change is read, by both rebuilding functions")
    func honest() throws {
        let folder = try TemporaryFolder()
        let typed = ForgedPickle.call(
            ForgedPickle.global("torch._utils", "_rebuild_tensor_v3"),
            ForgedPickle.storage(
                type: ForgedPickle.global("torch.storage", "UntypedStorage"), count: 16),
            ForgedPickle.integer(1), ForgedPickle.integers([3]), ForgedPickle.integers([1]), [0x89],
            [0x7D], ForgedPickle.global("torch", "float32"))
        for (value, count) in [(ForgedPickle.tensor(), 4), (typed, 3)] {
            let file = try TorchFile(path: folder.write(holding(value), as: "honest.pt"))
            #expect(try file.tensor("w").values == [Float](repeating: 0, count: count))
        }
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(tensorAttacks.count + fileAttacks.count >= 40) }

    /// Reads everything there is.
    private func read(_ path: String) throws {
        let file = try TorchFile(path: path)
        for name in file.tensorNames { _ = try file.tensor(name).values }
    }
}
