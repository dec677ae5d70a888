import Basics

/// What this room asks of a file: one way autoencoders lie on disk.
///
/// Most layouts only translate: ``translate(_:)`` gives their configuration and tensors under the
/// names of SAELens, and the rest has a default.
protocol AutoencoderLayout: Sendable {
    /// The name in listings and in `sae.yaml`.
    var name: String { get }
    /// The files that tell an autoencoder of this layout, for messages.
    var files: [String] { get }
    /// Whether a folder may hold several, one weight file each.
    var isPerFile: Bool { get }
    /// Names of tensors that tell a file of this layout from files of others with the same names;
    /// one of them is enough.
    var marks: [String] { get }
    /// Whether SAELens computes another function of published files than their owner's program, so
    /// that the same bytes give other numbers by a name of the directory.
    var hasPublishedForm: Bool { get }
    /// The files of each autoencoder that a folder holds, the weights first, by paths in it.
    ///
    /// - Parameter names: what lies in the folder, in the order of bytes.
    func autoencoders(among names: [String], in folder: String) -> [[String]]
    /// The same autoencoder under the configuration and the tensor names of SAELens.
    func translate(_ location: AutoencoderLocation) throws -> AutoencoderTranslation
    /// Describes an autoencoder without reading its weights.
    func reference(to location: AutoencoderLocation, release: String, id: String) throws
        -> AutoencoderReference
    /// Loads an autoencoder.
    func load(_ reference: AutoencoderReference, foldingDecoderNorms: Bool) throws
        -> any Autoencoder
}

extension AutoencoderLayout {
    /// One for each folder.
    var isPerFile: Bool { false }
    /// Files of these names are of this layout alone.
    var marks: [String] { [] }
    /// The same function.
    var hasPublishedForm: Bool { false }

    /// One, when the folder has all of ``files``.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        files.allSatisfy { names.contains($0) || $0.contains("/") && fileExists("\(folder)/\($0)") }
            ? [files] : []
    }
}

/// The layouts that are read, one line each; the first that fits a folder takes it.
let autoencoderLayouts: [any AutoencoderLayout] = [
    SAELensLayout(),
    DictionaryLearningLayout(),
    GemmaScopeLayout(),
    GemmaScope2Layout(),
    SparsifyLayout(),
    LlamaScopeLayout(),
    LlamaScopeDistillLayout(),
    LlamascopiumLayout(),
    QwenScopeLayout(),
    DeepSeekR1Layout(),
    GoodfireLayout(),
    HookZLayout(),
    PCALayout(),
    OpenAILayout(),
    IdentityLayout(),
    CustomLayout(),
]

/// Folders that lack a file: what such a folder has, how it is listed, and what it lacks.
let incompleteLayouts: [(file: String, name: String, missing: String)] = [
    (
        DictionaryLearningLayout.weightFile, "dictionary_learning without config.json",
        DictionaryLearningLayout.configurationFile
    ),
    ("sae.safetensors", "sparsify without cfg.json", "cfg.json"),
    (
        "sae_weights.pt", "llamascopium as a torch file",
        "sae_weights.safetensors, which `save_pretrained` writes"
    ),
    (
        "sae_weights.dcp", "llamascopium as a distributed checkpoint",
        "sae_weights.safetensors, which `save_pretrained` writes without a device mesh"
    ),
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
