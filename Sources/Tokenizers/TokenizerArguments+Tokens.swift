import Basics

/// The special tokens among the arguments.
extension TokenizerArguments {
    /// The names of special tokens that every class has, in the order in which they are added.
    static let standardNames = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    /// Calls `additional_special_tokens` by their newer name, unless that one says something.
    mutating func renameAdditional() {
        guard let list = self["additional_special_tokens"] else { return }
        let newer = self["extra_special_tokens"]
        guard newer?.elements?.isEmpty ?? newer?.members?.isEmpty ?? newer?.isNull ?? true else {
            return
        }
        self["additional_special_tokens"] = nil
        self["extra_special_tokens"] = list
    }

    /// Takes out the tokens with names of their own that are given as text, under keys that end in
    /// `_token`.
    mutating func takePlainNames() -> [JSONMember] {
        let plain = members.filter { isOwnName($0.key) && $0.value.text != nil }
        for member in plain { self[member.key] = nil }
        return plain
    }

    /// Takes out `model_specific_special_tokens`, and `extra_special_tokens` where it lists tokens by
    /// name too, whose entries come after or replace those of the same name.
    ///
    /// - Throws: ``TokenizerError`` where the first is not an object, or names a token that every
    ///   class has, or stands beside tokens with names of their own, of which the library keeps some.
    mutating func takeListedNames(besidePlain hasPlainNames: Bool = false)
        throws(TokenizerError) -> [JSONMember]
    {
        let key = "model_specific_special_tokens"
        if let value = self[key], !value.isNull, value.members == nil {
            throw wrong(key, value, "tokens by name")
        }
        if let members = self[key]?.members,
            hasPlainNames || members.contains(where: { Self.standardNames.contains($0.key) })
        {
            throw TokenizerError(
                .unsupported,
                "\(source): `\(key)` names a token that has a key of its own, or stands beside one",
                advice: "give all of them as keys of their own, such as `image_token`")
        }
        var listed = TokenizerArguments(nil, source: source)
        for key in [key, "extra_special_tokens"] {
            guard let members = self[key]?.members else { continue }
            self[key] = nil
            for member in members { listed[member.key] = member.value }
        }
        return listed.members
    }

    /// Whether a key is the name of a special token that not every class has.
    func isOwnName(_ key: String) -> Bool {
        key.hasSuffix("_token") && !Self.standardNames.contains(key)
    }

    /// The token of an entry; nil for null, and for a value of a key such as `add_bos_token`.
    ///
    /// - Throws: ``TokenizerError`` for a value that is not a token under a name of every class.
    func token(_ value: JSON, _ key: String) throws(TokenizerError) -> NamedToken? {
        if value.isNull { return nil }
        if let text = value.text { return .text(text) }
        if value.members != nil, value["content"] != nil {
            return .token(try AddedToken(entry: value, source: source))
        }
        if isOwnName(key) { return nil }
        throw wrong(key, value, "a token")
    }

    /// The special tokens without names.
    ///
    /// - Throws: ``TokenizerError`` for what is not a list of tokens.
    func extraTokens() throws(TokenizerError) -> [NamedToken] {
        // Read here alone when both keys came from different files.
        let key = self["extra_special_tokens"] == nil ? "additional" : "extra"
        let name = "\(key)_special_tokens"
        guard let value = self[name], !value.isNull else { return [] }
        guard let elements = value.elements else { throw wrong(name, value, "a list of tokens") }
        var tokens: [NamedToken] = []
        for element in elements {
            guard let token = try token(element, name) else {
                throw wrong(name, value, "a list of tokens")
            }
            tokens.append(token)
        }
        return tokens
    }
}

// MARK: - Added tokens with their ids

extension TokenizerFiles {
    /// The added tokens by the ids that the files give: those of `added_tokens_decoder`; where
    /// there is no such entry, of `added_tokens.json` and of `tokenizer.json`, and then
    /// `special_tokens_map.json` counts too.
    ///
    /// - Throws: ``TokenizerError`` for entries that are not tokens.
    func listedTokens(
        _ arguments: inout TokenizerArguments
    ) throws(TokenizerError) -> [Int: AddedToken] {
        let key = "added_tokens_decoder"
        if let value = arguments[key] {
            guard let members = value.members else {
                throw arguments.wrong(key, value, "tokens by their ids")
            }
            var tokens: [Int: AddedToken] = [:]
            for member in members {
                guard let id = Int(member.key), member.value.members != nil else {
                    throw arguments.wrong("\(key).\(member.key)", member.value, "a token")
                }
                tokens[id] = try AddedToken(entry: member.value, source: arguments.source)
            }
            return tokens
        }
        let namedBefore = (arguments["extra_special_tokens"]?.elements ?? []).compactMap(\.text)
        merge(&arguments)
        let own = (specialTokens?["extra_special_tokens"]?.elements ?? []).map(Self.text)
        let special = TokenizerArguments.standardNames.map { name in
            specialTokens?[name].flatMap(Self.text) ?? arguments[name]?.text
        }
        var tokens = try tokensWithIDs(
            special: Set((special + own + namedBefore).compactMap { $0 }))
        for element in tokenizer?["added_tokens"]?.elements ?? [] {
            var token = try AddedToken(element, source: source)
            let id = Int(token.id)
            token.id = 0
            tokens[id] = token
        }
        return tokens
    }

    /// Puts the entries of `special_tokens_map.json` over those of the configuration.
    private func merge(_ arguments: inout TokenizerArguments) {
        for member in specialTokens?.members ?? [] {
            var value = Self.specialEntry(member.value)
            if let list = value.elements?.map(Self.specialEntry) {
                let isExtra = member.key == "extra_special_tokens"
                var all = isExtra ? arguments[member.key]?.elements ?? [] : []
                for entry in list where !all.contains(where: { $0.text() == entry.text() }) {
                    all.append(entry)
                }
                value = .array(all)
            }
            arguments[member.key] = value
        }
    }

    /// The text of an entry.
    private static func text(_ json: JSON) -> String? { (json["content"] ?? json).text }

    /// An entry that is special, whatever it says itself.
    private static func specialEntry(_ json: JSON) -> JSON {
        guard let members = json.members, json["content"] != nil else { return json }
        let others = members.filter { $0.key != "special" }
        return .object(others + [JSONMember(key: "special", value: .bool(true))])
    }

    /// The tokens of `added_tokens.json`.
    private func tokensWithIDs(special: Set<String>) throws(TokenizerError) -> [Int: AddedToken] {
        var tokens: [Int: AddedToken] = [:]
        for member in addedTokens?.members ?? [] {
            guard let id = member.value.integer, (0...BytePairModel.largestID).contains(id) else {
                throw .malformed(
                    "`\(member.key)` has the id \(member.value.text())",
                    source: "\(source)/added_tokens.json")
            }
            let isSpecial = special.contains(member.key)
            tokens[id] = AddedToken(
                content: Array(member.key.utf8), isNormalized: !isSpecial, isSpecial: isSpecial)
        }
        return tokens
    }
}
