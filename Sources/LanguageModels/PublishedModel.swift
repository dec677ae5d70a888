import Basics
import Tensors

/// A model of the hub whose sizes are known without its files.
public struct PublishedModel: Sendable {
    /// The id on the hub.
    public let id: String
    /// The type in which the hub has its weights.
    public let storedType: ElementType
    /// Its `config.json`, reduced to what decides sizes.
    private let config: String

    /// Sizes and names, decoded like those of a folder.
    ///
    /// - Throws: ``LanguageModelError`` only for a fault of the table.
    public func description() throws -> ModelDescription {
        let source = "the sizes known of \(id)"
        return try describeLanguageModel(
            json: try JSON(parsing: Array(config.utf8), source: source), source: source)
    }

    /// The model of a hub id, with or without a revision; nil when nothing is known of it.
    public static func named(_ id: String) -> PublishedModel? {
        let name = id.split(separator: "@").first.map(String.init) ?? id
        return all.first { $0.id == name }
    }

    /// The models that plans know without files. A new one is one entry.
    ///
    /// - Source: the `config.json` of each repository.
    public static let all: [PublishedModel] = [
        gemma2("google/gemma-2-2b", .float32, gemma2B),
        gemma2("google/gemma-2-2b-it", .bfloat16, gemma2B),
        gemma2("google/gemma-2-9b", .float32, gemma9B),
        gemma2("google/gemma-2-9b-it", .bfloat16, gemma9B),
        pythia("70m", modelSize: 512, layers: 6, heads: 8),
        pythia("160m", modelSize: 768, layers: 12, heads: 12),
        pythia("410m", modelSize: 1024, layers: 24, heads: 16),
        PublishedModel(
            id: "gpt2", storedType: .float32,
            config: """
                {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12,
                 "n_positions": 1024, "vocab_size": 50257, "activation_function": "gelu_new"}
                """),
        PublishedModel(
            id: "meta-llama/Llama-3.1-8B", storedType: .bfloat16,
            config: """
                {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
                 "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
                 "vocab_size": 128256, "max_position_embeddings": 131072, "hidden_act": "silu",
                 "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "tie_word_embeddings": false,
                 "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                 "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}
                """),
    ]

    /// What Gemma 2 2B has besides what all have.
    private static let gemma2B = """
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
        "num_attention_heads": 8, "num_key_value_heads": 4
        """

    /// What Gemma 2 9B has besides what all have.
    private static let gemma9B = """
        "hidden_size": 3584, "intermediate_size": 14336, "num_hidden_layers": 42,
        "num_attention_heads": 16, "num_key_value_heads": 8
        """

    /// A model of the family Gemma 2.
    private static func gemma2(_ id: String, _ type: ElementType, _ sizes: String) -> PublishedModel
    {
        PublishedModel(
            id: id, storedType: type,
            config: """
                {"model_type": "gemma2", \(sizes), "head_dim": 256, "vocab_size": 256000,
                 "max_position_embeddings": 8192, "sliding_window": 4096,
                 "query_pre_attn_scalar": 256, "attn_logit_softcapping": 50.0,
                 "final_logit_softcapping": 30.0, "rms_norm_eps": 1e-06, "rope_theta": 10000.0,
                 "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true}
                """)
    }

    /// A Pythia model trained on the deduplicated Pile.
    private static func pythia(
        _ size: String, modelSize: Int, layers: Int, heads: Int
    ) -> PublishedModel {
        PublishedModel(
            id: "EleutherAI/pythia-\(size)-deduped", storedType: .float16,
            config: """
                {"model_type": "gpt_neox", "hidden_size": \(modelSize),
                 "intermediate_size": \(4 * modelSize), "num_hidden_layers": \(layers),
                 "num_attention_heads": \(heads), "vocab_size": 50304,
                 "max_position_embeddings": 2048, "rotary_pct": 0.25, "rotary_emb_base": 10000,
                 "layer_norm_eps": 1e-05, "hidden_act": "gelu", "use_parallel_residual": true,
                 "tie_word_embeddings": false}
                """)
    }
}
