import CXXHash

/// A 128-bit hash of content: equal bytes give equal keys, on every machine.
///
/// - Source: XXH3 128 of the xxHash library; not for secrets.
public struct ContentHash: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The hash as 32 hexadecimal digits.
    public let hex: String

    /// Takes a hash that was written down.
    ///
    /// - Parameter hex: 32 hexadecimal digits; they are not checked.
    public init(hex: String) { self.hex = hex }

    public init(from decoder: any Decoder) throws {
        hex = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    public var description: String { hex }

    /// The first sixteen digits, for file names.
    public var short: String { String(hex.prefix(16)) }

    /// The hash of some bytes.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> ContentHash {
        ContentHash(XXH3_128bits(bytes.baseAddress, bytes.count))
    }

    /// The hash of some bytes.
    public static func of(_ bytes: [UInt8]) -> ContentHash { bytes.withUnsafeBytes { of($0) } }

    /// The hash of a text's UTF-8.
    public static func of(_ text: String) -> ContentHash { of(Array(text.utf8)) }

    /// The hash of named parts; order and names count.
    public static func of(parts: [(name: String, value: String)]) -> ContentHash {
        of(
            parts.map { "\($0.name.utf8.count):\($0.name)=\($0.value.utf8.count):\($0.value);" }
                .joined())
    }

    /// The hash of a file's bytes, read through a memory map of which one piece is held at a time.
    public static func of(file path: String) throws -> ContentHash {
        let file = try MappedFile(path: path)
        return file.withBytes { bytes in
            guard bytes.count > pieceBytes, let state = XXH3_createState() else { return of(bytes) }
            defer { XXH3_freeState(state) }
            XXH3_128bits_reset(state)
            for first in stride(from: 0, to: bytes.count, by: pieceBytes) {
                let piece = UnsafeRawBufferPointer(
                    rebasing: bytes[first..<min(bytes.count, first + pieceBytes)])
                XXH3_128bits_update(state, piece.baseAddress, piece.count)
                if let start = piece.baseAddress {
                    file.releasePages(from: start, byteCount: piece.count)
                }
            }
            return ContentHash(XXH3_128bits_digest(state))
        }
    }

    /// Bytes of a file that are hashed before their pages are given back.
    private static let pieceBytes = 16 << 20

    /// The digits of a hash.
    private init(_ value: XXH128_hash_t) {
        self.init(hex: hexadecimal(value.high64) + hexadecimal(value.low64))
    }
}

/// A 64-bit checksum of bytes, for blocks and journal lines.
public func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    XXH3_64bits(bytes.baseAddress, bytes.count)
}

/// Sixteen lower-case hexadecimal digits.
public func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
