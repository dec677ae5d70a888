import Kernels

/// Means of latents over the tokens of texts, as compressed rows.
struct PooledCodes: Sendable {
    /// Where each text begins in ``indices``, and the end of the last one.
    private(set) var starts = [0]
    /// Latents whose mean is not 0, ascending within a text.
    private(set) var indices: [Int32] = []
    /// Their means.
    private(set) var values: [Float] = []

    /// No texts.
    init() {}

    /// Means of some texts.
    ///
    /// - Shapes: `means` is `[texts, latents]`.
    init(_ means: SparseCodes) {
        (starts, indices, values) = (means.rowStarts, means.indices, means.values)
    }

    /// Makes room for some parts and for all texts.
    mutating func reserve(_ parts: [PooledCodes], texts: Int) {
        let count = parts.reduce(0) { $0 + $1.values.count }
        indices.reserveCapacity(count)
        values.reserveCapacity(count)
        starts.reserveCapacity(texts + 1)
    }

    /// Leaves the rows of texts before one empty that have none yet.
    mutating func skip(to text: Int) {
        while starts.count <= text { starts.append(values.count) }
    }

    /// Appends the texts of a part.
    mutating func append(_ part: PooledCodes) {
        let start = values.count
        indices += part.indices
        values += part.values
        for end in part.starts.dropFirst() { starts.append(start + end) }
    }
}
