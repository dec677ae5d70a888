import Basics
import Formats

/// What this room asks of a file: one way autoencoders are stored on disk.
///
/// A layout reads the files of an autoencoder into its specification; loading follows from that and
/// has a default.
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
    /// - Parameter names: what is in the folder, in the order of bytes.
    func autoencoders(among names: [String], in folder: String) -> [[String]]
    /// Reads what an autoencoder is, of its configuration and of the shapes of its tensors.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification
    /// Refuses weights that contradict the specification in what no tensor's shape tells.
    func check(_ weights: any TensorSource, of reference: AutoencoderReference) throws
    /// Loads an autoencoder.
    func load(
        _ reference: AutoencoderReference, _ function: AutoencoderFunction,
        foldingDecoderNorms: Bool
    ) throws -> any Autoencoder
}

extension AutoencoderLayout {
    /// One for each folder.
    var isPerFile: Bool { false }
    /// Files of these names are of this layout alone.
    var marks: [String] { [] }
    /// The same function.
    var hasPublishedForm: Bool { false }

    /// Nothing to refuse.
    func check(_ weights: any TensorSource, of reference: AutoencoderReference) throws {}

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

extension AutoencoderLayout {
    /// Whether a file holds one of the tensors that tell this layout.
    func hasMark(in source: any TensorSource) -> Bool {
        marks.contains(where: source.contains)
    }

    /// Looks at the tensors of a file before anything is asked of its owner.
    ///
    /// Files that cannot be opened are left to those who read them.
    ///
    /// - Throws: ``AutoencoderError`` when the file holds none that tell this layout, with the
    ///   layouts that they do tell.
    func checkMarks(of location: AutoencoderLocation) throws(AutoencoderError) {
        guard !marks.isEmpty, let source = try? openTensors(location.weights),
            !hasMark(in: source)
        else { return }
        let held = source.tensorNames
        let others = autoencoderLayouts.filter { $0.hasMark(in: source) }
            .map { "`layout: \($0.name)`" }
        let own = "`layout: \(CustomLayout.identifier)`, which names the tensors"
        throw AutoencoderError(
            .unsupported,
            "\(location.weights) holds \(held.prefix(8).joined(separator: ", "))"
                + (held.count > 8 ? ", …" : "") + ", none of which the layout `\(name)` has ("
                + marks.joined(separator: ", ") + ")",
            advice: (others + [own]).joined(separator: " or ")
                + " in \(location.path(SidecarMetadata.file))")
    }
}

/// The layout of the files in a folder and the files of each autoencoder; nil when there is none.
///
/// Where files of several layouts have the same names, their tensors decide. A file that cannot be
/// opened, and one whose tensors are of none of these layouts, is left to the first of them, which
/// then says what is wrong.
///
/// - Parameter names: what is in the folder, in the order of bytes.
func fittingLayout(
    in path: String, _ names: [String]
) -> (layout: any AutoencoderLayout, found: [[String]])? {
    /// The files of a layout, if there are some.
    func fit(
        _ layout: any AutoencoderLayout
    ) -> (layout: any AutoencoderLayout, found: [[String]])? {
        let found = layout.autoencoders(among: names, in: path)
        return found.isEmpty ? nil : (layout, found)
    }
    let fitting = autoencoderLayouts.lazy.compactMap(fit)
    guard let first = fitting.first, !first.layout.marks.isEmpty else { return fitting.first }
    let marked = autoencoderLayouts.filter { !$0.marks.isEmpty }.compactMap(fit)
    return marked.first { candidate in
        guard marked.count > 1 else { return true }
        let source = try? openTensors(joined(path, candidate.found[0][0]))
        return source.map { candidate.layout.hasMark(in: $0) } ?? false
    } ?? first
}
