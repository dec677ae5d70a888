import Basics

/// Gemma 2: ``Gemma`` with two more norms, soft caps and windows.
///
/// `mid = x + norm₂(attention(norm₁(x)))`, `out = mid + norm₄(down(gelu(gate(h)) · up(h)))` with
/// `h = norm₃(mid)`. The norms before the sums belong to attention and MLP, so `hook_attn_out` and
/// `hook_mlp_out` come after them.
///
/// Soft caps on scores and logits, a factor on scores of its own, a sliding window in every other
/// block from the first on.
///
/// - Source: Gemma Team 2024; `Gemma2ForCausalLM` of transformers.
enum Gemma2 {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: [
            "num_key_value_heads": .integer(4), "head_dim": .integer(256),
            "tie_word_embeddings": .bool(true), "attn_logit_softcapping": .integer(50),
            "final_logit_softcapping": .integer(30), "sliding_window": .integer(4096),
        ])
        try config.refuseUnsupported(switches: ["use_bidirectional_attention", "mlp_bias"])
        var settings = try GatedSettings(
            "gemma2", config,
            activation: config.activation("hidden_activation", default: .geluTanh))
        settings.takeGemmaNorms()
        settings.hasPostNorms = true
        settings.embeddingScale = .rootAsStored
        if try config.truth("attention_bias", default: false) { settings.biases = .attention }
        let scalar = try config.positive("query_pre_attn_scalar", default: 256)
        settings.attention.scale = 1 / Float(scalar).squareRoot()
        settings.attention.softCap = try config.cap("attn_logit_softcapping")
        settings.logitCap = try config.cap("final_logit_softcapping")
        settings.windows = try config.windows(
            layers: settings.layers, width: config.size(ifPresent: "sliding_window")
        ) { $0 % 2 == 0 }
        return settings
    }
}
