/// What the patterns of pre-tokenizers distinguish among Unicode scalars.
enum CharacterClass: UInt8 {
    /// General categories `L*`, `\p{L}`.
    case letter
    /// General categories `N*`, `\p{N}`.
    case number
    /// White space other than the line ends, `\s`.
    case space
    /// Carriage return and line feed.
    case lineEnd
    /// Everything else.
    case other

    /// The class of a scalar.
    static func of(_ scalar: Unicode.Scalar) -> CharacterClass {
        scalar.value < 0x10000 ? table[Int(scalar.value)] : computed(scalar)
    }

    /// Whether `\s` matches.
    var isSpace: Bool { self == .space || self == .lineEnd }

    /// The classes of the basic plane, which text is mostly made of.
    private static let table: [CharacterClass] = (0..<0x10000).map { value in
        Unicode.Scalar(UInt32(value)).map(computed) ?? .other
    }

    /// The class of a scalar from its Unicode properties.
    private static func computed(_ scalar: Unicode.Scalar) -> CharacterClass {
        if scalar == "\r" || scalar == "\n" { return .lineEnd }
        if scalar.properties.isWhitespace { return .space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            return .number
        default:
            return .other
        }
    }
}

extension Unicode.Scalar {
    /// Whether `\w` of the Rust `regex` crate matches, which decides where a single word ends.
    var isWordPart: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default:
            return false
        }
    }
}
