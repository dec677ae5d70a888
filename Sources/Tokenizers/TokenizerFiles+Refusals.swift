import Basics

/// What the files may not say.
extension TokenizerFiles {
    /// Refuses what would change ids and is not implemented.
    ///
    /// - Throws: ``TokenizerError``, which names the key.
    func refuseUnsupported(_ arguments: TokenizerArguments) throws(TokenizerError) {
        func refuse(_ key: String, _ advice: String) -> TokenizerError {
            let value = arguments[key]?.text() ?? "null"
            return TokenizerError(
                .unsupported, "\(configurationSource): `\(key)` = \(value) is not supported",
                advice: advice)
        }
        let objects = [
            "init_inputs", "post_processor", "tokenizer_object", "tokenizer_padding",
            "tokenizer_truncation",
        ]
        for key in objects {
            guard let value = arguments[key], !value.isNull, value.elements?.isEmpty != true else {
                continue
            }
            throw refuse(key, "a file without it, as `save_pretrained` writes it")
        }
        let versions = arguments["fast_tokenizer_files"]?.elements ?? []
        if versions.contains(where: { $0.text != "tokenizer.json" }) {
            throw refuse(
                "fast_tokenizer_files",
                "copy the file for transformers 5 to tokenizer.json and remove the key")
        }
        let kind = model?["model_type"]?.text
        let mistral = ["mistral", "mistral3", "ministral", "pixtral", "voxtral"]
        if arguments["fix_mistral_regex"]?.truth == true, kind.map(mistral.contains) ?? true {
            throw refuse("fix_mistral_regex", "a model whose tokenizer.json is right without it")
        }
        let list = arguments["additional_special_tokens"]
        if let list, !list.isNull, list.elements == nil, list.members == nil {
            throw arguments.wrong("additional_special_tokens", list, "a list of tokens")
        }
        try checkSections()
    }

    /// Refuses sections of `tokenizer.json` that the library does not read either.
    private func checkSections() throws(TokenizerError) {
        guard let tokenizer else { return }
        if let version = tokenizer["version"], version.text != "1.0" {
            throw .malformed("`version` is \(version.text()), not \"1.0\"", source: source)
        }
        for key in ["truncation", "padding"] {
            guard let section = tokenizer[key], !section.isNull else { continue }
            guard let side = section["direction"]?.text, ["Left", "Right"].contains(side) else {
                throw .malformed("`\(key)` is \(section.text())", source: source)
            }
        }
    }
}
