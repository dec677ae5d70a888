import Basics
import Formats

/// The layout of the files in a folder and the files of each autoencoder; nil when there is none.
///
/// Where files of several layouts have the same names, their tensors decide. A file that cannot be
/// opened, and one whose tensors are of none of these layouts, is left to the first of them, which
/// then says what is wrong.
///
/// - Parameter names: what lies in the folder, in the order of bytes.
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

extension AutoencoderLayout {
    /// Whether a file holds one of the tensors that tell this layout.
    fileprivate func hasMark(in source: any TensorSource) -> Bool {
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
