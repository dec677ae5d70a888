import Basics

/// What a class puts in the place of the sections of `tokenizer.json`.
///
/// - Source: `__init__` of the classes in `transformers` 5.23.0, which take vocabulary, merges and
///   template of the file and nothing else.
extension TokenizerFamily {
    /// A `tokenizer.json` as the class has it.
    ///
    /// - Throws: ``TokenizerError`` for an option of the class that it does not understand.
    func sections(
        of json: JSON, _ arguments: TokenizerArguments
    ) throws(TokenizerError) -> JSON {
        guard self != .backend else { return json }
        var sections = try self.sections(arguments)
        let model = json["model"] ?? .null
        sections["model"] = .object(
            [
                JSONMember(key: "type", value: model["type"] ?? .null),
                JSONMember(key: "vocab", value: model["vocab"] ?? .null),
                JSONMember(key: "merges", value: model["merges"] ?? .null),
            ] + options(arguments, model["vocab"]).map { JSONMember(key: $0, value: $1) })
        for key in ["post_processor", "truncation", "padding"] { sections[key] = json[key] }
        return .object(
            sections.sorted { $0.key < $1.key }.map { JSONMember(key: $0.key, value: $0.value) })
    }

    /// The options of the model.
    ///
    /// - Parameter vocabulary: the model's, where an unknown token need not be if every byte is.
    private func options(
        _ arguments: TokenizerArguments, _ vocabulary: JSON?
    ) -> [(String, JSON)] {
        guard self == .llama || self == .gemma else { return [] }
        let options = [("fuse_unk", JSON.bool(true)), ("byte_fallback", .bool(true))]
        guard self == .gemma else { return options }
        let unknown = arguments["unk_token"].map { $0["content"] ?? $0 } ?? .string("<unk>")
        let isKnown = unknown.text.flatMap { vocabulary?[$0] } != nil
        return isKnown || !Self.holdsBytes(vocabulary)
            ? options + [("unk_token", unknown)] : options
    }

    /// Whether a vocabulary has a token such as `<0x0A>` for every byte.
    private static func holdsBytes(_ vocabulary: JSON?) -> Bool {
        let keys = Set((vocabulary?.members ?? []).map(\.key))
        return (0...255).allSatisfy { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return keys.contains("<0x\(digits.count < 2 ? "0" : "")\(digits)>")
        }
    }

    /// Normalizer, pre-tokenizer and decoder.
    private func sections(
        _ arguments: TokenizerArguments
    ) throws(TokenizerError) -> [String: JSON] {
        let composition = JSON.object(["type": .string("NFC")])
        switch self {
        case .backend: return [:]
        case .gpt2, .codeGen:
            return [
                "pre_tokenizer": Self.bytes(space: try arguments.truth("add_prefix_space", false)),
                "decoder": Self.bytes(space: false),
            ]
        case .gptNeoX:
            return [
                "normalizer": composition,
                "pre_tokenizer": Self.bytes(space: try arguments.truth("add_prefix_space", false)),
                "decoder": Self.bytes(space: false),
            ]
        case .qwen2:
            let space = try arguments.truth("add_prefix_space", false, nullIsStandard: true)
            let split = JSON.object([
                "type": .string("Split"), "behavior": .string("Isolated"),
                "pattern": .object(["Regex": .string(PatternScanner.qwen2.rawValue)]),
            ])
            return [
                "normalizer": composition,
                "pre_tokenizer": .object([
                    "type": .string("Sequence"),
                    "pretokenizers": .array([split, Self.bytes(space: space, cuts: false)]),
                ]),
                "decoder": Self.bytes(space: false),
            ]
        case .llama:
            let space = try arguments.truth("add_prefix_space", true, nullIsStandard: true)
            let isLegacy = try arguments.truth("legacy", false, nullIsStandard: true)
            return [
                "pre_tokenizer": .object([
                    "type": .string("Metaspace"), "replacement": .string("\u{2581}"),
                    "prepend_scheme": .string(!space ? "never" : isLegacy ? "always" : "first"),
                    "split": .bool(false),
                ]),
                "decoder": Self.marks(strip: space),
            ]
        case .gemma:
            return [
                "normalizer": .object([
                    "type": .string("Replace"), "pattern": .object(["String": .string(" ")]),
                    "content": .string("\u{2581}"),
                ]),
                "pre_tokenizer": .object([
                    "type": .string("Split"), "pattern": .object(["String": .string(" ")]),
                    "behavior": .string("MergedWithPrevious"),
                ]),
                "decoder": Self.marks(strip: false),
            ]
        }
    }

    /// The step `ByteLevel`.
    private static func bytes(space: Bool, cuts: Bool = true) -> JSON {
        .object([
            "type": .string("ByteLevel"), "add_prefix_space": .bool(space),
            "use_regex": .bool(cuts),
        ])
    }

    /// The decoder of tokens with marks for spaces.
    private static func marks(strip: Bool) -> JSON {
        var decoders: [JSON] = [
            .object([
                "type": .string("Replace"), "pattern": .object(["String": .string("\u{2581}")]),
                "content": .string(" "),
            ]), .object(["type": .string("ByteFallback")]), .object(["type": .string("Fuse")]),
        ]
        if strip {
            decoders.append(
                .object([
                    "type": .string("Strip"), "content": .string(" "), "start": .integer(1),
                    "stop": .integer(0),
                ]))
        }
        return .object(["type": .string("Sequence"), "decoders": .array(decoders)])
    }
}
