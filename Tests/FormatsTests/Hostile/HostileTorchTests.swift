import Formats
import Testing

/// A torch file of a pickle without its start and end.
private func body(_ body: [UInt8]) -> [UInt8] {
    ForgedPickle.file(ForgedPickle.start + body + ForgedPickle.stop)
}

/// A torch file of a pickle.
private func pickle(_ bytes: [UInt8]) -> [UInt8] { ForgedPickle.file(bytes) }

/// A text.
private func text(_ text: String) -> [UInt8] { ForgedPickle.text(text) }

/// An honest tensor.
private func tensor() -> [UInt8] { ForgedPickle.tensor() }

/// A storage under a key of choice.
private func storage(_ key: String) -> [UInt8] { ForgedPickle.storage(key) }

/// The same bytes again and again.
private func many(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
    Array(repeatElement(bytes, count: count).joined())
}

/// Dicts that hold each other many times over, all under different names.
private var bomb: [UInt8] {
    var bytes: [UInt8] = ForgedPickle.integer(1) + [0x71, 0]
    for level in 1...20 {
        let items: [UInt8] = (0..<20).flatMap { (key: Int) -> [UInt8] in
            text("\(key)") + [0x68, UInt8(level - 1)]
        }
        bytes += [0x7D, 0x28] + items + [0x75, 0x71, UInt8(level)]
    }
    return ForgedPickle.dictionary([(text("a"), [0x5D, 0x28] + bytes + [0x65])])
}

