import Basics

/// Llama, the architecture of SmolLM2 and many others.
///
/// `mid = x + attention(norm₁(x))`, `out = mid + down(silu(gate(h)) · up(h))` with
/// `h = norm₂(mid)`.
///
/// Biases and the size of a head are options; Llama 3.1 and later stretch the rotary frequencies,
/// see ``RotaryScaling``.
///
/// - Source: Touvron et al. 2023; `LlamaForCausalLM` of transformers.
enum Llama {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        try config.refuseUnsupported()
        try config.refuseWindows()
        var settings = try GatedSettings("llama", config)
        if try config.truth("attention_bias", default: false) {
            settings.biases.formUnion(.attention)
        }
        if try config.truth("mlp_bias", default: false) { settings.biases.insert(.mlp) }
        return settings
    }
}
