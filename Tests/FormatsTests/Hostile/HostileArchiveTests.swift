import Testing

@testable import Formats

/// One member of an archive.
private typealias Member = ForgedArchive.Member

/// The array `[0, 0]` in an npy file.
private let array = npy(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data: .init(repeating: 0, count: 8))

/// An honest member of that array.
private let honest = Member("a.npy", array)

/// An archive of one member that is changed.
private func one(_ change: (inout Member) -> Void) -> [UInt8] {
    ForgedArchive([honest.with(change)]).bytes
}

/// An honest archive whose end is changed.
private func end(_ change: (inout ForgedArchive) -> Void) -> [UInt8] {
    ForgedArchive([honest]).with(change).bytes
}

/// An archive of one array with a header of choice.
private func header(
    type: String = "'<f4'", order: String = "False", shape: String = "(2,)",
    data: Int = 8
) -> [UInt8] {
    let text = "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape)}"
    return raw(npy(text, data: [UInt8](repeating: 0, count: data)))
}

/// An archive of one member with bytes of choice.
private func raw(_ bytes: [UInt8]) -> [UInt8] { ForgedArchive([Member("a.npy", bytes)]).bytes }

/// Bytes as one stored block of deflate.
private func deflated(_ bytes: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = littleEndian(length ?? bytes.count, 2)
    return [1] + length + length.map { ~$0 } + bytes
}

/// An archive of one deflated member that is changed.
private func squeezed(_ data: [UInt8], _ change: (inout Member) -> Void = { _ in }) -> [UInt8] {
    one {
        ($0.data, $0.method, $0.content) = (data, 8, array.count)
        change(&$0)
    }
}

/// The 64-bit end record, its locator, and a place that it claims to be at.
private func wideEnd(at place: Int, count: Int) -> [UInt8] {
    [0x50, 0x4B, 6, 6] + littleEndian(44, 8) + littleEndian(0, 12) + littleEndian(count, 8)
        + littleEndian(count, 8) + littleEndian(46, 8) + littleEndian(0, 8) + [0x50, 0x4B, 6, 7]
        + littleEndian(0, 4) + littleEndian(place, 8) + littleEndian(1, 4)
}

