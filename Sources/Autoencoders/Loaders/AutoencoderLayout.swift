import Basics

/// What this room asks of a file: one way autoencoders lie on disk.
protocol AutoencoderLayout: Sendable {
    /// The name in listings.
    var name: String { get }
    /// The files that an autoencoder of this layout has in its folder; all count for its hash.
    var files: [String] { get }
    /// Describes an autoencoder without reading its weights.
    ///
    /// - Parameter facts: what is known besides the files; the reference keeps it for ``load``.
    func reference(toFolder path: String, release: String, id: String, facts: AutoencoderFacts)
        throws -> AutoencoderReference
    /// Loads an autoencoder.
    func load(_ reference: AutoencoderReference, foldingDecoderNorms: Bool) throws
        -> any Autoencoder
}

/// The layouts that are read, one line each.
let autoencoderLayouts: [any AutoencoderLayout] = [
    SAELensLayout()
]

/// Files of layouts that are known and not read yet, and of folders that are incomplete: what such
/// a folder has, how it is listed, and what it lacks.
let unreadLayouts: [(file: String, name: String, missing: String?)] = [
    ("ae.pt", "dictionary_learning", nil),
    ("params.npz", "gemma_scope", nil),
    ("params.safetensors", "gemma_scope_2", nil),
    ("sae.safetensors", "sparsify", nil),
    (
        SAELensLayout.configurationFile, "sae_lens without \(SAELensLayout.weightFile)",
        SAELensLayout.weightFile
    ),
    (
        SAELensLayout.weightFile, "sae_lens without \(SAELensLayout.configurationFile)",
        SAELensLayout.configurationFile
    ),
]

/// The layout of a name.
func autoencoderLayout(
    named name: String, path: String
) throws(AutoencoderError) -> any AutoencoderLayout {
    if let layout = autoencoderLayouts.first(where: { $0.name == name }) { return layout }
    throw AutoencoderError(
        .unsupported, "\(path): layout `\(name)` is unknown",
        advice: suggestion(for: name, among: autoencoderLayouts.map(\.name)))
}
