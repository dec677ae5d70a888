import EvalKit
import Foundation
import Testing

struct PackedCountsTests {
    @Test(
        "Counts survive packing",
        arguments: [
            [], [0], [0, 1, 127, 128, 255, 16_383, 16_384, 1 << 31, 1 << 40, Int.max],
            [Int](repeating: 3, count: 999),
        ])
    func roundTrip(_ counts: [Int]) throws {
        let data = try JSONEncoder().encode(PackedCounts(counts))
        #expect(try JSONDecoder().decode(PackedCounts.self, from: data).counts == counts)
    }

    @Test("Small counts take one byte each")
    func size() throws {
        let data = try JSONEncoder().encode(PackedCounts([Int](repeating: 100, count: 3000)))
        #expect(data.count == 4002)
    }

    /// Bytes that no counts pack to: a count without end, one that is cut, and one beyond 63 bits.
    static let damaged: [[UInt8]] = [
        [UInt8](repeating: 0x80, count: 20), [5, 0x80], [0xFF],
        [UInt8](repeating: 0xFF, count: 9) + [1],
    ]

    @Test("Damaged bytes are refused", arguments: damaged)
    func damage(_ bytes: [UInt8]) throws {
        let text = "\"\(Data(bytes).base64EncodedString())\""
        #expect(throws: EvaluationError.self) {
            try JSONDecoder().decode(PackedCounts.self, from: Data(text.utf8))
        }
    }

    @Test("Text that is no base64 is refused", arguments: ["\"%%%\"", "5", "null", "[1]"])
    func notBase64(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(PackedCounts.self, from: Data(text.utf8))
        }
    }
}