private let containerAttacks: [Attack] = [
    Attack("nothing", [], .malformed, "no end record"),
    Attack("two letters", [0x50, 0x4B], .malformed, "no end record"),
    Attack("zeros", [UInt8](repeating: 0, count: 70_000), .malformed, "no end record"),
    Attack(
        "no end", Array(ForgedArchive([honest]).bytes.dropLast(22)), .malformed, "no end record"),
    Attack(
        "a cut end", Array(ForgedArchive([honest]).bytes.dropLast()), .malformed, "no end record"),
    Attack(
        "a comment past the end", end { $0.comment = [1] }.dropLast(), .malformed, "no end record"),
    Attack(
        "only an end, with members", ForgedArchive([]).with { $0.count = 7 }.bytes, .malformed,
        "claims 7 members"),
    Attack("65,535 members", end { $0.count = 0xFFFF }, .malformed, "claims 65535 members"),
    Attack(
        "a directory past the end", end { $0.directoryStart = 1 << 31 }, .truncated, "its directory"
    ),
    Attack(
        "a directory of 4 GB", end { $0.directoryByteCount = 0xFFFF_FFFE }, .truncated, "4294967294"
    ),
    Attack(
        "a directory at 4 GB", end { $0.directoryStart = 0xFFFF_FFFF }, .truncated, "its directory"),
    Attack(
        "a directory one byte late", end { $0.directoryStart = honest.data.count + 36 }, .malformed,
        "the directory is damaged"),
    Attack(
        "a directory one byte short", end { $0.directoryByteCount = 50 }, .malformed,
        "the directory is damaged"),
    Attack(
        "a wide end nowhere",
        end { ($0.count, $0.beforeEnd) = (0xFFFF, wideEnd(at: 1 << 40, count: 1)) }, .malformed,
        "damaged 64-bit end record"),
    Attack(
        "a wide end in the data",
        end { ($0.count, $0.beforeEnd) = (0xFFFF, wideEnd(at: 4, count: 1)) }, .malformed,
        "damaged 64-bit end record"),
    Attack(
        "a wide end at minus one",
        end { ($0.count, $0.beforeEnd) = (0xFFFF, wideEnd(at: -1, count: 1)) }, .malformed,
        "damaged 64-bit end record"),
    Attack(
        "2^60 members",
        end { ($0.count, $0.beforeEnd) = (0xFFFF, wideEnd(at: array.count + 86, count: 1 << 60)) },
        .malformed, "claims 1152921504606846976 members"),
    Attack("a member past the end", one { $0.start = 1 << 30 }, .truncated, "member `a.npy`"),
    Attack("a member in the middle", one { $0.start = 3 }, .truncated, "member `a.npy`"),
    Attack(
        "a member that is the directory", one { $0.start = array.count + 35 }, .truncated,
        "member `a.npy`"),
    Attack(
        "a member of 4 GB", one { ($0.stored, $0.content) = (0xFFFF_FFFE, 0xFFFF_FFFE) },
        .truncated, "4294967294 bytes"),
    Attack(
        "a member over the directory",
        one { ($0.stored, $0.content) = (array.count + 30, array.count + 30) }, .malformed,
        "overlaps the directory"),
    Attack(
        "a stored member that grows", one { $0.content = 1 << 20 }, .malformed,
        "claims 1048576 bytes"),
    Attack(
        "a deflated member that grows", squeezed(deflated(array)) { $0.content = 0xFFFF_FFFE },
        .malformed, "claims 4294967294 bytes"),
    Attack(
        "a member of 2^62 bytes",
        one {
            ($0.content, $0.stored, $0.extra) = (
                0xFFFF_FFFF, 0xFFFF_FFFF,
                [1, 0, 16, 0] + littleEndian(1 << 62, 8) + littleEndian(1 << 62, 8)
            )
        }, .truncated, "4611686018427387904"),
    Attack(
        "a member of 2^63 bytes",
        one {
            ($0.content, $0.stored, $0.extra) = (
                0xFFFF_FFFF, 0xFFFF_FFFF,
                [1, 0, 16, 0] + littleEndian(Int.min, 8) + littleEndian(Int.min, 8)
            )
        }, .truncated, "4294967295"),
    Attack(
        "a cut extra field",
        one { ($0.content, $0.stored, $0.extra) = (0xFFFF_FFFF, 0xFFFF_FFFF, [1, 0, 16, 0, 9]) },
        .truncated, "4294967295"),
    Attack("an encrypted member", one { $0.flags = 1 }, .unsupported, "encrypted"),
    Attack("a member of another method", one { $0.method = 14 }, .unsupported, "method 14"),
    Attack(
        "a member with two names", one { $0.ownName = Array("b.npy".utf8) }, .malformed,
        "another name in its own header"),
    Attack(
        "a name with a hidden NUL", one { $0.ownName = Array("a.np".utf8) + [0] }, .malformed,
        "another name in its own header"),
    Attack(
        "two members of one name", ForgedArchive([honest, honest]).bytes, .malformed,
        "two members named `a.npy`"),
    Attack(
        "names that are equal once repaired",
        ForgedArchive([honest.with { $0.name = [0xFF] }, honest.with { $0.name = [0xFE] }]).bytes,
        .malformed, "two members named"),
    Attack(
        "two members of the same bytes",
        ForgedArchive([
            honest, honest.with { ($0.name, $0.start) = (Array("a.npy".utf8) + [0x20], 0) },
        ]).bytes, .malformed, "another name"),
    Attack(
        "members within each other", nestedMembers, .malformed,
        "members `b.npy` and `a.npy` overlap"),
    Attack("a wrong checksum", one { $0.checksum = 1 }, .malformed, "has the checksum"),
    Attack(
        "deflated bytes that are damaged", squeezed([0xFF, 0xFF, 0xFF, 0xFF]), .malformed,
        "cannot be inflated"),
    Attack(
        "deflated bytes that end early", squeezed(Array(deflated(array).dropLast(4))), .malformed,
        "that can be inflated"),
    Attack(
        "deflated bytes that go on", squeezed(deflated(array + [0])), .malformed,
        "that can be inflated"),
    Attack(
        "a block longer than its data", squeezed(deflated(array, length: 0xFFFF)), .malformed,
        "that can be inflated"),
    Attack(
        "deflated bytes with a wrong checksum", squeezed(deflated(array)) { $0.checksum = 7 },
        .malformed, "has the checksum"),
    Attack(
        "an array that claims less than it inflates to",
        squeezed(deflated(array + array)) { $0.content = 2 * array.count }, .malformed,
        "its header needs"),
]

