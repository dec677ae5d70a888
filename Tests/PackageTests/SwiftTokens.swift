/// One token of Swift source; comments and the texts of string literals are left out.
struct SwiftToken: Equatable, Sendable {
    /// What a token is.
    enum Kind: Sendable {
        /// A name or a keyword, such as `let`, `x`, `$0`.
        case word
        /// One character of punctuation or of an operator.
        case symbol
        /// A whole string literal; what it interpolates follows as tokens of its own.
        case string
    }

    var kind: Kind
    /// A string literal is told as `"`.
    var text: String
    /// Counted from 1.
    var line: Int
    /// Whether nothing, not even a space, stands between this token and the one before.
    var isGlued: Bool
    /// Whether a documentation comment stands right before it.
    var isDocumented: Bool
}

/// Cuts Swift source into tokens.
///
/// It knows comments (nested too), string literals of every form with their interpolations, regular
/// expressions between `#/` and `/#` (not those between bare slashes), and names in backticks.
struct SwiftLexer {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var isGlued = false
    private var isDocumented = false
    private var tokens: [SwiftToken] = []

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// The tokens of a source text.
    static func tokens(of text: String) -> [SwiftToken] {
        var lexer = SwiftLexer(text)
        lexer.readCode(isInterpolation: false)
        return lexer.tokens
    }

    /// The byte some steps ahead; 0 behind the end.
    private func peek(_ ahead: Int = 0) -> UInt8 {
        index + ahead < bytes.count ? bytes[index + ahead] : 0
    }

    /// Whether the bytes that come next are the ones of a text.
    private func isNext(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            index + wanted.count <= bytes.count
                && wanted.indices.allSatisfy { bytes[index + $0] == wanted[$0] }
        }
    }

    /// Steps over a byte that is no token, and counts lines.
    private mutating func skip() {
        if peek() == UInt8(ascii: "\n") { line += 1 }
        index += 1
        isGlued = false
    }

    private mutating func append(_ kind: SwiftToken.Kind, _ text: String) {
        tokens.append(
            SwiftToken(
                kind: kind, text: text, line: line, isGlued: isGlued, isDocumented: isDocumented))
        (isGlued, isDocumented) = (true, false)
    }

    /// Reads to the end, or to the parenthesis that closes an interpolation.
    private mutating func readCode(isInterpolation: Bool) {
        var depth = isInterpolation ? 1 : 0
        while index < bytes.count {
            let byte = peek()
            if byte <= UInt8(ascii: " ") {
                skip()
            } else if isNext("//") {
                readLineComment()
            } else if isNext("/*") {
                readBlockComment()
            } else if let hashes = hashesOfString() {
                readString(hashes: hashes)
            } else if isNext("#/") {
                readExpression()
            } else if Self.isOfName(byte) {
                readName()
            } else {
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") {
                    depth -= 1
                    if isInterpolation && depth == 0 {
                        index += 1
                        return
                    }
                }
                append(.symbol, String(UnicodeScalar(byte)))
                index += 1
            }
        }
    }

    /// Letters, digits, `_`, `$`, backticks and all that is not ASCII.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"),
            UInt8(ascii: "`"), 0x80...:
            true
        default: false
        }
    }

    private mutating func readName() {
        let start = index
        while index < bytes.count, Self.isOfName(bytes[index]) { index += 1 }
        let name = bytes[start..<index].filter { $0 != UInt8(ascii: "`") }
        append(.word, String(decoding: name, as: UTF8.self))
    }

    private mutating func readLineComment() {
        if isNext("///") { isDocumented = true }
        while index < bytes.count, peek() != UInt8(ascii: "\n") { skip() }
    }

    private mutating func readBlockComment() {
        if isNext("/**") { isDocumented = true }
        var depth = 0
        repeat {
            if isNext("/*") {
                depth += 1
                skip()
            } else if isNext("*/") {
                depth -= 1
                skip()
            }
            skip()
        } while depth > 0 && index < bytes.count
    }

    /// How many `#` stand before the quote of a string literal that begins here; nil when none does.
    private func hashesOfString() -> Int? {
        var hashes = 0
        while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
        return peek(hashes) == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func readString(hashes: Int) {
        append(.string, "\"")
        index += hashes
        let quotes = isNext("\"\"\"") ? 3 : 1
        index += quotes
        while index < bytes.count {
            if isRun(of: "\"", quotes, then: hashes) {
                index += quotes + hashes
                break
            }
            guard isRun(of: "\\", 1, then: hashes) else {
                skip()
                continue
            }
            index += 1 + hashes
            let isInterpolation = peek() == UInt8(ascii: "(")
            skip()
            if isInterpolation { readCode(isInterpolation: true) }
        }
        isGlued = true
    }

    private mutating func readExpression() {
        append(.string, "\"")
        repeat { skip() } while index < bytes.count && !isNext("/#")
        index += 2
    }

    /// Whether a character stands here so many times, and behind it so many `#`.
    private func isRun(of character: Unicode.Scalar, _ count: Int, then hashes: Int) -> Bool {
        (0..<count).allSatisfy { peek($0) == UInt8(ascii: character) }
            && (count..<count + hashes).allSatisfy { peek($0) == UInt8(ascii: "#") }
    }
}
