import Foundation
import Testing

@testable import Basics

struct ContentHashTests {
    @Test("Hashes are those of the xxHash library")
    func published() {
        #expect(ContentHash.of("").hex == "99aa06d3014798d86001c324468d497f")
        #expect([UInt8]().withUnsafeBytes { checksum(of: $0) } == 0x2D06_8005_38D3_94C2)
    }

    @Test(
        "Parts that differ in any name, value, place or border differ in hash",
        arguments: [
            [("a", "1")], [("a", "2")], [("b", "1")], [], [("a", "1"), ("b", "2")],
            [("b", "2"), ("a", "1")],
            [("a", "1;1:b=1:2")], [("a", "")], [("", "a")], [("", ""), ("", "")], [("a=1:", "1")],
        ] as [[(name: String, value: String)]])
    func parts(_ parts: [(name: String, value: String)]) {
        let base = [(name: "a", value: "1"), (name: "c", value: "3")]
        #expect(ContentHash.of(parts: parts) != ContentHash.of(parts: base))
        #expect(ContentHash.of(parts: parts) == ContentHash.of(parts: parts))
    }

    @Test("A file has the hash of its bytes", arguments: [0, 1, 17, 4096, 100_001])
    func file(count: Int) throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try writeFile(bytes, to: folder.file("a"))
        #expect(try ContentHash.of(file: folder.file("a")) == ContentHash.of(bytes))
    }

    @Test("A hash is coded as its digits")
    func coding() throws {
        let hash = ContentHash.of("text")
        let data = try JSONEncoder().encode([hash])
        #expect(String(decoding: data, as: UTF8.self) == "[\"\(hash.hex)\"]")
        #expect(try JSONDecoder().decode([ContentHash].self, from: data) == [hash])
        #expect(hash.short == String(hash.hex.prefix(16)))
    }

    @Test(
        "Hexadecimal numbers have sixteen digits",
        arguments: [(0, "0000000000000000"), (255, "00000000000000ff"), (.max, "ffffffffffffffff")]
            as [(UInt64, String)])
    func digits(value: UInt64, text: String) { #expect(hexadecimal(value) == text) }
}
