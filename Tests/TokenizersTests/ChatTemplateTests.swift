import Basics
import Testing
import Tokenizers

@Suite("Chat templates")
struct ChatTemplateTests {
    /// The folder of tokenizers with chat templates.
    private static let folder = "\(fixtureFolder)/chat"

    @Test(
        "Conversations are written, and their ids are, as transformers has them",
        arguments: [
            ("gemma", ChatTemplate.Form.gemma), ("gemma-untrimmed", .gemma), ("llama2", .llama2),
            ("llama3", .llama3), ("llama31", .llama31),
        ])
    func conversations(name: String, form: ChatTemplate.Form) throws {
        let folder = "\(Self.folder)/\(name)"
        let template = try ChatTemplate(folder: folder)
        #expect(template.form == form)
        let tokenizer = try Tokenizer(folder: folder)
        let cases = try JSON(file: "\(folder)/chat.json").elements ?? []
        #expect(cases.count == 24)
        for element in cases {
            let turns = try (element["turns"]?.elements ?? []).map { turn in
                ChatTurn(
                    try #require(ChatTurn.Role(rawValue: turn.elements?[0].text ?? "")),
                    try #require(turn.elements?[1].text))
            }
            let opens = element["opens"]?.truth == true
            guard let expected = element["text"]?.text else {
                let error = #expect(throws: TokenizerError.self) {
                    try template.text(of: turns, addsGenerationPrompt: opens)
                }
                #expect(error?.code == .conversation)
                continue
            }
            let text = try template.text(of: turns, addsGenerationPrompt: opens)
            #expect(text.utf8.elementsEqual(expected.utf8), "\(text.debugDescription)")
            let ids = element["ids"]?.elements?.compactMap(\.integer)
            #expect(tokenizer.encode(text).map(Int.init) == ids, "\(text.debugDescription)")
        }
    }

    @Test("One question is a conversation of one turn with the answer opened")
    func question() throws {
        let gemma = ChatTemplate(.gemma, bos: "<bos>")
        #expect(
            try gemma.text(ofQuestion: " Why? ")
                == "<bos><start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n")
        let error = #expect(throws: TokenizerError.self) { try gemma.text(of: []) }
        #expect(error?.code == .conversation)
    }

    @Test("The day that a template tells can be given")
    func date() throws {
        var template = try ChatTemplate(folder: "\(Self.folder)/llama31")
        #expect(template.date == "04 May 2023")
        template.date = "1 Jan 2000"
        #expect(
            try template.text(ofQuestion: "Why?").contains("Today Date: 1 Jan 2000\n\n<|eot_id|>"))
    }

    @Test(
        "A template of another form is an error that names its tokens",
        arguments: [
            (
                "{{ '<|im_start|>' + message.role + '\n' }}{% if add_generation_prompt %}",
                "<|im_start|>"
            ),
            ("{{ '[INST] ' + message.content + '[/INST]' + eos_token }}", "[INST]"),
            (
                "{{ '<start_of_turn>model' }}{{ '<start_function_call>' }}{{ '<end_of_turn>' }}"
                    + "{% if add_generation_prompt %}",
                "<start_function_call>"
            ),
            ("{{ '<start_of_turn>model' }}{{ '<end_of_turn>' }}", "<end_of_turn>"),
            ("{% for m in messages %}{{ m.content if 1 < 2 }}{% endfor %}", "no special tokens"),
            ("", "no special tokens"),
        ])
    func unknown(text: String, name: String) {
        let error = #expect(throws: TokenizerError.self) {
            try ChatTemplate(recognizing: text, bos: "<s>", eos: "</s>", source: "file.jinja")
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("file.jinja") == true)
        #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
    }

    @Test("A folder without a chat template is an error")
    func missing() {
        let error = #expect(throws: TokenizerError.self) {
            try ChatTemplate(folder: "\(fixtureFolder)/gpt2")
        }
        #expect(error?.code == .missing)
    }
}
