/// The printable characters that stand for bytes in the vocabularies of byte-level tokenizers.
///
/// - Source: `bytes_to_unicode` of GPT-2: printable Latin-1 bytes stand for themselves, the others
///   for U+0100 and up in order.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).map { byte in
            if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte)
                || (0xAE...0xFF).contains(byte)
            {
                return Unicode.Scalar(UInt8(byte))
            }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? " "
        }
    }()

    /// The UTF-8 of the character of each byte.
    static let spellings: [[UInt8]] = scalars.map { Array(String(Character($0)).utf8) }

    /// The byte of each character.
    private static let bytes: [UInt32: UInt8] = Dictionary(
        uniqueKeysWithValues: scalars.enumerated().map { ($1.value, UInt8($0)) })

    /// The bytes that a token's characters stand for; nil when a character stands for none.
    static func bytes(spelledBy token: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(token.count)
        var index = 0
        let text = token[...]
        while index < token.count {
            let (scalar, length) = text.scalar(at: index)
            guard let byte = bytes[scalar.value] else { return nil }
            result.append(byte)
            index += length
        }
        return result
    }
}
