import Tensors

/// Examples as rows of features, most of which may be zero: pooled activations or pooled latents.
public struct FeatureRows: Sendable {
    /// Features of a row.
    public let columns: Int
    /// Where each row begins in ``indices`` and ``values``, and the end of the last one.
    public let starts: [Int]
    /// The features that are not zero, ascending within a row; empty when all are stored.
    public let indices: [Int32]
    /// The features at ``indices``, row after row.
    public let values: [Float]
    /// Whether every feature of every row is stored, in order.
    public let isDense: Bool

    /// Rows that store every feature.
    ///
    /// - Shapes: `values` is `[rows, columns]`.
    public init(dense values: [Float], columns: Int) {
        precondition(columns > 0 && values.count % columns == 0)
        (self.values, self.columns, indices, isDense) = (values, columns, [], true)
        starts = Array(stride(from: 0, through: values.count, by: columns))
    }

    /// Rows that store what is not zero.
    public init(sparse values: [Float], indices: [Int32], starts: [Int], columns: Int) {
        precondition(values.count == indices.count && starts.last == values.count)
        (self.values, self.indices, self.starts) = (values, indices, starts)
        (self.columns, isDense) = (columns, false)
    }

    /// Number of rows.
    public var count: Int { starts.count - 1 }
}
