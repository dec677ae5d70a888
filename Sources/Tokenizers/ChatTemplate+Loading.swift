import Basics

extension ChatTemplate {
    /// Recognises the chat template of a model folder: `chat_template.jinja`, else the entry
    /// `chat_template` of `tokenizer_config.json`, of several the one named `default`.
    ///
    /// - Throws: ``TokenizerError`` when there is none or its form is not known.
    public init(folder: String) throws(TokenizerError) {
        let configuration = "\(folder)/tokenizer_config.json"
        let json: JSON? =
            fileExists(configuration) ? try Tokenizer.json(configuration) : nil
        let jinja = "\(folder)/chat_template.jinja"
        let isApart = fileExists(jinja)
        guard let text = isApart ? try Self.contents(of: jinja) : Self.template(in: json) else {
            throw TokenizerError(
                .missing, "\(folder) has no chat template",
                advice: "name an instruction-tuned model, whose tokenizer_config.json or "
                    + "chat_template.jinja holds one")
        }
        let settings = try TokenizerSettings(
            TokenizerFiles(
                tokenizer: nil, configuration: json, source: folder,
                configurationSource: configuration))
        func named(_ name: String) -> String {
            String(decoding: settings.content(name) ?? [], as: UTF8.self)
        }
        try self.init(
            recognizing: text, bos: named("bos_token"), eos: named("eos_token"),
            source: isApart ? jinja : configuration)
    }

    /// Recognises a chat template by the tokens it writes.
    ///
    /// - Parameters:
    ///   - text: the template in Jinja, which is not run.
    ///   - source: its file, for messages.
    /// - Throws: ``TokenizerError`` when the form is not known.
    public init(
        recognizing text: String, bos: String, eos: String, source: String
    ) throws(TokenizerError) {
        let bytes = Array(text.utf8)[...]
        func holds(_ part: String) -> Bool {
            bytes.firstRange(of: Array(part.utf8), from: bytes.startIndex) != nil
        }
        let marks = Self.marks(in: text)
        guard let form = Self.form(of: marks, holds: holds) else {
            throw TokenizerError(
                .unsupported,
                "\(source) holds a chat template of a form that is not known; it writes "
                    + (marks.isEmpty ? "no special tokens" : marks.joined(separator: " ")),
                advice: "an instruction-tuned Gemma or Llama, or report the model")
        }
        let writesBOS = holds("bos_token") || (!bos.isEmpty && holds(bos))
        let day = Self.quoted(behind: "date_string = ", in: text)
        self.init(
            form, bos: writesBOS ? bos : "", eos: holds("eos_token") || holds(eos) ? eos : "",
            trims: holds("trim") || holds("strip"), date: day ?? "26 Jul 2024")
    }

    /// The form whose tokens, and no others of its kind, a template writes.
    private static func form(of marks: [String], holds: (String) -> Bool) -> Form? {
        let opens = holds("add_generation_prompt")
        let gemma: Set = ["<start_of_turn>", "<end_of_turn>"]
        let llama3: Set = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        // What the makers' templates write for pictures, tools and beginnings.
        let neutral: Set = [
            "<start_of_image>", "<image_soft_token>", "<audio_soft_token>", "<|python_tag|>",
            "<|eom_id|>", "<|begin_of_text|>", "<|image|>", "<bos>", "<eos>", "<s>", "</s>",
        ]
        let kinds = Set(marks).subtracting(neutral)
        if kinds == gemma, opens, holds("model") { return .gemma }
        if kinds == llama3, opens {
            return holds("Cutting Knowledge Date: December 2023") ? .llama31 : .llama3
        }
        if kinds == ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"] { return .llama2 }
        return nil
    }

    /// What looks like a special token in a template, each once, in order.
    private static func marks(in text: String) -> [String] {
        var marks: [String] = []
        let bytes = Array(text.utf8)
        func note(_ range: Range<Int>) {
            let mark = String(decoding: bytes[range], as: UTF8.self)
            if !marks.contains(mark), marks.count < 20 { marks.append(mark) }
        }
        let brackets = ["[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[TOOL_CALLS]"].map {
            Array($0.utf8)
        }
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "<"), let end = markEnd(in: bytes, at: index) {
                note(index..<end)
                index = end
                continue
            }
            if let bracket = brackets.first(where: { bytes[index...].starts(with: $0) }) {
                note(index..<(index + bracket.count))
            }
            index += 1
        }
        return marks
    }

    /// The end of a text such as `<|name|>`, `</s>` or `<<SYS>>` at an index.
    private static func markEnd(in bytes: [UInt8], at start: Int) -> Int? {
        var index = start + 1
        if index < bytes.count, bytes[index] == UInt8(ascii: "<") { index += 1 }
        let limit = min(bytes.count, start + 40)
        let name = index
        while index < limit, bytes[index] != UInt8(ascii: ">") {
            let byte = bytes[index]
            let isLetter =
                (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || (0x30...0x39).contains(byte)
            guard isLetter || "_-|/".utf8.contains(byte) || byte >= 0x80 else { return nil }
            index += 1
        }
        guard index < limit, index > name else { return nil }
        let isDouble = name == start + 2
        guard isDouble else { return index + 1 }
        return index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: ">") ? index + 2 : nil
    }

    /// The quoted text behind a phrase in a template.
    private static func quoted(behind phrase: String, in text: String) -> String? {
        let bytes = Array(text.utf8)[...]
        guard let range = bytes.firstRange(of: Array(phrase.utf8), from: bytes.startIndex),
            range.upperBound < bytes.endIndex
        else { return nil }
        let quote = bytes[range.upperBound]
        let rest = bytes[(range.upperBound + 1)...]
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
            let end = rest.firstIndex(of: quote)
        else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    /// The template in a configuration.
    private static func template(in json: JSON?) -> String? {
        guard let entry = json?["chat_template"] else { return nil }
        if let text = entry.text { return text }
        return entry.elements?.first { $0["name"]?.text == "default" }?["template"]?.text
    }

    /// The text of a file.
    private static func contents(of path: String) throws(TokenizerError) -> String {
        do {
            return String(decoding: try readFile(path), as: UTF8.self)
        } catch {
            throw TokenizerError(.missing, error.message, advice: error.advice)
        }
    }
}
