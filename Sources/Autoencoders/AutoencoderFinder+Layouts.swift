import Basics

/// The layout of the files in a folder and the files of each autoencoder; nil when there is none.
///
/// Where files of several layouts have the same names, their tensors decide. A file that cannot be
/// opened is left to the first of these layouts, which then says why.
///
/// - Parameter names: what lies in the folder, in the order of bytes.
/// - Throws: ``AutoencoderError`` that lists the tensors when they are of none of these layouts.
func fittingLayout(
    in path: String, _ names: [String]
) throws -> (layout: any AutoencoderLayout, found: [[String]])? {
    /// The files of a layout, if there are some.
    func fit(
        _ layout: any AutoencoderLayout
    ) -> (layout: any AutoencoderLayout, found: [[String]])? {
        let found = layout.autoencoders(among: names, in: path)
        return found.isEmpty ? nil : (layout, found)
    }
    guard let first = autoencoderLayouts.lazy.compactMap(fit).first, !first.layout.marks.isEmpty
    else { return autoencoderLayouts.lazy.compactMap(fit).first }
    let fitting = autoencoderLayouts.filter { !$0.marks.isEmpty }.compactMap(fit)
    if fitting.count == 1 { return first }
    var held: [String] = []
    for candidate in fitting {
        guard let source = try? openTensors(joined(path, candidate.found[0][0])) else {
            return candidate
        }
        if candidate.layout.marks.contains(where: source.contains) { return candidate }
        held = source.tensorNames
    }
    let known = fitting.map { "\($0.layout.name) (\($0.layout.marks.joined(separator: ", ")))" }
    throw AutoencoderError(
        .unsupported,
        "\(joined(path, first.found[0][0])) holds \(held.prefix(8).joined(separator: ", "))"
            + (held.count > 8 ? ", …" : "")
            + ", the tensors of none of the layouts whose files have these names",
        advice: "a file of \(known.joined(separator: " or ")), or a \(StatedFacts.file) with "
            + "`layout: custom` that names its tensors")
}
