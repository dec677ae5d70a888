/// The places that Gemma Scope 2 has autoencoders of, under the names of TransformerLens.
enum GemmaScopeSite: String, CaseIterable {
    case residual = "hook_resid_post"
    case attention = "attn.hook_z"
    case mlp = "hook_mlp_out"
    case transcoder = "hook_mlp_in"

    /// The end of its name in transformers.
    private var moduleEnd: String {
        switch self {
        case .residual: "output"
        case .attention: "self_attn.o_proj.input"
        case .mlp: "post_feedforward_layernorm.output"
        case .transcoder: "pre_feedforward_layernorm.output"
        }
    }

    /// Its name in transformers, such as `model.layers.12.output`.
    func module(layer: Int) -> String { "model.layers.\(layer).\(moduleEnd)" }

    /// Reads the place from a name such as `model.layers.12.output`; nil for other modules.
    init?(module name: String) {
        let end = name.split(separator: ".").drop { $0 != "layers" }.dropFirst(2)
            .joined(separator: ".")
        guard let site = Self.allCases.first(where: { $0.moduleEnd == end }) else { return nil }
        self = site
    }

    /// Reads the place from the folders' names; nil when none of them says one.
    init?(_ place: AutoencoderPlace) {
        for component in place.components.reversed() {
            if component.contains("resid_post") {
                self = .residual
                return
            }
            if component.contains("attn_out") {
                self = .attention
                return
            }
            if component.contains("mlp_out") {
                self = .mlp
                return
            }
            if component.contains("transcoder") {
                self = .transcoder
                return
            }
        }
        return nil
    }
}
