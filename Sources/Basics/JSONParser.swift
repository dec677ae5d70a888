/// A bounded recursive-descent parser of JSON bytes.
struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    let source: String
    private var position = 0
    private static let deepest = 200

    init(bytes: UnsafeRawBufferPointer, source: String) {
        (self.bytes, self.source) = (bytes, source)
    }

    mutating func document() throws(BasicsError) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw fault("text after the end of the value") }
        return value
    }

    private func fault(_ what: String) -> BasicsError {
        BasicsError(
            .malformed, "\(source) is not valid JSON: \(what) at byte \(position)",
            advice: "check that the file is complete")
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
            position += 1
        }
    }

    private mutating func value(depth: Int) throws(BasicsError) -> JSON {
        guard depth < Self.deepest else { throw fault("more than \(Self.deepest) nested levels") }
        skipSpace()
        guard position < bytes.count else { throw fault("the text ends early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "N"): return try word("NaN", .number(.nan))
        case UInt8(ascii: "I"): return try word("Infinity", .number(.infinity))
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(BasicsError) -> JSON {
        let length = text.utf8CodeUnitCount
        guard bytes.count - position >= length else { throw fault("the text ends early") }
        for index in 0..<length where bytes[position + index] != text.utf8Start[index] {
            throw fault("unknown word")
        }
        position += length
        return value
    }

    private mutating func object(depth: Int) throws(BasicsError) -> JSON {
        position += 1
        var members: [JSONMember] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw fault("a key is missing")
            }
            let key = try string()
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
                throw fault("a colon is missing")
            }
            position += 1
            members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
            if try listEnds(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array(depth: Int) throws(BasicsError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth + 1))
            if try listEnds(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func listEnds(with close: UInt8) throws(BasicsError) -> Bool {
        skipSpace()
        guard position < bytes.count else { throw fault("the text ends early") }
        let byte = bytes[position]
        guard byte == close || byte == UInt8(ascii: ",") else { throw fault("a comma is missing") }
        position += 1
        return byte == close
    }

    private mutating func number() throws(BasicsError) -> JSON {
        let start = position
        var isInteger = true
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isInteger = false
            case UInt8(ascii: "I") where position == start + 1 && bytes[start] == UInt8(ascii: "-"):
                return try word("Infinity", .number(-.infinity))
            default:
                return try number(from: start, isInteger: isInteger)
            }
            position += 1
        }
        return try number(from: start, isInteger: isInteger)
    }

    private func number(from start: Int, isInteger: Bool) throws(BasicsError) -> JSON {
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard Self.isNumber(text.utf8) else { throw fault("not a number: `\(text.prefix(40))`") }
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw fault("not a number: `\(text.prefix(40))`") }
        return .number(value)
    }

    /// Whether a text is a number by the grammar of JSON, which is stricter than Swift's.
    private static func isNumber(_ text: String.UTF8View) -> Bool {
        var rest = text[...]
        func takeDigits() -> Int {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = takeDigits()
        guard whole == 1 || (whole > 1 && !startsWithZero) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard takeDigits() > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
                rest.removeFirst()
            }
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private mutating func string() throws(BasicsError) -> String {
        position += 1
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
            bytes[position] != UInt8(ascii: "\\")
        {
            try checkIsNoControl(bytes[position])
            position += 1
        }
        guard position < bytes.count else { throw fault("a string has no end") }
        if bytes[position] == UInt8(ascii: "\"") {
            position += 1
            return try text(of: Array(bytes[start..<(position - 1)]))
        }
        var content = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return try text(of: content) }
            if byte == UInt8(ascii: "\\") {
                try escape(into: &content)
            } else {
                try checkIsNoControl(byte)
                content.append(byte)
            }
        }
        throw fault("a string has no end")
    }

    private func text(of content: [UInt8]) throws(BasicsError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw fault("text that is not UTF-8")
        }
        return text
    }

    /// Throws for control characters, which a string holds as escapes alone.
    private func checkIsNoControl(_ byte: UInt8) throws(BasicsError) {
        guard byte >= 0x20 else { throw fault("a control character within a string") }
    }

    private mutating func escape(into content: inout [UInt8]) throws(BasicsError) {
        guard position < bytes.count else { throw fault("a string has no end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "u"):
            var scalar = try hexadecimalUnit()
            if (0xD800..<0xDC00).contains(scalar), position + 1 < bytes.count,
                bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
            {
                let mark = position
                position += 2
                let low = try hexadecimalUnit()
                if (0xDC00..<0xE000).contains(low) {
                    scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = mark
                }
            }
            let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
            content.append(contentsOf: Array(String(Character(character)).utf8))
        default: throw fault("unknown escape")
        }
    }

    private mutating func hexadecimalUnit() throws(BasicsError) -> UInt32 {
        guard bytes.count - position >= 4 else { throw fault("the text ends early") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw fault("unknown escape")
            }
            unit = unit * 16 + UInt32(digit)
            position += 1
        }
        return unit
    }
}
