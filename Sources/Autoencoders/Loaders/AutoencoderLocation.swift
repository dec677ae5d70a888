import Basics
import Glibc

/// Where one autoencoder is stored.
struct AutoencoderLocation: Sendable {
    /// The folder of its files.
    let folder: String
    /// Its files by their paths in the folder, the weights first, `sae.yaml` last if there is one.
    let files: [String]
    /// The name of their layout.
    let layout: String
    /// Whether the folder may hold others.
    let isPerFile: Bool
    /// What `sae.yaml` says.
    let sidecar: SidecarMetadata?
    /// What is known besides the files.
    var facts = AutoencoderFacts.none

    /// A location in a folder, of which `sae.yaml` was read.
    init(
        folder: String, files: [String], layout: String, isPerFile: Bool, sidecar: SidecarMetadata?
    ) {
        (self.folder, self.layout) = (folder, layout)
        (self.isPerFile, self.sidecar) = (isPerFile, sidecar)
        let own =
            sidecar == nil || files.contains(SidecarMetadata.file) ? [] : [SidecarMetadata.file]
        self.files = files + own
    }

    /// Tensors, values and keys that `sae.yaml` says to ignore.
    var ignored: Set<String> { get throws { Set(try sidecar?.texts("ignore") ?? []) } }

    /// The path of the weights.
    var weights: String { path(files.first ?? "") }

    /// What the autoencoder goes by: its weights where a folder holds several, else the folder.
    var path: String { isPerFile ? weights : folder }

    /// The path of a file in the folder.
    func path(_ file: String) -> String { joined(folder, file) }

    /// The components of its path, outermost first, with `.` and `..` resolved.
    var components: [String] { absolute(path) }

    /// The number behind a prefix in the innermost component that has both, such as 12 in
    /// `layer_12`.
    func number(after prefix: String) -> Int? {
        for component in components.reversed() {
            guard let start = component.firstRange(of: prefix)?.upperBound else { continue }
            let digits = component[start...].prefix { ("0"..."9").contains($0) }
            if !digits.isEmpty { return Int(digits) }
        }
        return nil
    }

    // MARK: - Hook and model

    /// The hook that `sae.yaml` states, else the one that was derived or is known besides.
    ///
    /// - Throws: ``AutoencoderError`` that says what to write where, when there is neither.
    func hook(or derived: String?, layout: any AutoencoderLayout) throws -> String {
        if let hook = try sidecar?.text("hook") ?? derived ?? facts.hookName { return hook }
        throw missing(
            "does not say which hook its activations come from",
            "`hook: blocks.12.hook_resid_post`, with your layer,", layout)
    }

    /// The model that `sae.yaml` states, else the one that was derived or is known besides.
    ///
    /// - Throws: ``AutoencoderError`` that says what to write where, when there is neither.
    func model(or derived: String?, layout: any AutoencoderLayout) throws -> String {
        if let model = try sidecar?.text("model") ?? derived ?? facts.modelName { return model }
        throw missing(
            "does not say which model it was trained on", "`model: google/gemma-2-2b`, or yours,",
            layout)
    }

    /// The error for a fact that neither the files nor their path say.
    func missing(_ what: String, _ line: String, _ layout: any AutoencoderLayout)
        -> AutoencoderError
    {
        AutoencoderError(
            .missing, "\(path) \(what)",
            advice:
                "the lines `layout: \(layout.name)` and \(line) in \(path(SidecarMetadata.file))")
    }
}

/// The path of a file in a folder, or the file's own when that is absolute.
func joined(_ folder: String, _ file: String) -> String {
    if file.hasPrefix("/") { return file }
    return folder.hasSuffix("/") ? folder + file : "\(folder)/\(file)"
}

/// The components of an absolute path, with `.` and `..` resolved by their letters.
func absolute(_ path: String) -> [String] {
    var components: [String] = []
    if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
        components = String(cString: current).split(separator: "/").map(String.init)
        free(current)
    }
    for part in path.split(separator: "/") {
        if part == ".." {
            _ = components.popLast()
        } else if part != "." {
            components.append(String(part))
        }
    }
    return components
}