/// A member whose data holds another member.
private var nestedMembers: [UInt8] {
    let inner = ForgedArchive([honest]).bytes
    let outer = Member("b.npy", inner)
    return ForgedArchive([outer, honest.with { $0.start = 35 }]).bytes
}

private let arrayAttacks: [Attack] = [
    Attack("an empty array file", raw([]), .truncated, "0 bytes of the 10"),
    Attack(
        "another magic", raw([UInt8](repeating: 0x93, count: 20)), .malformed,
        "does not start like an npy array"),
    Attack("version 0", raw(npy("{}", version: 0)), .malformed, "version 1 to 3"),
    Attack("version 255", raw(npy("{}", version: 255)), .malformed, "version 1 to 3"),
    Attack(
        "a header of 4 GB", raw(npy("{}", version: 2, declared: 0xFFFF_FFFF)), .tooLarge,
        "4294967295"),
    Attack(
        "a header past the end", raw(npy("{}", declared: 1000)), .truncated,
        "within its header of 1000 bytes"),
    Attack("an empty header", raw(npy("")), .malformed, "has the header"),
    Attack(
        "a call in the header", raw(npy("__import__('os').system('true')")), .malformed,
        "has the header"),
    Attack(
        "nested tuples in the header", raw(npy(String(repeating: "(", count: 60_000))), .malformed,
        "has the header"),
    Attack("pickled objects", header(type: "'|O'"), .unsupported, "`|O`"),
    Attack("records", header(type: "[('a', '<f4')]"), .unsupported, "[('a', '<f4')]"),
    Attack("texts", header(type: "'<U8'"), .unsupported, "`<U8`"),
    Attack("complex numbers", header(type: "'<c8'"), .unsupported, "`<c8`"),
    Attack("long doubles", header(type: "'<f16'"), .unsupported, "`<f16`"),
    Attack("a negative axis", header(shape: "(-2,)"), .malformed, "has the header"),
    Attack("an axis that is no integer", header(shape: "(2.5,)"), .malformed, "has the header"),
    Attack(
        "an axis of twenty digits", header(shape: "(99999999999999999999,)"), .malformed,
        "has the header"),
    Attack(
        "a thousand axes", header(shape: "(" + String(repeating: "1,", count: 1000) + ")"),
        .malformed, "has the header"),
    Attack(
        "a product beyond 64 bits", header(shape: "(4294967296, 4294967296)"), .malformed,
        "has the shape"),
    Attack(
        "a product that a zero hides", header(order: "True", shape: "(0, 4294967296, 4294967296)"),
        .malformed, "has the shape"),
    Attack("more data than there is", header(shape: "(3,)"), .truncated, "needs 12"),
    Attack(
        "all memory", header(shape: "(1152921504606846975,)"), .truncated,
        "needs 4611686018427387900"),
    Attack("an order that is a number", header(order: "1"), .malformed, "has the header"),
]

@Suite("Hostile archives")
struct HostileArchiveTests {
    @Test("A hostile archive is refused with its own error", arguments: containerAttacks)
    func containers(attack: Attack) throws { try attack.check(as: "params.npz", read) }

    @Test("A hostile array is refused with its own error", arguments: arrayAttacks)
    func arrays(attack: Attack) throws { try attack.check(as: "params.npz", read) }

    @Test("The archive that the attacks change is read")
    func honestArchive() throws {
        let folder = try TemporaryFolder()
        for bytes in [
            ForgedArchive([honest]).bytes, squeezed(deflated(array)) { $0.checksum = right },
        ] {
            let archive = try NumpyArchive(path: folder.write(bytes, as: "honest.npz"))
            #expect(try archive.tensor("a").values == [0, 0])
        }
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(containerAttacks.count >= 40 && arrayAttacks.count >= 20) }

    /// Reads everything there is.
    private func read(_ path: String) throws {
        let archive = try NumpyArchive(path: path)
        for name in archive.arrayNames { _ = try archive.tensor(name).values }
    }
}

/// The checksum of the array.
private let right = array.withUnsafeBytes { crc32(of: $0) }
