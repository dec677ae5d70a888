import Basics

/// The files of a model folder that say how its texts become tokens, beside vocabulary and merges.
struct TokenizerFiles {
    /// `tokenizer.json`.
    var tokenizer: JSON?
    /// `tokenizer_config.json`.
    var configuration: JSON?
    /// `special_tokens_map.json`, which counts where the configuration lists no added tokens.
    var specialTokens: JSON?
    /// `added_tokens.json`, texts with their ids, which counts under the same condition.
    var addedTokens: JSON?
    /// `config.json` of the model, whose kind decides the tokenizer's class.
    var model: JSON?
    /// The folder or the file, for messages.
    let source: String
    /// The file of the configuration, for messages.
    let configurationSource: String

    /// A `tokenizer.json` and its configuration.
    init(tokenizer: JSON?, configuration: JSON?, source: String, configurationSource: String?) {
        (self.tokenizer, self.configuration) = (tokenizer, configuration)
        (self.source, self.configurationSource) = (source, configurationSource ?? source)
    }

    /// Reads the files of a folder.
    ///
    /// - Throws: ``TokenizerError`` for one that is damaged, or is not a JSON object.
    init(folder: String) throws(TokenizerError) {
        (source, configurationSource) = (folder, "\(folder)/tokenizer_config.json")
        tokenizer = try Self.object("tokenizer.json", in: folder)
        configuration = try Self.object("tokenizer_config.json", in: folder)
        specialTokens = try Self.object("special_tokens_map.json", in: folder)
        addedTokens = try Self.object("added_tokens.json", in: folder)
        model = try Self.object("config.json", in: folder)
    }

    /// Whether the configuration names the tokenizer of GPT-2, or there are only its two files.
    var saysGPT2: Bool {
        tokenizer == nil || configuration?["tokenizer_class"]?.text?.hasPrefix("GPT2") ?? false
    }

    /// The names of the files that decide ids.
    static let names = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", "config.json",
    ]

    /// A file with one JSON object; nil where there is none.
    private static func object(_ name: String, in folder: String) throws(TokenizerError) -> JSON? {
        let path = "\(folder)/\(name)"
        guard fileExists(path) else { return nil }
        let json = try Tokenizer.json(path)
        guard json.members != nil else { throw .malformed("it is not a JSON object", source: path) }
        return json
    }
}
