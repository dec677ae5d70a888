import Basics

/// Gemma 3, its text part: ``Gemma2`` whose query and key heads are normed in place of the soft cap
/// on scores.
///
/// Five blocks with a window to one without. The two kinds have rotary embeddings of their own:
/// base 10,000 under a window, base 1,000,000 without one, and only the latter is stretched.
///
/// The root of the model size is not rounded, unlike that of ``Gemma2``: numbers are those of
/// transformers in `float32`.
///
/// - Source: Gemma Team 2025; `Gemma3ForCausalLM` of transformers.
enum Gemma3 {
    /// Reads and checks all keys that change a number.
    ///
    /// - Parameter name: `model_type` of the config.
    static func settings(
        _ config: ModelConfig, name: String = "gemma3_text"
    ) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: [
            "num_attention_heads": .integer(8), "num_key_value_heads": .integer(4),
            "head_dim": .integer(256), "vocab_size": .integer(262_208),
            "max_position_embeddings": .integer(131_072), "tie_word_embeddings": .bool(true),
            "sliding_window": .integer(4096),
        ])
        try config.refuseUnsupported(switches: ["use_bidirectional_attention", "mlp_bias"])
        if let value = config["attn_logit_softcapping"] {
            throw config.unsupported("attn_logit_softcapping", value, allowed: "null")
        }
        var settings = try GatedSettings(
            name, config, base: 1_000_000, layerType: .full,
            activation: config.activation("hidden_activation", default: .geluTanh))
        settings.slidingRotary = try RotarySettings(
            config, headSize: settings.attention.headSize, base: 10_000, layerType: .sliding)
        settings.takeGemmaNorms()
        (settings.hasPostNorms, settings.hasHeadNorms) = (true, true)
        settings.embeddingScale = .root
        if try config.truth("attention_bias", default: false) { settings.biases = .attention }
        let scalar = try config.positive("query_pre_attn_scalar", default: 256)
        settings.attention.scale = 1 / Float(scalar).squareRoot()
        settings.logitCap = try config.cap("final_logit_softcapping")
        let period = try config.size(ifPresent: "sliding_window_pattern") ?? 6
        settings.windows = try config.windows(
            layers: settings.layers, width: config.size(ifPresent: "sliding_window")
        ) { ($0 + 1) % period != 0 }
        return settings
    }

    /// Reads the text part of a model that also sees pictures; pictures are not read.
    static func textSettings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        try config.refuseUnsupported()
        guard let text = try config.object(ifPresent: "text_config") else {
            throw LanguageModelError(
                .badConfig, "\(config.path) lacks `text_config`",
                advice: "use the config.json that came with the weights")
        }
        if let type = text["model_type"], type.text != "gemma3_text" {
            throw text.unsupported("model_type", type, allowed: "gemma3_text")
        }
        let tied = try config.truth("tie_word_embeddings", default: true)
        guard try text.truth("tie_word_embeddings", default: tied) == tied else {
            throw text.bad("tie_word_embeddings", .bool(!tied), allowed: "that of the whole model")
        }
        let filled = try text.filled(with: ["tie_word_embeddings": .bool(tied)])
        var settings = try Self.settings(filled, name: "gemma3")
        // The spelling of transformers 4 first, the bare one of its text models last.
        settings.prefixes = [
            "language_model.model.", "model.language_model.", "language_model.", "model.",
        ]
        return settings
    }
}
