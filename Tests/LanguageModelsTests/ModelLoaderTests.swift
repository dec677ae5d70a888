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
        #expect(failure.description.contains("`llama`; known are gemma2, gpt2, gpt_neox, llama"))
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
                value: "{\"type\": \"linear\", \"factor\": 2.0}"),
            Refusal(model: "llama", key: "rope_scaling", value: "{\"rope_type\": \"llama3\"}"),
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
        ])
    func refused(refusal: Refusal) throws {
        let copy = try ModelCopy(refusal.model)
        try copy.set(refusal.key, refusal.value)
        let failure = try #require(throws: LanguageModelError.self) {
            _ = try describeLanguageModel(folder: copy.folder)
        }
        #expect(failure.code == refusal.code)
        #expect(failure.description.contains("\(copy.folder)/config.json"))
        let named = [refusal.key, "rope_theta", "partial_rotary_factor", "heads"]
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

@Suite("Weights")
struct ModelWeightsTests {
    @Test("A missing tensor is named", arguments: fixtureNames)
    func missingTensor(name: String) throws {
        let copy = try ModelCopy(name)
        var dropped = ""
        try copy.rewrite { name, tensor in
            guard dropped.isEmpty, name.contains(".1.") else { return (name, tensor) }
            dropped = name
            return nil
        }
        let failure = try copy.error()
        #expect(failure.code == .missingTensor)
        #expect(failure.description.contains("`\(dropped)`"))
    }

    @Test("A tensor of another shape is named with both shapes", arguments: fixtureNames)
    func wrongShape(name: String) throws {
        let copy = try ModelCopy(name)
        var changed = ("", [Int]())
        try copy.rewrite { name, tensor in
            guard changed.0.isEmpty, name.contains(".1."), name.hasSuffix("weight") else {
                return (name, tensor)
            }
            changed = (name, tensor.shape)
            return (name, tensor.reshaped([1] + tensor.shape))
        }
        let failure = try copy.error()
        #expect(failure.code == .wrongShape)
        #expect(failure.description.contains("`\(changed.0)` has shape \([1] + changed.1)"))
        #expect(failure.description.contains("asks for \(changed.1)"))
    }

    @Test("Weights that are no floats are refused")
    func wrongType() throws {
        let copy = try ModelCopy("neox")
        try copy.rewrite { name, tensor in
            name.contains("embed_in")
                ? (name, Tensor(uninitialized: tensor.shape, type: .int8)) : (name, tensor)
        }
        let failure = try copy.error()
        #expect(failure.code == .unsupported)
        #expect(failure.description.contains("int8"))
    }

    @Test("A tied model may repeat its embedding but not contradict it")
    func tied() throws {
        let copy = try ModelCopy("llama")
        var embedding: Tensor?
        try copy.rewrite { name, tensor in
            if name.contains("embed_tokens") { embedding = tensor }
            return (name, tensor)
        }
        let table = try #require(embedding)
        try copy.rewrite(adding: [("lm_head.weight", table)]) { ($0, $1) }
        #expect(try copy.load().description.embeddingParameters == 64 * 24)
        let other = table.copied()
        other.bytes.storeBytes(of: 0x55, toByteOffset: 9, as: UInt8.self)
        try copy.rewrite { $0 == "lm_head.weight" ? ($0, other) : ($0, $1) }
        #expect(try copy.error().description.contains("tie_word_embeddings"))
    }

    @Test("An untied model needs its unembedding")
    func untied() throws {
        let copy = try ModelCopy("llama")
        try copy.set("tie_word_embeddings", "false")
        #expect(try copy.error().description.contains("lm_head.weight"))
    }

    @Test("A damaged weight file is an error")
    func damaged() throws {
        let copy = try ModelCopy("llama")
        let path = "\(copy.folder)/model.safetensors"
        try writeFile(Array(try readFile(path).prefix(2000)), to: path)
        #expect(try copy.error().description.contains("model.safetensors"))
    }
}
