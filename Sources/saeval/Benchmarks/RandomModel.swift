import Basics
import Formats
import Kernels
import LanguageModels
import Tensors

/// Tensors in memory under the names that files would give them.
struct NamedTensors: TensorSource {
    /// What stands in messages instead of a path.
    let path: String
    /// The tensors by name.
    var tensors: [String: Tensor] = [:]

    /// All names, sorted.
    var tensorNames: [String] {
        tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether a tensor of that name is there.
    func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// The lengths of a tensor's axes.
    func shape(of name: String) throws(FormatError) -> [Int] { try tensor(name).shape }

    /// How a tensor is stored.
    func type(of name: String) throws(FormatError) -> ElementType { try tensor(name).type }

    /// The tensor of a name.
    func tensor(_ name: String) throws(FormatError) -> Tensor {
        guard let tensor = tensors[name] else {
            throw FormatError(
                .tensorMissing, "\(path) has no tensor `\(name)`",
                advice: "one of the \(tensors.count) tensors there")
        }
        return tensor
    }
}

/// Sizes of a Gemma 2 with random weights.
struct RandomGemma2 {
    /// Blocks, width of the stream and of the MLP, and tokens in the table.
    var (layers, model, inner, vocabulary): (Int, Int, Int, Int)
    /// Query heads, key heads and elements of a head.
    var (heads, keyHeads, headSize): (Int, Int, Int)
    /// How matrices are stored.
    var type: ElementType

    /// The sizes of Gemma-2-2B: 2.6 billion parameters, 5.2 GB.
    static let full = RandomGemma2(
        layers: 26, model: 2304, inner: 9216, vocabulary: 256_000, heads: 8, keyHeads: 4,
        headSize: 256, type: .bfloat16)
    /// As small as it can be.
    static let quick = RandomGemma2(
        layers: 3, model: 64, inner: 128, vocabulary: 503, heads: 4, keyHeads: 2, headSize: 16,
        type: .bfloat16)

    /// What `config.json` would say.
    var config: JSON {
        .object([
            "model_type": .string("gemma2"), "num_hidden_layers": .integer(layers),
            "hidden_size": .integer(model), "intermediate_size": .integer(inner),
            "vocab_size": .integer(vocabulary), "max_position_embeddings": .integer(8192),
            "num_attention_heads": .integer(heads), "num_key_value_heads": .integer(keyHeads),
            "head_dim": .integer(headSize), "query_pre_attn_scalar": .integer(headSize),
            "hidden_activation": .string("gelu_pytorch_tanh"), "rms_norm_eps": .number(1e-6),
        ])
    }

    /// Makes the weights in the GPU's memory, each matrix in memory of its own.
    func load(_ benchmark: inout GPUBenchmark) throws -> any LanguageModel {
        var weights = NamedTensors(path: "a model of random weights")
        /// A matrix whose products keep the size of what goes in.
        func matrix(_ name: String, _ outputs: Int, _ inputs: Int) throws {
            weights.tensors[name] = try benchmark.numbers(
                [outputs, inputs], type, scale: 1.7 / Float(inputs).squareRoot())
        }
        /// A norm that changes nothing besides.
        func norm(_ name: String) { weights.tensors[name] = Tensor(zeros: [model]) }

        try matrix("model.embed_tokens.weight", vocabulary, model)
        norm("model.norm.weight")
        for layer in 0..<layers {
            let block = "model.layers.\(layer)"
            for name in [
                "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                "post_feedforward_layernorm",
            ] {
                norm("\(block).\(name).weight")
            }
            try matrix("\(block).self_attn.q_proj.weight", heads * headSize, model)
            try matrix("\(block).self_attn.k_proj.weight", keyHeads * headSize, model)
            try matrix("\(block).self_attn.v_proj.weight", keyHeads * headSize, model)
            try matrix("\(block).self_attn.o_proj.weight", model, heads * headSize)
            try matrix("\(block).mlp.gate_proj.weight", inner, model)
            try matrix("\(block).mlp.up_proj.weight", inner, model)
            try matrix("\(block).mlp.down_proj.weight", model, inner)
        }
        return try loadLanguageModel(
            config: config, tensors: weights, backend: benchmark.backend)
    }

    /// Repeatable tokens.
    func tokens(_ count: Int) -> [Int32] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int32((state >> 33) % UInt64(vocabulary))
        }
    }
}
