/// A linear probe: `logit = x · weights + bias`; positive above 0.
public struct LinearProbe: Sendable, Codable, Equatable {
    /// `[features]`.
    public var weights: [Float]
    public var bias: Float

    public init(weights: [Float], bias: Float) { (self.weights, self.bias) = (weights, bias) }
}

/// One binary task: which rows take part, in the order in which a probe sees them, and their labels.
public struct ProbeTask: Sendable, Equatable {
    /// Rows of the features.
    public var rows: [Int]
    public var labels: [Bool]

    public init(rows: [Int], labels: [Bool]) {
        precondition(rows.count == labels.count)
        (self.rows, self.labels) = (rows, labels)
    }
}
