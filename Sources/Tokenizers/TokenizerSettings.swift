import Basics

/// A token that a file names, as text alone or with flags.
enum NamedToken: Sendable, Equatable {
    /// The text.
    case text(String)
    /// Text and flags.
    case token(AddedToken)

    /// The text.
    var content: [UInt8] {
        switch self {
        case .text(let text): Array(text.utf8)
        case .token(let token): token.content
        }
    }

    /// Whether a template of the `tokenizers` library can name the token.
    var fitsTemplate: Bool {
        let text = String(decoding: content, as: UTF8.self)
        return !text.contains { $0.isWhitespace || $0 == ":" }
    }

    /// The token that is added; a text alone is special.
    var added: AddedToken {
        switch self {
        case .text: AddedToken(content: content, isSpecial: true)
        case .token(let token): token
        }
    }
}

/// What the files beside vocabulary and merges make of a tokenizer.
///
/// - Source: `PreTrainedTokenizerBase._from_pretrained` and `__init__` of it and of
///   `TokenizersBackend`, `transformers` 5.23.0.
struct TokenizerSettings: Sendable {
    /// The class.
    let family: TokenizerFamily
    /// Special tokens with a name such as `bos_token`, in the order in which they are added.
    let named: [(name: String, token: NamedToken)]
    /// Special tokens without a name.
    let extra: [NamedToken]
    /// Added tokens with flags, in the order of the ids that the files give.
    let added: [AddedToken]
    /// Whether special tokens within texts are cut like text.
    let splitsSpecialTokens: Bool
    /// Whether a text that is too long loses its beginning rather than its end.
    let cutsBeginning: Bool
    /// What the configuration puts around texts where no `tokenizer.json` says it.
    private let addsTemplate: (before: Bool, after: Bool)
    /// Whether the tokenizer honours `add_bos_token`, once it has a BOS.
    let honoursAddBOS: Bool
    /// Whether `tokenizer.json` is the only file, so that nothing says whether there is a BOS.
    let isBare: Bool
    /// `tokenizer.json` as the class has it.
    let sections: JSON

    /// Reads what the files say.
    ///
    /// - Throws: ``TokenizerError`` for values that cannot be, and for what is not implemented.
    init(_ files: TokenizerFiles) throws(TokenizerError) {
        family = try TokenizerFamily(files)
        var arguments = TokenizerArguments(
            files.configuration, source: files.configurationSource)
        try files.refuseUnsupported(arguments)
        arguments.renameAdditional()
        let plain = arguments.takePlainNames()
        var listed = try arguments.takeListedNames(besidePlain: !plain.isEmpty)
        let tokens = try files.listedTokens(&arguments)
        listed += try arguments.takeListedNames()
        added = tokens.sorted { $0.key < $1.key }.map(\.value)
        if family.readsPaddingOfFile, arguments["pad_token"] == nil,
            let text = files.tokenizer?["padding"]?["pad_token"]
        {
            arguments["pad_token"] = text
        }
        var names = try Self.standardTokens(arguments, family, added)
        // TransformerLens makes the tokenizer of Qwen3 once without a BOS and, where it has one,
        // again with what it kept of the first: then the list has taken the place of the names.
        let kind = files.model?["model_type"]?.text
        let (isQwen3, isOLMo2) = (kind == "qwen3", kind == "olmo2")
        let bos = names.first { $0.name == "bos_token" }?.token
        let fits = bos?.fitsTemplate ?? true
        guard fits || isQwen3 || isOLMo2 || files.model == nil else {
            throw Self.unfitBeginning(arguments.source)
        }
        if isQwen3, fits, bos != nil, arguments["additional_special_tokens"] != nil { listed = [] }
        let own = arguments.members.filter { arguments.isOwnName($0.key) }
        for member in own + plain + listed {
            guard let token = try arguments.token(member.value, member.key) else { continue }
            if let index = names.firstIndex(where: { $0.name == member.key }) {
                names[index].token = token
            } else {
                names.append((member.key, token))
            }
        }
        named = names.compactMap { name, token in token.map { (name, $0) } }
        extra = try arguments.extraTokens()
        splitsSpecialTokens = try arguments.truth("split_special_tokens", false)
        let direction = files.tokenizer?["truncation"]?["direction"]
        cutsBeginning = try arguments.isLeft("truncation_side", direction?.text == "Left")
        _ = try arguments.isLeft("padding_side")
        addsTemplate = (
            arguments["add_bos_token"]?.truth == true, arguments["add_eos_token"]?.truth == true
        )
        // TransformerLens asks for no BOS of OLMo 2's.
        honoursAddBOS = fits && !isOLMo2 && !(family == .gpt2 && files.saysGPT2)
        isBare = files.configuration == nil && files.model == nil
        sections = try family.sections(of: files.tokenizer ?? .object([]), arguments)
    }

    /// The tokens with names that every class has, nil where there is none.
    ///
    /// - Parameter added: tokens with flags, which the names refer to by their texts.
    private static func standardTokens(
        _ arguments: TokenizerArguments, _ family: TokenizerFamily, _ added: [AddedToken]
    ) throws(TokenizerError) -> [(name: String, token: NamedToken?)] {
        let contents = Dictionary(added.map { ($0.content, $0) }) { $1 }
        var names: [(name: String, token: NamedToken?)] = []
        for key in TokenizerArguments.standardNames {
            if let given = arguments[key] {
                let token = try arguments.token(given, key)
                names.append((key, token.map { contents[$0.content].map { .token($0) } ?? $0 }))
            } else {
                names.append((key, family.defaultTokens[key].map { .text($0) }))
            }
        }
        return names
    }

    /// The error for a BOS that the library cannot put before texts.
    private static func unfitBeginning(_ source: String) -> TokenizerError {
        TokenizerError(
            .unsupported,
            "\(source): `bos_token` holds a space or a colon and cannot begin texts",
            advice: "a model with another BOS; transformers refuses this one too")
    }

    /// The text of a token by its name.
    func content(_ name: String) -> [UInt8]? {
        named.first { $0.name == name }?.token.content
    }

    /// What the configuration puts around texts where no `tokenizer.json` says it.
    var template: (before: [UInt8]?, after: [UInt8]?) {
        (
            addsTemplate.before ? content("bos_token") : nil,
            addsTemplate.after ? content("eos_token") : nil
        )
    }
}

// MARK: - The tokens that are added

extension TokenizerSettings {
    /// Adds the tokens of the files to those of `tokenizer.json`.
    func add(to vocabulary: inout AddedVocabulary) {
        var entries = added.map { NamedToken.token($0) }
        let known = Set(vocabulary.ids.keys).union(added.map(\.content))
        for entry in named.map(\.token) + extra
        where !known.contains(entry.content) && !entries.contains(entry) {
            entries.append(entry)
        }
        let names = Set(named.map(\.token.content))
        vocabulary.add(
            entries.map { entry in
                var token = entry.added
                if names.contains(token.content) { token.isSpecial = true }
                return token
            })
        if family == .qwen2 {
            let special = named.map(\.token.content) + extra.map(\.content)
            vocabulary.add(special.map { AddedToken(content: $0, isSpecial: true) })
        }
    }
}
