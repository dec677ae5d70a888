/// A linear probe: `logit = x · weights + bias`; positive above 0.
public struct LinearProbe: Sendable, Codable, Equatable {
    /// `[features]`.
    public var weights: [Float]
    /// Added to the product.
    public var bias: Float

    /// A probe that was trained elsewhere.
    ///
    /// - Shapes: `weights` is `[features]`.
    public init(weights: [Float], bias: Float) { (self.weights, self.bias) = (weights, bias) }
}

/// One binary task: which rows take part, in the order in which a probe sees them, and their labels.
public struct ProbeTask: Sendable, Equatable {
    /// Rows of the features.
    public var rows: [Int]
    /// Whether each row is positive.
    public var labels: [Bool]

    /// A task.
    ///
    /// - Precondition: there is one label for each row.
    public init(rows: [Int], labels: [Bool]) {
        precondition(rows.count == labels.count)
        (self.rows, self.labels) = (rows, labels)
    }
}
