import Basics
import CYaml

/// Builds the tree of a YAML text from the events of libyaml.
///
/// Yams builds trees too, and compares the keys of a mapping by everything below them: a few
/// aliases within each other as a key keep it busy for years. Here a key is a text or refused, and
/// aliases are counted as what they stand for.
struct YAMLComposer {
    /// A value and what writing it out again costs.
    private struct Composed {
        /// The value.
        var json: JSON
        /// The word of a scalar; nil for lists and mappings.
        var word: String?
        /// The values that it holds, itself included.
        var count = 1
        /// The levels of lists and mappings within it.
        var height = 0
    }

    /// More values than any config has.
    private static let mostValues = 100_000
    /// More levels than any config has.
    private static let deepest = 100

    /// What messages call the text.
    private let source: String
    /// The state of libyaml.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// The event that was read last.
    private let event: UnsafeMutablePointer<yaml_event_t>
    /// The values that have names.
    private var anchors: [String: Composed] = [:]
    /// The values so far, aliases written out.
    private var count = 0

    /// The tree of a text; an empty mapping for a text without values.
    ///
    /// - Throws: ``FormatError`` with file, line and what is wrong.
    static func tree(
        of text: UnsafeBufferPointer<UInt8>, source: String
    ) throws(FormatError) -> JSON {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        event.initialize(to: yaml_event_t())
        yaml_parser_initialize(parser)
        defer {
            yaml_event_delete(event)
            yaml_parser_delete(parser)
            event.deallocate()
            parser.deallocate()
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        var composer = YAMLComposer(source: source, parser: parser, event: event)
        return try composer.document()
    }

    /// A composer of a text that a parser has.
    private init(
        source: String, parser: UnsafeMutablePointer<yaml_parser_t>,
        event: UnsafeMutablePointer<yaml_event_t>
    ) {
        (self.source, self.parser, self.event) = (source, parser, event)
    }

    /// Reads the only document.
    private mutating func document() throws(FormatError) -> JSON {
        try next()  // The start of the stream.
        guard try next() != YAML_STREAM_END_EVENT else { return .object([JSONMember]()) }
        try next()
        let root = try value(depth: 0)
        try next()  // The end of the document.
        guard try next() == YAML_STREAM_END_EVENT else {
            throw fault("a second document begins", at: event.pointee.start_mark)
        }
        return root.json
    }

    /// Reads an event.
    @discardableResult
    private func next() throws(FormatError) -> yaml_event_type_t {
        yaml_event_delete(event)
        guard yaml_parser_parse(parser, event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it is damaged"
            throw fault(problem, at: parser.pointee.problem_mark)
        }
        return event.pointee.type
    }

    /// The value that begins with the event read last.
    private mutating func value(depth: Int) throws(FormatError) -> Composed {
        count += 1
        let mark = event.pointee.start_mark
        let data = event.pointee.data
        let composed: Composed
        let anchor: String?
        switch event.pointee.type {
        case YAML_ALIAS_EVENT:
            let name = text(data.alias.anchor) ?? ""
            guard let known = anchors[name] else {
                throw fault("the alias `\(name)` stands for nothing", at: mark)
            }
            count += known.count - 1
            (composed, anchor) = (known, nil)
        case YAML_SCALAR_EVENT:
            anchor = text(data.scalar.anchor)
            composed = try scalar(mark)
        case YAML_SEQUENCE_START_EVENT:
            anchor = text(data.sequence_start.anchor)
            try checkTag(data.sequence_start.tag, is: "seq", mark)
            try checkBounds(depth + 1)
            composed = try sequence(depth: depth)
        case YAML_MAPPING_START_EVENT:
            anchor = text(data.mapping_start.anchor)
            try checkTag(data.mapping_start.tag, is: "map", mark)
            try checkBounds(depth + 1)
            composed = try mapping(depth: depth)
        default: throw fault("a value is missing", at: mark)
        }
        try checkBounds(depth + composed.height)
        if let anchor { anchors[anchor] = composed }
        return composed
    }

    /// The elements up to the end of a list.
    private mutating func sequence(depth: Int) throws(FormatError) -> Composed {
        var elements: [JSON] = []
        var (total, height) = (1, 0)
        while try next() != YAML_SEQUENCE_END_EVENT {
            let element = try value(depth: depth + 1)
            elements.append(element.json)
            (total, height) = (total + element.count, max(height, element.height))
        }
        return Composed(json: .array(elements), word: nil, count: total, height: height + 1)
    }

    /// The entries up to the end of a mapping.
    private mutating func mapping(depth: Int) throws(FormatError) -> Composed {
        var members: [JSONMember] = []
        var keys: Set<[UInt8]> = []
        var (total, height) = (1, 0)
        while try next() != YAML_MAPPING_END_EVENT {
            let mark = event.pointee.start_mark
            guard [YAML_SCALAR_EVENT, YAML_ALIAS_EVENT].contains(event.pointee.type),
                let key = try value(depth: depth + 1).word
            else { throw fault("a key is not a text", at: mark, advice: "write `key: value`") }
            guard keys.insert(Array(key.utf8)).inserted else {
                throw fault("`\(key.prefix(100))` stands twice", at: mark)
            }
            try next()
            let member = try value(depth: depth + 1)
            members.append(JSONMember(key: key, value: member.json))
            (total, height) = (total + 1 + member.count, max(height, member.height))
        }
        return Composed(json: .object(members), word: nil, count: total, height: height + 1)
    }

    /// The scalar that was read last.
    private func scalar(_ mark: yaml_mark_t) throws(FormatError) -> Composed {
        let scalar = event.pointee.data.scalar
        let word = String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        let isText: Bool
        switch text(scalar.tag) {
        case nil: isText = scalar.style != YAML_PLAIN_SCALAR_STYLE
        case "!", Self.tags + "str": isText = true
        case Self.tags + "int", Self.tags + "float", Self.tags + "bool", Self.tags + "null":
            isText = false
        case let tag?: throw unknownTag(tag, mark)
        }
        return Composed(json: isText ? .string(word) : yamlScalar(word), word: word)
    }
}

// MARK: - Checks

extension YAMLComposer {
    /// How the names of YAML's own types begin.
    private static let tags = "tag:yaml.org,2002:"

    /// Throws when there are more values or levels than any config has.
    private func checkBounds(_ depth: Int) throws(FormatError) {
        guard count <= Self.mostValues, depth <= Self.deepest else {
            throw FormatError(
                .tooLarge,
                "\(source) holds more than \(Self.mostValues) values or \(Self.deepest) nested "
                    + "levels, aliases written out",
                advice: "write fewer values")
        }
    }

    /// Throws when a list or mapping claims to be something else.
    private func checkTag(
        _ tag: UnsafeMutablePointer<UInt8>?, is kind: String, _ mark: yaml_mark_t
    ) throws(FormatError) {
        guard let tag = text(tag), tag != Self.tags + kind else { return }
        throw unknownTag(tag, mark)
    }

    /// The text of libyaml's.
    private func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    /// The error for a type that YAML does not have by itself.
    private func unknownTag(_ tag: String, _ mark: yaml_mark_t) -> FormatError {
        fault("`\(tag.prefix(100))` is no type of a config", at: mark, advice: "remove the tag")
    }

    /// The error for a text that is not YAML.
    private func fault(
        _ what: String, at mark: yaml_mark_t, advice: String = "correct that line"
    ) -> FormatError {
        FormatError(
            .malformed,
            "\(source) is not valid YAML: line \(mark.line + 1), column \(mark.column + 1): \(what)",
            advice: advice)
    }
}
