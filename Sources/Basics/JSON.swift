/// A JSON value that keeps the order of keys and the exact bytes of strings.
///
/// Foundation's decoder is not used where bytes count: it folds keys that are canonically equal,
/// which loses entries of a tokenizer's vocabulary.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([JSONMember])

    /// Parses one JSON text. `NaN`, `Infinity` and `-Infinity` are accepted, as Python writes them.
    ///
    /// - Parameter source: the name of the text in messages, such as a path.
    /// - Throws: ``BasicsError`` with the byte position of the fault. Depth is limited to 200.
    public init(parsing bytes: UnsafeRawBufferPointer, source: String) throws(BasicsError) {
        var parser = JSONParser(bytes: bytes, source: source)
        self = try parser.document()
    }

    /// Parses one JSON text.
    public init(parsing bytes: [UInt8], source: String) throws(BasicsError) {
        let outcome = bytes.withUnsafeBytes { raw in
            Result { () throws(BasicsError) in try JSON(parsing: raw, source: source) }
        }
        self = try outcome.get()
    }

    /// Parses a JSON file.
    public init(file path: String) throws(BasicsError) {
        let file = try MappedFile(path: path)
        let outcome = file.withBytes { raw in
            Result { () throws(BasicsError) in try JSON(parsing: raw, source: path) }
        }
        self = try outcome.get()
    }

    /// An object from pairs in the order given.
    public static func object(_ pairs: KeyValuePairs<String, JSON>) -> JSON {
        .object(pairs.map { JSONMember(key: $0.key, value: $0.value) })
    }
}

/// One entry of a JSON object.
public struct JSONMember: Sendable {
    /// Its name in the object.
    public var key: String
    /// What stands behind the name.
    public var value: JSON

    /// Pairs a name with its value.
    public init(key: String, value: JSON) { (self.key, self.value) = (key, value) }
}

// MARK: - Reading

extension JSON {
    /// The value under a key of an object; nil when absent or when this is no object.
    public subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// The entries of an object.
    public var members: [JSONMember]? {
        if case .object(let members) = self { members } else { nil }
    }
    /// The elements of an array.
    public var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    /// The text of a string.
    public var text: String? { if case .string(let text) = self { text } else { nil } }
    /// The truth value.
    public var truth: Bool? { if case .bool(let truth) = self { truth } else { nil } }
    /// Whether this is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }
    /// An integer; a number without fraction counts.
    public var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }
    /// A number.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

// MARK: - Writing

extension JSON {
    /// The text as Python's `json.dumps` writes it: non-ASCII escaped, `NaN` and `Infinity` bare.
    ///
    /// - Parameters:
    ///   - indent: spaces of one level; nil writes one line.
    ///   - level: how many levels the text is inside others.
    public func text(indent: Int? = nil, level: Int = 0) -> String {
        var text = ""
        write(to: &text, indent: indent, level: level)
        return text
    }

    private func write(to text: inout String, indent: Int?, level: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += JSON.text(of: value)
        case .string(let value): JSON.write(value, to: &text)
        case .array(let elements):
            JSON.writeList("[", "]", elements.count, to: &text, indent: indent, level: level) {
                index, text in
                elements[index].write(to: &text, indent: indent, level: level + 1)
            }
        case .object(let members):
            JSON.writeList("{", "}", members.count, to: &text, indent: indent, level: level) {
                index, text in
                JSON.write(members[index].key, to: &text)
                text += ": "
                members[index].value.write(to: &text, indent: indent, level: level + 1)
            }
        }
    }

    /// A number as Python's `repr` writes it: without an exponent below 1e16, where Swift begins at
    /// 2^53.
    private static func text(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value.magnitude > 0x1p53, value.magnitude < 1e16 { return "\(Int(value)).0" }
        return value.description
    }

    private static func writeList(
        _ open: String, _ close: String, _ count: Int, to text: inout String, indent: Int?,
        level: Int,
        element: (Int, inout String) -> Void
    ) {
        text += open
        for index in 0..<count {
            if index > 0 { text += indent == nil ? ", " : "," }
            if let indent { text += "\n" + String(repeating: " ", count: indent * (level + 1)) }
            element(index, &text)
        }
        if let indent, count > 0 { text += "\n" + String(repeating: " ", count: indent * level) }
        text += close
    }

    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for unit in value.utf16 {
            switch unit {
            case 0x22: text += "\\\""
            case 0x5C: text += "\\\\"
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            case 0x08: text += "\\b"
            case 0x0C: text += "\\f"
            case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        text += "\""
    }
}
