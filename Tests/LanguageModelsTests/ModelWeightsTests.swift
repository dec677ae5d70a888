import Basics
import Tensors
import Testing

@testable import LanguageModels

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

    @Test("A bias that the config denies is refused", arguments: ["attention_bias", "mlp_bias"])
    func deniedBias(key: String) throws {
        let copy = try ModelCopy("llama-biased")
        try copy.set(key, "false")
        let failure = try copy.error()
        #expect(failure.code == .badConfig)
        #expect(failure.description.contains("proj.bias"))
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
