import Basics

/// Gemma, the first release: Llama with a gate of GELU and wide heads.
///
/// Norms multiply by one plus the stored weight. The embedding is multiplied by the square root of
/// the model size, rounded to the type in which the table is stored, as transformers does when it
/// runs in that type.
///
/// - Source: Gemma Team 2024; `GemmaForCausalLM` of transformers.
enum Gemma {
    /// Reads and checks all keys that change a number.
    static func settings(_ config: ModelConfig) throws(LanguageModelError) -> GatedSettings {
        let config = try config.filled(with: [
            "num_key_value_heads": .integer(16), "head_dim": .integer(256),
            "tie_word_embeddings": .bool(true),
        ])
        try config.refuseUnsupported(switches: ["use_bidirectional_attention", "mlp_bias"])
        try config.refuseWindows()
        var settings = try GatedSettings("gemma", config, activation: config.gemmaActivation())
        settings.takeGemmaNorms()
        settings.embeddingScale = .rootAsStored
        if try config.truth("attention_bias", default: false) { settings.biases = .attention }
        return settings
    }
}

extension GatedSettings {
    /// Sets what the norms of all Gemmas have in common.
    mutating func takeGemmaNorms() { normOffset = 1 }
}

extension ModelConfig {
    /// The activation function of the first Gemma.
    ///
    /// Its first configs say `gelu` under `hidden_act` where the tanh form is meant, and
    /// transformers reads them so. A later key, `hidden_activation`, says what it means.
    fileprivate func gemmaActivation() throws(LanguageModelError) -> ActivationName {
        let old = try activation("hidden_act", default: .geluTanh)
        let meant = old == .gelu ? .geluTanh : old
        guard let value = self["hidden_activation"] else { return meant }
        let new = try activation("hidden_activation", default: .geluTanh)
        guard self["hidden_act"] == nil || new == meant else {
            throw bad("hidden_activation", value, allowed: "what `hidden_act` says")
        }
        guard new != .gelu else {
            throw unsupported("hidden_activation", value, allowed: ActivationName.geluTanh.rawValue)
        }
        return new
    }
}
