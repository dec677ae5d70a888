import Basics
import Yams

/// Reads a YAML text into a tree.
///
/// Aliases are written out; a text whose aliases or nesting grow without measure is refused.
///
/// - Throws: ``FormatError`` with file, line and what is wrong.
public func yamlTree(_ text: String, source: String) throws(FormatError) -> JSON {
    try Array(text.utf8).withUnsafeBufferPointer { bytes in
        Result { () throws(FormatError) in try YAMLComposer.tree(of: bytes, source: source) }
    }.get()
}

/// A plain word by YAML's rules: null, truth, number, else text.
public func yamlScalar(_ word: String) -> JSON {
    switch word {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    if let integer = Int(word) { return .integer(integer) }
    // Words of other characters, such as `-inf` or `0x1p3`, are numbers in Swift alone.
    // So is one beyond all floats, which would become infinite.
    if word.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let number = Double(word),
        number.isFinite
    {
        return .number(number)
    }
    return .string(word)
}

/// Writes a tree as YAML.
public func yamlText(of json: JSON) throws(FormatError) -> String {
    do { return try Yams.serialize(node: node(of: json), width: -1, allowUnicode: true) } catch {
        throw FormatError(.malformed, "A tree cannot be written as YAML: \(error)")
    }
}

/// The node of a tree; texts that look like other scalars are quoted.
private func node(of json: JSON) -> Node {
    switch json {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node(value ? "true" : "false", Tag(.bool))
    case .integer(let value): Node(String(value), Tag(.int))
    case .number(let value): Node(value.description, Tag(.float))
    case .string(let text):
        switch yamlScalar(text) {
        case .string: Node(text, Tag(.str))
        default: Node(text, Tag(.str), .singleQuoted)
        }
    case .array(let elements): Node(elements.map { node(of: $0) }, Tag(.seq))
    case .object(let members):
        Node(members.map { (Node($0.key, Tag(.str)), node(of: $0.value)) }, Tag(.map))
    }
}
