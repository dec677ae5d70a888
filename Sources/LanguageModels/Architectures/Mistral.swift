import Basics

/// Mistral: Llama whose attention sees a window of positions in every block, without biases.
///
/// Later releases have no window; their configs then say `null`.
///
/// - Source: Jiang et al. 2023; `MistralForCausalLM` of transformers.
enum Mistral {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: [
            "num_key_value_heads": .integer(8), "sliding_window": .integer(4096),
        ])
        try config.refuseUnsupported(switches: ["attention_bias", "mlp_bias"])
        var settings = try GatedSettings("mistral", config)
        let window = try config.size(ifPresent: "sliding_window")
        settings.windows = try config.windows(layers: settings.layers, width: window) { _ in
            window != nil
        }
        guard settings.windows.allSatisfy({ $0 == window }) else {
            throw config.unsupported(
                "layer_types", config["layer_types"] ?? .null,
                allowed: "`sliding_attention` throughout, as transformers computes it")
        }
        return settings
    }
}
