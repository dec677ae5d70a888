/// What logistic regression can be told.
public struct LogisticSettings: Sendable, Hashable {
    /// The norm of the weights that is punished; the intercept never is.
    public enum Penalty: String, Sendable, Hashable { case l1, l2 }

    /// Where an L2 fit ends.
    public enum Stop: String, Sendable, Hashable {
        /// At the optimum.
        case optimum
        /// Where scikit-learn's default tolerance ends its L-BFGS, for parity with published
        /// numbers: a weak penalty leaves it far from the optimum.
        case scikitLearn
    }

    /// The norm of the weights that is kept small; the intercept is free.
    public var penalty: Penalty
    /// scikit-learn's `C`: the weight of the data against the penalty.
    public var inverseStrength: Double
    /// When the optimiser is done.
    public var stop: Stop

    /// How to fit; by default, scikit-learn's default penalty at the true optimum.
    public init(penalty: Penalty = .l2, inverseStrength: Double = 1, stop: Stop = .optimum) {
        (self.penalty, self.inverseStrength, self.stop) = (penalty, inverseStrength, stop)
    }
}

/// The optimum of a logistic regression.
public struct LogisticProbe: Sendable, Equatable {
    /// `[features]`.
    public var weights: [Double]
    /// The log-odds of a row of zeros.
    public var intercept: Double

    /// A probe that was fitted elsewhere.
    ///
    /// - Shapes: `weights` is `[features]`.
    public init(weights: [Double], intercept: Double) {
        (self.weights, self.intercept) = (weights, intercept)
    }

    /// The log-odds of a row; the probe says yes above 0.
    ///
    /// - Shapes: `row` is `[features]`.
    public func decision(_ row: some Collection<Float>) -> Double {
        precondition(row.count == weights.count)
        return zip(row, weights).reduce(intercept) { $0 + Double($1.0) * $1.1 }
    }

    /// The probability of the positive class.
    public func probability(_ row: some Collection<Float>) -> Double {
        sigmoid(decision(row))
    }

    /// The log-odds of all rows.
    ///
    /// - Shapes: `features` is `[rows, features]`, row major.
    public func decisions(_ features: [Float]) -> [Double] {
        let columns = weights.count
        guard columns > 0 else { return [] }
        precondition(features.count % columns == 0)
        return features.withUnsafeBufferPointer { features in
            weights.withUnsafeBufferPointer { weights in
                stride(from: 0, to: features.count, by: columns).map { start in
                    var sum = intercept
                    for j in 0..<columns { sum += Double(features[start + j]) * weights[j] }
                    return sum
                }
            }
        }
    }
}

/// Fits a logistic regression to its optimum.
///
/// Minimises `mean log-loss + penalty / (C · rows)` with `penalty = ‖w‖² / 2` for L2 and `‖w‖₁` for
/// L1; the intercept is free. The optimum is unique for L2. scikit-learn minimises the same function
/// and stops earlier; see ``LogisticSettings/Stop``.
///
/// - Parameter features: `[rows, columns]`, row major.
/// - Throws: ``ProbeError`` when all labels are equal, shapes disagree, a value is not finite or the
///   optimum is not reached.
/// - Source: the objective of `LogisticRegression` of scikit-learn 1.9.1.
public func logisticProbe(
    _ features: [Float], columns: Int, labels: [Bool], settings: LogisticSettings
) throws(ProbeError) -> LogisticProbe {
    try LogisticProblem(features, columns: columns, labels: labels).optimum(settings)
}

/// `1 / (1 + exp(-x))` without overflow.
func sigmoid(_ x: Double) -> Double {
    let small = exponential(-abs(x))
    return x >= 0 ? 1 / (1 + small) : small / (1 + small)
}
