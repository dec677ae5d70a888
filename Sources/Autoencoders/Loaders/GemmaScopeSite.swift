/// The sites in a block that Gemma Scope 2 has autoencoders of, under the names of TransformerLens.
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

    /// Reads the site from a name such as `model.layers.12.output`; nil for other modules.
    init?(module name: String) {
        let end = name.split(separator: ".").drop { $0 != "layers" }.dropFirst(2)
            .joined(separator: ".")
        guard let site = Self.allCases.first(where: { $0.moduleEnd == end }) else { return nil }
        self = site
    }

    /// Reads the site from the folders' names, the innermost first; nil when none of them says one.
    init?(_ location: AutoencoderLocation) {
        for component in location.components.reversed() {
            guard let mark = Self.folderMarks.first(where: { component.contains($0.name) }) else {
                continue
            }
            self = mark.site
            return
        }
        return nil
    }

    /// What folders of a site have in their names.
    private static let folderMarks: [(name: String, site: GemmaScopeSite)] = [
        ("resid_post", .residual), ("attn_out", .attention), ("mlp_out", .mlp),
        ("transcoder", .transcoder),
    ]
}
