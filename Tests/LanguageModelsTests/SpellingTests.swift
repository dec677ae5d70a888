import Basics
import Tensors
import Testing

@testable import LanguageModels

@Suite("Spellings of configs")
struct SpellingTests {
    /// What a copy with some keys changed computes on the tokens of its fixture.
    private func logits(_ name: String, _ changes: KeyValuePairs<String, String?>) throws -> [UInt8]
    {
        let copy = try ModelCopy(name)
        for (key, value) in changes { try copy.set(key, value) }
        return try #require(try copy.load().run(Fixture(name).pass()).logits).content
    }

    @Test("Two kinds of rotary embedding are read from one object of two or from single keys")
    func gemma3() throws {
        let same = try logits(
            "gemma3",
            [
                "rope_theta": nil, "rope_local_base_freq": nil, "rope_scaling": nil,
                "sliding_window_pattern": nil,
                "layer_types": "[\"sliding_attention\", \"sliding_attention\", \"full_attention\"]",
                "rope_parameters": """
                {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 50},
                 "sliding_attention": {"rope_type": "default", "rope_theta": 100}}
                """,
            ])
        let expected = try Fixture("gemma3").logits().content
        #expect(same == expected)
        for (key, value) in [
            ("rope_local_base_freq", "90"), ("rope_theta", "60"), ("rope_scaling", "null"),
            ("sliding_window_pattern", "2"), ("sliding_window", "4"),
            ("query_pre_attn_scalar", "13"), ("final_logit_softcapping", "3"),
        ] {
            #expect(try logits("gemma3", [key: value]) != expected, "\(key)")
        }
    }

    @Test("The text part of a model that sees pictures is the text model")
    func pictures() throws {
        for (prefix, head) in [
            ("language_model.model.", "language_model.lm_head"),
            ("model.language_model.", "lm_head"),
        ] {
            let copy = try ModelCopy("gemma3")
            let text = try JSON(file: "\(copy.folder)/config.json").text()
            let whole =
                "{\"model_type\": \"gemma3\", \"vision_config\": {}, \"text_config\": \(text)}"
            try writeFile(Array(whole.utf8), to: "\(copy.folder)/config.json")
            var table: Tensor?
            try copy.rewrite { name, tensor in
                if name.contains("embed_tokens") { table = tensor }
                return (prefix + name.dropFirst("model.".count), tensor)
            }
            let embedding = try #require(table)
            try copy.rewrite(adding: [("\(head).weight", embedding)]) { ($0, $1) }
            let model = try copy.load()
            #expect(model.description.architecture == "gemma3")
            let fixture = try Fixture("gemma3")
            #expect(try model.run(fixture.pass()).logits?.content == fixture.logits().content)
            let wrong = embedding.copied()
            wrong.bytes.storeBytes(of: 0x55, toByteOffset: 9, as: UInt8.self)
            try copy.rewrite { $0.hasPrefix(head) ? ($0, wrong) : ($0, $1) }
            #expect(try copy.error().description.contains("tie_word_embeddings"))
        }
    }

    @Test("Stretched frequencies are read in both spellings")
    func stretched() throws {
        let same = try logits(
            "llama3",
            [
                "rope_theta": nil, "rope_scaling": nil, "original_max_position_embeddings": "64",
                "rope_parameters": """
                {"rope_type": "llama3", "rope_theta": 100, "factor": 8, "low_freq_factor": 1,
                 "high_freq_factor": 4}
                """,
            ])
        #expect(try same == Fixture("llama3").logits().content)
        let plain = try logits("llama3", ["rope_scaling": nil])
        #expect(plain != same)
        let linear = try logits(
            "llama-linear",
            [
                "rope_parameters": nil, "rope_theta": "100",
                "rope_scaling": "{\"type\": \"linear\", \"factor\": 4.0}",
            ])
        #expect(try linear == Fixture("llama-linear").logits().content)
    }

    @Test("Windows are read from the list of layers or from a rule")
    func windows() throws {
        let list = "[\"full_attention\", \"sliding_attention\"]"
        let qwen = try Fixture("qwen2").logits().content
        #expect(
            try logits("qwen2", ["layer_types": list, "max_window_layers": nil]) == qwen)
        #expect(try logits("qwen2", ["use_sliding_window": "false"]) != qwen)
        #expect(try logits("qwen2", ["max_window_layers": "0"]) != qwen)
        #expect(
            try logits("qwen2", ["max_window_layers": "2"])
                == logits("qwen2", ["sliding_window": "null"]))
        let mistral = try Fixture("mistral").logits().content
        let both = "[\"sliding_attention\", \"sliding_attention\"]"
        #expect(try logits("mistral", ["layer_types": both]) == mistral)
        let none = try logits("mistral", ["sliding_window": "null"])
        #expect(none != mistral)
        #expect(try logits("mistral", ["sliding_window": nil]) == none)  // 4096 positions
    }

    @Test("The activation function of the first Gemma is the tanh form under both keys")
    func gemmaActivation() throws {
        let expected = try Fixture("gemma").logits().content
        let tanh = "\"gelu_pytorch_tanh\""
        #expect(try logits("gemma", ["hidden_activation": tanh]) == expected)
        #expect(try logits("gemma", ["hidden_act": nil]) == expected)
        #expect(try logits("gemma", ["hidden_act": nil, "hidden_activation": tanh]) == expected)
        #expect(try logits("gemma", ["hidden_act": "\"silu\""]) != expected)
    }
}
