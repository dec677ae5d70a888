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
    private(set) var added: [AddedToken] = []
    /// Whether special tokens within texts are cut like text.
    let splitsSpecialTokens: Bool
    /// Whether a text that is too long loses its beginning rather than its end.
    let cutsBeginning: Bool
    /// What the configuration puts around texts where no `tokenizer.json` says it.
    private let addsTemplate: (before: Bool, after: Bool)
    /// Whether the tokenizer heeds the wish for a BOS, once it has one.
    let heedsBOS: Bool
    /// Whether `tokenizer.json` lies alone, so that nothing says whether there is a BOS.
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
        var contents: [[UInt8]: AddedToken] = [:]
        for (_, token) in tokens.sorted(by: { $0.key < $1.key }) {
            added.append(token)
            contents[token.content] = token
        }
        if family.heedsPaddingOfFile, arguments["pad_token"] == nil,
            let text = files.tokenizer?["padding"]?["pad_token"]
        {
            arguments["pad_token"] = text
        }
        var names: [(String, NamedToken?)] = []
        for key in TokenizerArguments.standardNames {
            if let given = arguments[key] {
                let token = try arguments.token(given, key)
                names.append(
                    (key, token.map { contents[$0.content].map { .token($0) } ?? $0 }))
            } else {
                names.append((key, family.defaultTokens[key].map { .text($0) }))
            }
        }
        // TransformerLens makes the tokenizer of Qwen3 once without a BOS and, where it has one,
        // again with what it kept of the first: then the list has taken the place of the names.
        let isQwen3 = files.model?["model_type"]?.text == "qwen3"
        let fits = names[0].1?.fitsTemplate ?? true
        guard fits || isQwen3 || files.model == nil else {
            throw TokenizerError(
                .unsupported,
                "\(arguments.source): `bos_token` holds a space or a colon and cannot begin texts",
                advice: "a model with another BOS; transformers refuses this one too")
        }
        if isQwen3, fits, names[0].1 != nil, arguments["additional_special_tokens"] != nil {
            listed = []
        }
        let own = arguments.members.filter { arguments.isOwnName($0.key) }
        for member in own + plain + listed {
            guard let token = try arguments.token(member.value, member.key) else { continue }
            if let place = names.firstIndex(where: { $0.0 == member.key }) {
                names[place].1 = token
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
        let isNamedGPT2 = files.configuration?["tokenizer_class"]?.text?.hasPrefix("GPT2") ?? false
        let isPair = files.tokenizer == nil
        heedsBOS = fits && !(family == .gpt2 && (isNamedGPT2 || isPair))
        isBare = files.configuration == nil && files.model == nil
        sections = try family.sections(of: files.tokenizer ?? .object([]), arguments)
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
