import Basics

extension Tokenizer {
    /// The names of the files of a model folder that can change ids.
    public static let fileNames = TokenizerFiles.names

    /// Reads the tokenizer of a model folder.
    ///
    /// The folder holds `tokenizer.json`, or `vocab.json` and `merges.txt` of the first GPT-2.
    /// Beside them `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` name
    /// special and added tokens, and `config.json` the kind of model. What goes around a text is
    /// said by the template in `tokenizer.json`, even where `add_bos_token` or `add_eos_token` of
    /// the configuration say otherwise; those two count for `vocab.json` and `merges.txt` alone.
    ///
    /// - Source: `AutoTokenizer` of `transformers` 5.23.0.
    /// - Throws: ``TokenizerError`` when files are missing, damaged, or ask for parts that are not
    ///   implemented.
    public convenience init(folder: String) throws(TokenizerError) {
        let files = try TokenizerFiles(folder: folder)
        if files.tokenizer != nil {
            try self.init(files, source: "\(folder)/tokenizer.json")
        } else if fileExists("\(folder)/vocab.json"), fileExists("\(folder)/merges.txt") {
            try self.init(pair: files, folder: folder)
        } else {
            throw Self.noTokenizer(in: folder)
        }
    }

    /// The error for a folder without a tokenizer that can be read.
    private static func noTokenizer(in folder: String) -> TokenizerError {
        for name in ["tokenizer.model", "tekken.json"] where fileExists("\(folder)/\(name)") {
            return TokenizerError(
                .unsupported,
                "\(folder) holds \(name) but no tokenizer.json, the form that is read",
                advice: "\(Self.conversion(of: folder)), which writes tokenizer.json beside it")
        }
        return TokenizerError(
            .missing, "\(folder) holds no tokenizer.json and no vocab.json with merges.txt",
            advice: "name the folder of a model with its tokenizer")
    }

    /// The command that writes the `tokenizer.json` of a folder.
    private static func conversion(of folder: String) -> String {
        "python -c \"from transformers import AutoTokenizer as T; "
            + "T.from_pretrained('\(folder)').save_pretrained('\(folder)')\""
    }

    /// Reads a `tokenizer.json` and, where there is one, its `tokenizer_config.json`.
    ///
    /// - Throws: ``TokenizerError`` when a file is missing, damaged, or asks for parts that are not
    ///   implemented.
    public convenience init(file: String, configuration: String? = nil) throws(TokenizerError) {
        let files = TokenizerFiles(
            tokenizer: try Self.json(file), configuration: try configuration.map(Self.json),
            source: file, configurationSource: configuration)
        try self.init(files, source: file)
    }

    /// Makes the tokenizer of a `tokenizer.json` and the files beside it.
    private convenience init(_ files: TokenizerFiles, source: String) throws(TokenizerError) {
        let settings = try TokenizerSettings(files)
        let json = settings.sections
        let preTokenizer = try PreTokenizer(json["pre_tokenizer"], source: source)
        var listed: [AddedToken] = []
        if let list = json["added_tokens"], !list.isNull {
            guard let elements = list.elements else {
                throw .malformed("`added_tokens` is not a list", source: source)
            }
            for element in elements { listed.append(try AddedToken(element, source: source)) }
        }
        self.init(
            normalizer: try Normalizer(json["normalizer"], source: source),
            preTokenizer: preTokenizer,
            model: try BytePairModel(
                json["model"], isByteLevel: preTokenizer.isByteLevel, source: source),
            postProcessor: settings.family == .gptNeoX
                ? PostProcessor() : try PostProcessor(json["post_processor"], source: source),
            decoder: try TokenDecoder(json["decoder"], source: source),
            listed: listed, settings: settings)
    }

    /// Makes the tokenizer of the pair of files of the first GPT-2 and the files beside them.
    private convenience init(
        pair files: TokenizerFiles, folder: String
    ) throws(TokenizerError) {
        var files = files
        let named = files.configuration?["tokenizer_class"] ?? files.model?["tokenizer_class"]
        if named == nil, files.model == nil {
            files.model = .object(["tokenizer_class": .string("GPT2Tokenizer")])
        }
        let settings = try TokenizerSettings(files)
        guard settings.family == .gpt2 else {
            throw TokenizerError(
                .unsupported,
                "\(folder)/vocab.json belongs to a \(named?.text ?? settings.family.rawValue); "
                    + "without tokenizer.json only the tokenizer of GPT-2 is known",
                advice: Self.conversion(of: folder))
        }
        let model = try BytePairModel(
            vocabularyFile: "\(folder)/vocab.json", mergesFile: "\(folder)/merges.txt")
        self.init(
            normalizer: Normalizer(),
            preTokenizer: try PreTokenizer(
                settings.sections["pre_tokenizer"], source: files.configurationSource),
            model: model, postProcessor: PostProcessor(settings.template, ids: model.vocabulary),
            decoder: TokenDecoder(steps: [.byteLevel]), listed: [], settings: settings)
    }

    /// Parses a JSON file.
    static func json(_ path: String) throws(TokenizerError) -> JSON {
        do {
            return try JSON(file: path)
        } catch {
            throw TokenizerError(
                error.code == .missing ? .missing : .malformed, error.message, advice: error.advice)
        }
    }
}
