import Basics

/// Qwen 3: Llama whose query and key heads are normed one by one before they are rotated.
///
/// Windows are those of ``Qwen2``; biases of attention are an option.
///
/// - Source: Qwen Team 2025; `Qwen3ForCausalLM` of transformers.
enum Qwen3 {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: [
            "num_key_value_heads": .integer(32), "head_dim": .integer(128),
        ])
        try config.refuseUnsupported(switches: ["mlp_bias"])
        var settings = try GatedSettings("qwen3", config)
        settings.hasHeadNorms = true
        if try config.truth("attention_bias", default: false) { settings.biases = .attention }
        settings.windows = try config.qwenWindows(layers: settings.layers)
        return settings
    }
}
