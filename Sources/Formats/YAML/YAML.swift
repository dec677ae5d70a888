import Basics
import Yams

/// Reads a YAML text into a tree.
///
/// Aliases are written out; a text whose aliases or nesting grow without measure is refused.
///
/// - Throws: ``FormatError`` with file, line and what is wrong.
public func yamlTree(_ text: String, source: String) throws(FormatError) -> JSON {
    var reader = NodeReader(source: source)
    do {
        guard let node = try Yams.compose(yaml: text) else { return .object([JSONMember]()) }
        return try reader.json(of: node, depth: 0)
    } catch let error as FormatError {
        throw error
    } catch {
        let reason = (error as? YamlError).map(reason(of:)) ?? "\(error)"
        throw FormatError(
            .malformed, "\(source) is not valid YAML: \(reason)", advice: "correct that line")
    }
}

/// A word by YAML's rules: null, truth, number, else text.
public func yamlScalar(_ word: String) -> JSON { value(of: Node.Scalar(word)) }

/// Place and problem on one line, without the text around it.
private func reason(of error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        "line \(mark.line), column \(mark.column): \(problem)"
    case .duplicatedKeysInMapping(let keys, _):
        "`\(keys.sorted().joined(separator: "`, `"))` stands twice"
    default: "\(error)".split(separator: "\n").joined(separator: " ")
    }
}

/// Writes a tree as YAML.
public func yamlText(of json: JSON) throws(FormatError) -> String {
    do { return try Yams.serialize(node: node(of: json), width: -1, allowUnicode: true) } catch {
        throw FormatError(.malformed, "A tree cannot be written as YAML: \(error)")
    }
}

/// Turns nodes into JSON and counts them.
private struct NodeReader {
    /// What is read, for messages.
    let source: String
    /// Nodes read.
    private var nodes = 0
    /// More values than any config has.
    private static let mostNodes = 100_000
    /// More nesting than any config has.
    private static let deepest = 100

    /// Begins with nothing counted.
    init(source: String) { self.source = source }

    /// The tree below a node.
    mutating func json(of node: Node, depth: Int) throws -> JSON {
        nodes += 1
        guard nodes <= Self.mostNodes, depth < Self.deepest else {
            throw FormatError(
                .tooLarge,
                "\(source) holds more than \(Self.mostNodes) values or \(Self.deepest) nested "
                    + "levels, aliases written out",
                advice: "write fewer values")
        }
        switch node {
        case .scalar(let scalar): return value(of: scalar)
        case .sequence(let sequence):
            return .array(try sequence.map { try json(of: $0, depth: depth + 1) })
        case .mapping(let mapping):
            return .object(
                try mapping.map { entry in
                    guard let key = entry.key.string else {
                        throw FormatError(
                            .malformed, "\(source) has a key that is not a text",
                            advice: "write `key: value`")
                    }
                    return JSONMember(key: key, value: try json(of: entry.value, depth: depth + 1))
                })
        case .alias:
            throw FormatError(.unsupported, "\(source) has an alias", advice: "write the value out")
        }
    }
}

/// A plain scalar by YAML's rules: null, truth, number, else text. Quoted scalars are texts.
private func value(of scalar: Node.Scalar) -> JSON {
    guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
    let text = scalar.string
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    if let integer = Int(text) { return .integer(integer) }
    if let first = text.first, first.isNumber || "+-.".contains(first), let number = Double(text) {
        return .number(number)
    }
    return .string(text)
}

/// The node of a tree; texts that look like other scalars are quoted.
private func node(of json: JSON) -> Node {
    switch json {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node(value ? "true" : "false", Tag(.bool))
    case .integer(let value): Node(String(value), Tag(.int))
    case .number(let value): Node(value.description, Tag(.float))
    case .string(let text):
        switch value(of: Node.Scalar(text)) {
        case .string: Node(text, Tag(.str))
        default: Node(text, Tag(.str), .singleQuoted)
        }
    case .array(let elements): Node(elements.map { node(of: $0) }, Tag(.seq))
    case .object(let members):
        Node(members.map { (Node($0.key, Tag(.str)), node(of: $0.value)) }, Tag(.map))
    }
}
