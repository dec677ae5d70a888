import Basics

extension Tokenizer {
    /// Reads the tokenizer of a model folder.
    ///
    /// The folder holds `tokenizer.json`, or `vocab.json` and `merges.txt` of the first GPT-2; a
    /// `tokenizer_config.json` beside them names the special tokens. What goes around a text is
    /// said by the template in `tokenizer.json`, even where `add_bos_token` or `add_eos_token` of
    /// the configuration say otherwise; those two count for `vocab.json` and `merges.txt` alone.
    ///
    /// - Source: `transformers` 5.23.0, which drops the two entries where there is a
    ///   `tokenizer.json`, and drops the template of the class `GPTNeoXTokenizer`.
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
        let json = try Self.json(file)
        let names = SpecialTokenNames(configuration: try configuration.map(Self.json))
        let preTokenizer = try PreTokenizer(json["pre_tokenizer"], source: file)
        var added: [AddedToken] = []
        if let list = json["added_tokens"], !list.isNull {
            guard let elements = list.elements else {
                throw .malformed("`added_tokens` is not a list", source: file)
            }
            for element in elements { added.append(try AddedToken(element, source: file)) }
        }
        self.init(
            normalizer: try Normalizer(json["normalizer"], source: file),
            preTokenizer: preTokenizer,
            model: try BytePairModel(
                json["model"], isByteLevel: preTokenizer.isByteLevel, source: file),
            postProcessor: names.dropsTemplate
                ? PostProcessor() : try PostProcessor(json["post_processor"], source: file),
            decoder: try TokenDecoder(json["decoder"], source: file),
            added: added, names: names)
    }

    /// Reads the pair of files of the first GPT-2 and, where there is one, a
    /// `tokenizer_config.json`.
    ///
    /// - Throws: ``TokenizerError`` when a file is missing or damaged, or when the configuration
    ///   names another tokenizer than that of GPT-2.
    public convenience init(
        vocabulary: String, merges: String, configuration: String? = nil
    ) throws(TokenizerError) {
        var names = SpecialTokenNames.gpt2
        if let configuration {
            let json = try Self.json(configuration)
            names = SpecialTokenNames(configuration: json)
            let name = json["tokenizer_class"]?.text
            let extra = json["added_tokens_decoder"]?.members?.count ?? 0
            guard name == nil || names.isGPT2, extra <= 1 else {
                let folder = parentFolder(of: vocabulary)
                throw TokenizerError(
                    .unsupported,
                    "\(vocabulary) belongs to a \(name ?? "tokenizer") with \(extra) added tokens; "
                        + "without tokenizer.json only the tokenizer of GPT-2 is known",
                    advice: Self.conversion(of: folder))
            }
        }
        let model = try BytePairModel(vocabularyFile: vocabulary, mergesFile: merges)
        self.init(
            normalizer: Normalizer(), preTokenizer: .gpt2, model: model,
            postProcessor: PostProcessor(names.template, ids: model.vocabulary),
            decoder: TokenDecoder(steps: [.byteLevel]), added: [], names: names)
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
