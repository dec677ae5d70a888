import Basics
import Glibc
import Kernels
import Tensors
import Testing

@testable import LanguageModels

/// A config that must be refused.
struct Refusal: Sendable, CustomTestStringConvertible {
    var model: String
    var key: String
    var value: String
    var code: LanguageModelDomain.Code = .unsupported

    var testDescription: String { "\(model) \(key) \(value)" }
}

@Suite("Loading")
struct ModelLoaderTests {
    @Test("A description needs no weights")
    func describes() throws {
        let description = try describeLanguageModel(folder: "\(fixtures)/gemma2")
        #expect(description.architecture == "gemma2")
        #expect(description.layers == 3 && description.modelSize == 24 && description.heads == 4)
        #expect(description.vocabulary == 64 && description.contextSize == 32)
        #expect(try Fixture("gemma2").model.description == description)
    }

    @Test("An unknown architecture is refused with the known ones")
    func unknownArchitecture() throws {
        let copy = try ModelCopy("llama")
        try copy.set("model_type", "\"lama\"")
        let failure = try copy.error()
        #expect(failure.code == .unsupported)
        #expect(failure.description.contains("`llama`; known are gemma, gemma2, gemma3, "))
    }

    @Test("A missing folder, config or weight file is named")
    func missingFiles() throws {
        #expect(throws: LanguageModelError.self) {
            try loadLanguageModel(folder: "/nowhere", backend: ReferenceBackend())
        }
        let copy = try ModelCopy("llama")
        #expect(remove("\(copy.folder)/model.safetensors") == 0)
        #expect(try copy.error().code == .missingFile)
        #expect(try describeLanguageModel(folder: copy.folder).layers == 2)
    }

    @Test("A config that is no JSON object is refused", arguments: ["", "[1]", "{\"a\":", "3"])
    func badConfig(text: String) throws {
        let copy = try ModelCopy("llama")
        try writeFile(Array(text.utf8), to: "\(copy.folder)/config.json")
        #expect(try copy.error().code == .badConfig)
    }

    @Test(
        "A setting that would change numbers is refused by name",
        arguments: [
            Refusal(
                model: "llama", key: "rope_scaling",
                value: "{\"type\": \"dynamic\", \"factor\": 2.0}"),
            Refusal(
                model: "llama", key: "rope_scaling",
                value: "{\"rope_type\": \"longrope\", \"type\": \"linear\", \"factor\": 2.0}"),
            Refusal(model: "llama", key: "rope_scaling", value: "{\"rope_type\": 3}"),
            Refusal(
                model: "llama", key: "rope_scaling", value: "{\"rope_type\": \"llama3\"}",
                code: .badConfig),
            Refusal(
                model: "llama", key: "rope_scaling",
                value: "{\"rope_type\": \"linear\", \"factor\": 0}", code: .badConfig),
            Refusal(
                model: "llama", key: "rope_scaling",
                value: "{\"rope_type\": \"linear\", \"factor\": 2, \"beta_fast\": 32}"),
            Refusal(
                model: "llama3", key: "rope_scaling",
                value: """
                    {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}
                    """, code: .badConfig),
            Refusal(
                model: "llama3", key: "rope_parameters",
                value: "{\"rope_type\": \"linear\", \"factor\": 8}", code: .badConfig),
            Refusal(
                model: "llama", key: "rope_parameters",
                value: "{\"rope_type\": \"yarn\", \"factor\": 4}"),
            Refusal(
                model: "llama", key: "rope_parameters",
                value: "{\"rope_type\": \"default\", \"attention_factor\": 4}"),
            Refusal(
                model: "llama", key: "rope_parameters", value: "{\"rope_theta\": 5000.0}",
                code: .badConfig),
            Refusal(model: "llama", key: "rope_parameters", value: "7", code: .badConfig),
            Refusal(model: "llama", key: "partial_rotary_factor", value: "0.5"),
            Refusal(model: "llama", key: "rope_interleaved", value: "true"),
            Refusal(model: "llama", key: "sliding_window", value: "8"),
            Refusal(
                model: "llama", key: "layer_types",
                value: "[\"full_attention\", \"sliding_attention\"]"),
            Refusal(model: "llama", key: "hidden_act", value: "\"mish\""),
            Refusal(model: "llama", key: "quantization_config", value: "{\"bits\": 4}"),
            Refusal(model: "llama", key: "pruned_heads", value: "{\"0\": [1]}"),
            Refusal(model: "gpt2", key: "scale_attn_by_inverse_layer_idx", value: "true"),
            Refusal(model: "gpt2", key: "scale_attn_weights", value: "false"),
            Refusal(model: "gpt2", key: "add_cross_attention", value: "true"),
            Refusal(model: "gpt2", key: "activation_function", value: "\"tanh\""),
            Refusal(model: "gemma2", key: "use_bidirectional_attention", value: "true"),
            Refusal(
                model: "gemma2", key: "layer_types", value: "[\"full_attention\"]", code: .badConfig
            ),
            Refusal(
                model: "gemma2", key: "layer_types",
                value: "[\"full_attention\", \"chunked_attention\", \"full_attention\"]",
                code: .badConfig),
            Refusal(model: "neox", key: "rotary_pct", value: "0.5", code: .badConfig),
            Refusal(model: "neox", key: "rope_parameters", value: "{\"rope_type\": \"dynamic\"}"),
            Refusal(model: "neox", key: "hidden_size", value: "17", code: .badConfig),
            Refusal(model: "neox", key: "num_hidden_layers", value: "0", code: .badConfig),
            Refusal(model: "neox", key: "num_hidden_layers", value: "99999999", code: .badConfig),
            Refusal(model: "neox", key: "vocab_size", value: "1e30", code: .badConfig),
            Refusal(model: "neox", key: "vocab_size", value: "\"64\"", code: .badConfig),
            Refusal(model: "neox", key: "layer_norm_eps", value: "-1", code: .badConfig),
            Refusal(model: "neox", key: "use_parallel_residual", value: "1", code: .badConfig),
            Refusal(model: "llama", key: "num_key_value_heads", value: "4", code: .badConfig),
            Refusal(model: "llama", key: "head_dim", value: "16777216", code: .badConfig),
            Refusal(model: "mistral", key: "attention_bias", value: "true"),
            Refusal(model: "mistral", key: "mlp_bias", value: "true"),
            Refusal(
                model: "mistral", key: "layer_types",
                value: "[\"full_attention\", \"sliding_attention\"]"),
            Refusal(model: "mistral", key: "sliding_window", value: "0", code: .badConfig),
            Refusal(model: "olmo2", key: "clip_qkv", value: "8.0"),
            Refusal(model: "olmo2", key: "mlp_bias", value: "true"),
            Refusal(model: "olmo2", key: "sliding_window", value: "8"),
            Refusal(model: "olmo2", key: "partial_rotary_factor", value: "0.5"),
            Refusal(
                model: "olmo2", key: "rope_scaling",
                value: "{\"rope_type\": \"yarn\", \"factor\": 8.0}"),
            Refusal(
                model: "olmo2", key: "layer_types",
                value: "[\"sliding_attention\", \"full_attention\"]"),
            Refusal(model: "qwen2", key: "attention_bias", value: "false"),
            Refusal(model: "qwen2", key: "max_window_layers", value: "-1", code: .badConfig),
            Refusal(model: "qwen2", key: "quantization_config", value: "{\"bits\": 4}"),
            Refusal(
                model: "qwen3", key: "layer_types",
                value: "[\"full_attention\", \"sliding_attention\"]", code: .badConfig),
            Refusal(model: "qwen3", key: "mlp_bias", value: "true"),
            Refusal(model: "gemma", key: "use_bidirectional_attention", value: "true"),
            Refusal(model: "gemma", key: "sliding_window", value: "8"),
            Refusal(
                model: "gemma", key: "hidden_activation", value: "\"gelu\"", code: .badConfig),
            Refusal(model: "gemma2", key: "sliding_window", value: "null", code: .badConfig),
            Refusal(model: "gemma3", key: "sliding_window", value: "null", code: .badConfig),
            Refusal(model: "gemma3", key: "attn_logit_softcapping", value: "50.0"),
            Refusal(model: "gemma3", key: "use_bidirectional_attention", value: "true"),
            Refusal(
                model: "gemma3", key: "rope_parameters",
                value: "{\"rope_type\": \"default\", \"rope_theta\": 50.0}"),
            Refusal(
                model: "gemma3", key: "rope_parameters",
                value: "{\"full_attention\": {\"rope_type\": \"yarn\"}}"),
        ])
    func refused(refusal: Refusal) throws {
        let copy = try ModelCopy(refusal.model)
        try copy.set(refusal.key, refusal.value)
        let failure = try #require(throws: LanguageModelError.self) {
            _ = try describeLanguageModel(folder: copy.folder)
        }
        #expect(failure.code == refusal.code)
        #expect(failure.description.contains("\(copy.folder)/config.json"))
        let named = [
            refusal.key, "rope_theta", "rope_scaling", "partial_rotary_factor", "heads",
        ]
        #expect(named.contains { failure.description.contains($0) }, "\(failure)")
        #expect(try copy.error().code == refusal.code)
    }

    @Test(
        "A missing size is named", arguments: ["hidden_size", "vocab_size", "num_attention_heads"])
    func missingKey(key: String) throws {
        let copy = try ModelCopy("neox")
        try copy.set(key, nil)
        #expect(try copy.error().description.contains("lacks `\(key)`"))
    }

    @Test("The spellings of transformers 4 and 5 mean the same")
    func spellings() throws {
        let copy = try ModelCopy("llama")
        try copy.set("rope_theta", nil)
        try copy.set("rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 100000.0}")
        let fixture = try Fixture("llama")
        #expect(
            try copy.load().run(fixture.pass()).logits?.content == fixture.logits().content)
        try copy.set("rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 90000.0}")
        #expect(
            try copy.load().run(fixture.pass()).logits?.content != fixture.logits().content)
    }
}
