import Basics
import Tensors

/// Anything that holds named tensors: one file, a folder of shards, an archive.
public protocol TensorSource: Sendable {
    /// Where the tensors come from, for messages.
    var path: String { get }

    /// The names of all tensors, sorted by bytes.
    var tensorNames: [String] { get }

    /// Whether a tensor of that name is there.
    func contains(_ name: String) -> Bool

    /// The lengths of the axes of a tensor, outermost first, without reading its values.
    ///
    /// - Throws: ``FormatError`` when there is no such tensor.
    func shape(of name: String) throws(FormatError) -> [Int]

    /// How the elements of a tensor are stored.
    ///
    /// - Throws: ``FormatError`` when there is no such tensor.
    func type(of name: String) throws(FormatError) -> ElementType

    /// The tensor of a name, in its stored type.
    ///
    /// - Throws: ``FormatError`` when there is no such tensor or its bytes are damaged.
    func tensor(_ name: String) throws(FormatError) -> Tensor
}

extension TensorSource {
    /// The error for a tensor that is not there, with the nearest name.
    func missingTensor(_ name: String) -> FormatError {
        let nearest = nearestName(to: name, among: tensorNames)
        let advice =
            nearest.map { "`\($0)`, the nearest name there" }
            ?? "one of its \(tensorNames.count) tensors: "
            + tensorNames.prefix(8).joined(separator: ", ") + (tensorNames.count > 8 ? ", …" : "")
        return FormatError(.tensorMissing, "\(path) has no tensor `\(name)`", advice: advice)
    }
}

/// Sorts names by their UTF-8 bytes, the same on every machine.
func sortedByBytes(_ names: some Sequence<String>) -> [String] {
    names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The bytes that a tensor needs, or nil when a length is negative or the product overflows.
///
/// Axes of length zero count as one while the product is checked, so that no later product over
/// some of the axes can overflow either.
func checkedByteCount(shape: [Int], type: ElementType) -> Int? {
    var product = type.byteCount
    for length in shape {
        guard length >= 0 else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: max(length, 1))
        guard !overflow else { return nil }
        product = next
    }
    return shape.contains(0) ? 0 : product
}
