import Basics

/// Qwen 2 and 2.5: Llama whose queries, keys and values have biases and the output has none.
///
/// From `max_window_layers` on, blocks see a window of positions if `use_sliding_window` says so.
///
/// - Source: Qwen Team 2024; `Qwen2ForCausalLM` of transformers.
enum Qwen2 {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: ["num_key_value_heads": .integer(32)])
        try config.refuseUnsupported(switches: ["mlp_bias"])
        if let value = config["attention_bias"] {
            throw config.unsupported("attention_bias", value, allowed: "absent")
        }
        var settings = try GatedSettings("qwen2", config)
        settings.biases = .queryKeyValue
        settings.windows = try config.qwenWindows(layers: settings.layers)
        return settings
    }
}

extension ModelConfig {
    /// The windows of the Qwen families.
    func qwenWindows(layers: Int) throws(LanguageModelError) -> [Int?] {
        let config = try filled(with: ["sliding_window": .integer(4096)])
        let slides = try config.truth("use_sliding_window", default: false)
        let width = slides ? try config.size(ifPresent: "sliding_window") : nil
        let first = config["max_window_layers"] ?? .integer(28)
        guard let first = first.integer, first >= 0 else {
            throw bad("max_window_layers", first, allowed: "an integer from 0")
        }
        return try config.windows(layers: layers, width: width) {
            width != nil && $0 >= first
        }
    }
}
