import Formats
import Testing

/// A safetensors file of a header and some data.
private func file(_ header: String, data: Int = 16, declared: UInt64? = nil) -> [UInt8] {
    file(Array(header.utf8), data: data, declared: declared)
}

/// A safetensors file of the bytes of a header and some data.
private func file(_ header: [UInt8], data: Int = 16, declared: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (declared ?? UInt64(header.count)).littleEndian) { Array($0) } + header
        + [UInt8](repeating: 0, count: data)
}

/// A header of one tensor.
private func tensor(
    dtype: String = #""F32""#, shape: String = "[4]", offsets: String = "[0, 16]"
) -> String {
    #"{"a": {"dtype": \#(dtype), "shape": \#(shape), "data_offsets": \#(offsets)}}"#
}

/// A header whose only tensor has these entries.
private func entries(_ text: String) -> [UInt8] { file("{\"a\": \(text)}") }

/// Some brackets within each other.
private func nested(_ open: String, _ close: String, _ count: Int) -> String {
    String(repeating: open, count: count) + String(repeating: close, count: count)
}

private let attacks: [Attack] = [
    Attack("nothing", [], .truncated, "0 bytes of the 8"),
    Attack("a cut length", [1, 0, 0, 0, 0, 0, 0], .truncated, "7 bytes of the 8"),
    Attack("no header", [2, 0, 0, 0, 0, 0, 0, 0], .truncated, "the header is 2 bytes long"),
    Attack("the longest length", file("{}", declared: .max), .truncated, "18446744073709551615"),
    Attack("a negative length", file("{}", declared: 1 << 63), .truncated, "9223372036854775808"),
    Attack("a length past the end", file("{}", data: 0, declared: 3), .truncated, "3 bytes long"),
    Attack("an empty header", file(""), .malformed, "0 bytes is not JSON"),
    Attack("a length that cuts the header", file(tensor(), declared: 20), .malformed, "not JSON"),
    Attack(
        "a length into the data",
        file(tensor(), data: 16, declared: UInt64(tensor().utf8.count + 8)), .malformed, "not JSON"),
    Attack("zeros", [UInt8](repeating: 0, count: 100), .malformed, "not JSON"),
    Attack("a list", file("[]"), .malformed, "not a JSON object"),
    Attack("a number", file("1"), .malformed, "not a JSON object"),
    Attack(
        "bad UTF-8 in a name", file(Array("{\"".utf8) + [0xFF] + Array("\": 1}".utf8)), .malformed,
        "not JSON"),
    Attack(
        "an overlong NUL in a name", file(Array("{\"".utf8) + [0xC0, 0x80] + Array("\": 1}".utf8)),
        .malformed, "not JSON"),
    Attack(
        "a raw NUL in a name", file(Array("{\"a".utf8) + [0] + Array("\": 1}".utf8)), .malformed,
        "not JSON"),
    Attack(
        "many open brackets", file(String(repeating: "[", count: 100_000)), .malformed,
        "not JSON"),
    Attack(
        "many open objects", file(String(repeating: "{\"a\":", count: 100_000)), .malformed,
        "not JSON"),
    Attack(
        "a shape of nested lists", file(tensor(shape: nested("[", "]", 150))), .malformed,
        "has the shape [["),
    Attack("text behind the object", file("{}{}"), .malformed, "not JSON"),
    Attack("a comment", file("{} // no"), .malformed, "not JSON"),
    Attack("an entry that is no object", entries("1"), .malformed, "has no dtype"),
    Attack("an entry that is null", entries("null"), .malformed, "has no dtype"),
    Attack(
        "no dtype", entries(#"{"shape": [4], "data_offsets": [0, 16]}"#), .malformed, "has no dtype"
    ),
    Attack(
        "no shape", entries(#"{"dtype": "F32", "data_offsets": [0, 16]}"#), .malformed,
        "the shape null"),
    Attack(
        "no offsets", entries(#"{"dtype": "F32", "shape": [4]}"#), .malformed,
        "the data_offsets null"),
    Attack("a dtype that is a number", file(tensor(dtype: "32")), .malformed, "has no dtype"),
    Attack(
        "a dtype that nobody knows", file(tensor(dtype: #""F4""#)), .unsupported,
        "unknown dtype `F4`"),
    Attack(
        "a dtype with a NUL", file(tensor(dtype: #""F32\u0000""#)), .unsupported, "unknown dtype"),
    Attack("a negative axis", file(tensor(shape: "[-4]")), .malformed, "has the shape [-4]"),
    Attack(
        "an axis that is no integer", file(tensor(shape: "[4.5]")), .malformed, "the shape [4.5]"),
    Attack("an axis that is a text", file(tensor(shape: #"["4"]"#)), .malformed, "the shape"),
    Attack("an axis that is true", file(tensor(shape: "[true]")), .malformed, "the shape [true]"),
    Attack("an axis of 1e400", file(tensor(shape: "[1e400]")), .malformed, "the shape [Infinity]"),
    Attack(
        "an axis beyond 64 bits", file(tensor(shape: "[18446744073709551620]")), .malformed,
        "the shape"),
    Attack(
        "a product beyond 64 bits", file(tensor(shape: "[4294967296, 4294967297]")), .malformed,
        "the shape"),
    Attack(
        "a product that wraps to 16 bytes", file(tensor(shape: "[4611686018427387908]")),
        .malformed, "the shape"),
    Attack(
        "a product that a zero hides",
        file(tensor(shape: "[0, 4294967296, 4294967296]", offsets: "[0, 0]")), .malformed,
        "the shape"),
    Attack(
        "many axes",
        file(tensor(shape: "[" + String(repeating: "1,", count: 100_000) + "4]")), .malformed,
        "the shape [1, 1"),
    Attack(
        "65 axes", file(tensor(shape: "[" + String(repeating: "1,", count: 64) + "4]")), .malformed,
        "the shape [1"),
    Attack(
        "a shape that is too large", file(tensor(shape: "[5]")), .malformed,
        "span 16 bytes, shape [5] of F32 needs 20"),
    Attack(
        "a shape that is too small", file(tensor(shape: "[3]")), .malformed,
        "shape [3] of F32 needs 12"),
    Attack(
        "offsets behind the file", file(tensor(offsets: "[8, 24]")), .truncated, "ends at byte 24"),
    Attack(
        "offsets that wrap", file(tensor(offsets: "[9223372036854775791, 9223372036854775807]")),
        .truncated, "9223372036854775807"),
    Attack(
        "offsets that run backwards", file(tensor(offsets: "[16, 0]")), .malformed,
        "data_offsets [16, 0]"),
    Attack(
        "a negative offset", file(tensor(offsets: "[-16, 0]")), .malformed, "data_offsets [-16, 0]"),
    Attack(
        "an offset into the header", file(tensor(offsets: "[-8, 8]")), .malformed,
        "data_offsets [-8, 8]"),
    Attack("one offset", file(tensor(offsets: "[16]")), .malformed, "data_offsets [16]"),
    Attack(
        "three offsets", file(tensor(offsets: "[0, 8, 16]")), .malformed, "data_offsets [0, 8, 16]"),
    Attack(
        "offsets with fractions", file(tensor(offsets: "[0, 16.0]")), .malformed, "data_offsets"),
    Attack(
        "two tensors of one name", file(tensor().dropLast() + ", " + tensor().dropFirst()),
        .malformed, "`a` is declared twice"),
    Attack(
        "one name written in two ways",
        file(
            tensor().dropLast() + ", " + tensor().dropFirst().replacing("\"a\"", with: #""\u0061""#)
        ), .malformed, "`a` is declared twice"),
    Attack(
        "tensors that overlap",
        file(
            tensor().dropLast() + ", "
                + tensor(offsets: "[12, 28]").dropFirst().replacing("\"a\"", with: "\"b\""),
            data: 28), .malformed, "tensors `a` and `b` overlap"),
    Attack(
        "metadata that is a list", file(#"{"__metadata__": [1]}"#), .malformed, "`__metadata__`"),
    Attack(
        "metadata of numbers", file(#"{"__metadata__": {"a": 1}}"#), .malformed, "`__metadata__`"),
    Attack(
        "metadata with a key twice", file(#"{"__metadata__": {"a": "1", "a": "2"}}"#), .malformed,
        "`__metadata__`"),
]

@Suite("Hostile safetensors")
struct HostileSafetensorsTests {
    @Test("A hostile file is refused with its own error", arguments: attacks)
    func refused(attack: Attack) throws {
        try attack.check(as: "model.safetensors") { path in
            let file = try SafetensorsFile(path: path)
            for name in file.tensorNames { _ = try file.tensor(name).values }
        }
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(attacks.count >= 40) }
}
