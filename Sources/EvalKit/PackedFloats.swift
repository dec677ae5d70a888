import Foundation

/// Numbers as base64 text of their `float32` bytes: every bit survives a journal, and it is half as
/// long as digits.
public struct PackedFloats: Codable, Sendable, Equatable {
    /// The numbers, to the bit.
    public var values: [Float]

    /// Takes numbers as they are; they are packed when they are encoded.
    public init(_ values: [Float]) { self.values = values }

    public init(from decoder: any Decoder) throws {
        let data = try decoder.singleValueContainer().decode(Data.self)
        guard data.count % 4 == 0 else {
            throw EvaluationError(
                .damagedPartial,
                "The numbers in a partial result take \(data.count) bytes, not a multiple of 4")
        }
        values = data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { offset in
                let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: bits))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        let bits = values.map(\.bitPattern.littleEndian)
        var container = encoder.singleValueContainer()
        try container.encode(bits.withUnsafeBytes { Data($0) })
    }

    /// Whether all bits agree, those of numbers that are not numbers included.
    public static func == (first: PackedFloats, second: PackedFloats) -> Bool {
        first.values.map(\.bitPattern) == second.values.map(\.bitPattern)
    }
}
