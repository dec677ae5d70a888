import Foundation

/// Counts as base64 text of variable-length integers: small in a journal, since most counts are
/// small.
public struct PackedCounts: Codable, Sendable, Equatable {
    /// The numbers, none of them below 0.
    public var counts: [Int]

    /// Takes numbers as they are; they are packed when they are encoded.
    public init(_ counts: [Int]) { self.counts = counts }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let data = try container.decode(Data.self)
        counts = []
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in data {
            guard shift < 63 else {
                throw EvaluationError(.damagedPartial, "A count in a partial result is too long")
            }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 {
                counts.append(Int(value))
                (value, shift) = (0, 0)
            } else {
                shift += 7
            }
        }
        guard shift == 0 else {
            throw EvaluationError(.damagedPartial, "The counts in a partial result are cut short")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var bytes = Data()
        for count in counts {
            precondition(count >= 0)
            var value = UInt64(count)
            while value >= 0x80 {
                bytes.append(UInt8(value & 0x7F) | 0x80)
                value >>= 7
            }
            bytes.append(UInt8(value))
        }
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}
