import EvalKit
import Foundation
import Testing

struct PackedFloatsTests {
    @Test(
        "Every bit survives packing",
        arguments: [
            [], [0], [-0.0, 1, -1, .pi, .infinity, -.infinity, .leastNonzeroMagnitude],
            [Float(bitPattern: 0x7FC0_1234), .greatestFiniteMagnitude],
        ] as [[Float]])
    func roundTrip(_ values: [Float]) throws {
        let data = try JSONEncoder().encode([PackedFloats(values)])
        let decoded = try JSONDecoder().decode([PackedFloats].self, from: data)
        #expect(decoded[0].values.map(\.bitPattern) == values.map(\.bitPattern))
        #expect(decoded[0] == PackedFloats(values))
    }

    @Test("Zeros of either sign are told apart")
    func signs() { #expect(PackedFloats([0]) != PackedFloats([-0.0])) }

    @Test("A part of a number is refused", arguments: [1, 2, 3, 5])
    func damage(bytes: Int) throws {
        let text = try JSONEncoder().encode([Data(count: bytes)])
        #expect(throws: EvaluationError.self) {
            try JSONDecoder().decode([PackedFloats].self, from: text)
        }
    }
}
