import Basics

extension Tokenizer {
    /// Reads the tokenizer of a model folder.
    ///
    /// The folder holds `tokenizer.json`, or `vocab.json` and `merges.txt` of the first GPT-2; a
    /// `tokenizer_config.json` beside them names the special tokens.
    ///
    /// - Throws: ``TokenizerError`` when files are missing, damaged, or ask for parts that are not
    ///   implemented.
    public convenience init(folder: String) throws(TokenizerError) {
        let configuration = "\(folder)/tokenizer_config.json"
        let known = fileExists(configuration) ? configuration : nil
        if fileExists("\(folder)/tokenizer.json") {
            try self.init(file: "\(folder)/tokenizer.json", configuration: known)
        } else if fileExists("\(folder)/vocab.json"), fileExists("\(folder)/merges.txt") {
            try self.init(
                vocabulary: "\(folder)/vocab.json", merges: "\(folder)/merges.txt",
                configuration: known)
        } else {
            throw TokenizerError(
                .missing, "\(folder) holds no tokenizer.json and no vocab.json with merges.txt",
                advice: "name the folder of a model with its tokenizer")
        }
    }

    /// Reads a `tokenizer.json` and, where there is one, its `tokenizer_config.json`.
    ///
    /// - Throws: ``TokenizerError`` when a file is missing, damaged, or asks for parts that are not
    ///   implemented.
    public convenience init(file: String, configuration: String? = nil) throws(TokenizerError) {
        let json = try Self.json(file)
        let preTokenizer = try PreTokenizer(json["pre_tokenizer"], source: file)
        var added: [AddedToken] = []
        for element in json["added_tokens"]?.elements ?? [] {
            added.append(try AddedToken(element, source: file))
        }
        self.init(
            normalizer: try Normalizer(json["normalizer"], source: file),
            preTokenizer: preTokenizer,
            model: try BytePairModel(
                json["model"], isByteLevel: preTokenizer.isByteLevel, source: file),
            postProcessor: try PostProcessor(json["post_processor"], source: file),
            decoder: try TokenDecoder(json["decoder"], source: file),
            added: added,
            names: SpecialTokenNames(configuration: try configuration.map(Self.json)))
    }

    /// Reads the pair of files of the first GPT-2 and, where there is one, a
    /// `tokenizer_config.json`.
    ///
    /// - Throws: ``TokenizerError`` when a file is missing or damaged.
    public convenience init(
        vocabulary: String, merges: String, configuration: String? = nil
    ) throws(TokenizerError) {
        self.init(
            normalizer: Normalizer(),
            preTokenizer: .gpt2,
            model: try BytePairModel(vocabularyFile: vocabulary, mergesFile: merges),
            postProcessor: PostProcessor(),
            decoder: TokenDecoder(steps: [.byteLevel]),
            added: [],
            names: try configuration.map { path throws(TokenizerError) in
                SpecialTokenNames(configuration: try Self.json(path))
            } ?? .gpt2)
    }

    /// Parses a JSON file.
    private static func json(_ path: String) throws(TokenizerError) -> JSON {
        do {
            return try JSON(file: path)
        } catch {
            throw TokenizerError(
                error.code == .missing ? .missing : .malformed, error.message, advice: error.advice)
        }
    }
}