private let pickleAttacks: [Attack] = [
    Attack("an empty pickle", pickle([]), .truncated, "0 bytes"),
    Attack("no end", pickle([0x80, 2, 0x7D]), .truncated, "1 bytes at byte 3"),
    Attack("an end alone", pickle([0x2E]), .malformed, "stops with 0 values"),
    Attack("two values at the end", body([0x7D, 0x7D]), .malformed, "stops with 2 values"),
    Attack(
        "bytes behind the end", pickle(ForgedPickle.holding(tensor()) + [0x2E]), .malformed,
        "follow its end"),
    Attack("protocol 1", pickle([0x80, 1, 0x7D, 0x2E]), .unsupported, "protocol 1"),
    Attack("protocol 255", pickle([0x80, 255, 0x7D, 0x2E]), .unsupported, "protocol 255"),
    Attack("an open list of arguments", body([0x7D, 0x28]), .malformed, "stops with"),
    Attack("a list of arguments without a start", body([0x7D, 0x75]), .malformed, "has no start"),
    Attack("a tuple of what is not there", body([0x4E, 0x87]), .malformed, "does not hold them"),
    Attack("a tuple across a mark", body([0x4E, 0x28, 0x85]), .malformed, "does not hold them"),
    Attack("items without a dict", body([0x28, 0x4E, 0x4E, 0x75]), .malformed, "not there"),
    Attack(
        "items of a list", body([0x5D, 0x28, 0x4E, 0x4E, 0x75]), .malformed, "sets items of a list"),
    Attack("elements of a dict", body([0x7D, 0x28, 0x4E, 0x65]), .malformed, "appends to a dict"),
    Attack(
        "a key without a value", body([0x7D, 0x28, 0x4E, 0x75]), .malformed, "a key has no value"),
    Attack("a memo that was never set", body([0x68, 7]), .malformed, "memo 7"),
    Attack("a memo of nothing", body([0x71, 0]), .malformed, "not there"),
    Attack(
        "a memo number of 4 billion", body([0x7D, 0x72, 0xFF, 0xFF, 0xFF, 0xFF]), .tooLarge,
        "memo number of 4294967295"),
    Attack("a text of 4 GB", body([0x58, 0xFF, 0xFF, 0xFF, 0xFF]), .truncated, "4294967295 bytes"),
    Attack("a text past the end", body([0x8C, 200, 0x41]), .truncated, "200 bytes"),
    Attack(
        "a text that is not UTF-8", body([0x58, 2, 0, 0, 0, 0xC3, 0x28]), .malformed, "not UTF-8"),
    Attack(
        "a text of half a character", body([0x58, 3, 0, 0, 0, 0xED, 0xA0, 0x80]), .malformed,
        "not UTF-8"),
    Attack("an integer of 255 bytes", body([0x8A, 255] + many(255, [1])), .tooLarge, "255 bytes"),
    Attack(
        "a frame of 2^64 bytes", body([0x95] + many(8, [0xFF])), .tooLarge, "18446744073709551615"),
    Attack(
        "a frame past the end", body([0x95] + littleEndian(1000, 8)), .truncated,
        "a frame of 1000 bytes"),
    Attack(
        "a name without an end", pickle([0x80, 2, 0x63] + many(2000, [0x41])), .malformed,
        "has no end"),
    Attack("a million marks", body(many(1_000_000, [0x28])), .tooLarge, "1000 open lists"),
    Attack("a million dicts", body(many(1_000_000, [0x7D])), .tooLarge, "100000 values"),
    Attack("a million memos", body([0x7D] + many(1_100_000, [0x94])), .tooLarge, "memo number of"),
    Attack(
        "a million copies", body([0x7D, 0x71, 0] + many(1_100_000, [0x68, 0])), .tooLarge,
        "1000000 operations"),
    Attack(
        "lists that copy lists",
        body(
            [0x5D, 0x28] + many(50_000, [0x4E, 0x4E, 0x86]).prefix(60_000) + [0x65, 0x71, 0]
                + many(
                    9_000,
                    ForgedPickle.global("collections", "OrderedDict") + [0x68, 0, 0x85, 0x52])),
        .tooLarge, "slots"),
    Attack(
        "a dict that holds itself", body([0x7D, 0x71, 0] + text("a") + [0x68, 0, 0x73]), .tooLarge,
        "32 dicts"),
    Attack(
        "a list that holds itself",
        body([0x7D] + text("a") + [0x5D, 0x71, 0, 0x68, 0, 0x61, 0x73]), .tooLarge, "32 dicts"),
    Attack(
        "dicts within dicts", body(many(50, [0x7D] + text("a")) + [0x4E] + many(50, [0x73])),
        .tooLarge, "32 dicts"),
    Attack("dicts that multiply", body(bomb), .tooLarge, "values"),
    Attack(
        "names that multiply",
        body(
            many(30, [0x7D] + text(String(repeating: "a", count: 1_000_000))) + [0x4E]
                + many(30, [0x73])), .tooLarge, "bytes of names"),
    Attack(
        "two values of one name",
        body(ForgedPickle.dictionary([(text("w"), tensor()), (text("w"), tensor())])), .malformed,
        "two values named `w`"),
    Attack(
        "two values of one joined name",
        body(
            ForgedPickle.dictionary([
                (text("a.b"), tensor()),
                (text("a"), ForgedPickle.dictionary([(text("b"), tensor())])),
            ])), .malformed, "two values named `a.b`"),
    Attack(
        "a key that is a dict", body(ForgedPickle.dictionary([([0x7D], tensor())])), .unsupported,
        "a dict as a key"),
    Attack(
        "a key that is a tensor", body(ForgedPickle.dictionary([(tensor(), tensor())])),
        .unsupported, "a tensor as a key"),
    Attack("a list at the top", body([0x5D]), .unsupported, "a list and not a dict"),
    Attack("a storage at the top", body(storage("0")), .unsupported, "a storage and not a dict"),
    Attack("an operation of no protocol", body([0x7D, 0xFF]), .unsupported, "operation 0xff"),
    Attack("a byte of zero", body([0]), .unsupported, "operation 0x0"),
]

@Suite("Hostile torch files")
struct HostileTorchTests {
    @Test("A hostile pickle is refused with its own error", arguments: pickleAttacks)
    func pickles(attack: Attack) throws { try attack.check(as: "ae.pt", read) }

    @Test("At least 40 attacks are made")
    func count() { #expect(pickleAttacks.count >= 40) }

    /// Reads everything there is.
    private func read(_ path: String) throws {
        let file = try TorchFile(path: path)
        for name in file.tensorNames { _ = try file.tensor(name).values }
    }
}
