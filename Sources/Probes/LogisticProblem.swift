import Glibc
import Kernels
import Synchronization

/// Examples of a logistic regression in double precision, columns centred.
///
/// Centring moves only the intercept, which is not punished, so every objective keeps its optimum
/// and is far better conditioned.
final class LogisticProblem: Sendable {
    let count: Int
    let columns: Int
    /// `[columns]`.
    let means: [Double]
    /// `[columns]`.
    let variances: [Double]
    /// `[rows, columns]`, centred.
    let rows: [Double]
    let labels: [Bool]
    private let cachedCovariance = Mutex<[Double]?>(nil)

    /// - Parameter features: `[rows, columns]`, row major.
    /// - Throws: ``ProbeError``; see ``logisticProbe(_:columns:labels:settings:)``.
    init(_ features: [Float], columns: Int, labels: [Bool]) throws(ProbeError) {
        guard columns > 0, features.count == labels.count * columns else {
            throw ProbeError(
                .wrongShape,
                "\(features.count) features are not \(labels.count) rows of \(columns)")
        }
        let positives = labels.count { $0 }
        guard positives > 0, positives < labels.count else {
            throw ProbeError(
                .oneClass,
                "All \(labels.count) examples have one label, so there is nothing to tell apart",
                advice: "give examples of both classes")
        }
        (count, self.columns, self.labels) = (labels.count, columns, labels)
        var (means, variances) = (
            [Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns)
        )
        var rows = [Double](repeating: 0, count: features.count)
        Self.centre(features, into: &rows, means: &means, variances: &variances)
        guard variances.allSatisfy(\.isFinite) else {
            throw ProbeError(.notFinite, "The features of a probe hold a value that is not finite")
        }
        (self.means, self.variances, self.rows) = (means, variances, rows)
    }

    private static func centre(
        _ features: [Float], into rows: inout [Double], means: inout [Double],
        variances: inout [Double]
    ) {
        let columns = means.count
        let count = Double(features.count / columns)
        features.withUnsafeBufferPointer { features in
            rows.withUnsafeMutableBufferPointer { rows in
                means.withUnsafeMutableBufferPointer { means in
                    variances.withUnsafeMutableBufferPointer { variances in
                        for start in stride(from: 0, to: features.count, by: columns) {
                            for j in 0..<columns { means[j] += Double(features[start + j]) }
                        }
                        for j in 0..<columns { means[j] /= count }
                        for start in stride(from: 0, to: features.count, by: columns) {
                            for j in 0..<columns {
                                let value = Double(features[start + j]) - means[j]
                                rows[start + j] = value
                                variances[j] += value * value
                            }
                        }
                        for j in 0..<columns { variances[j] /= count }
                    }
                }
            }
        }
    }

    /// The optimum for some settings.
    ///
    /// - Parameter start: where to begin; the optimum does not depend on it, the time does. A fit
    ///   that ends before the optimum begins at zero as scikit-learn's does.
    func optimum(_ settings: LogisticSettings, from start: LogisticProbe? = nil) throws(ProbeError)
        -> LogisticProbe
    {
        let strength = settings.inverseStrength
        guard strength > 0, strength.isFinite else {
            throw ProbeError(.outOfRange, "The inverse strength of a penalty is \(strength)")
        }
        var solution =
            start.map(centred) ?? CentredProbe(columns: columns)
        switch settings.penalty {
        case .l2:
            try minimizeRidge(
                self, penalty: 1 / (strength * Double(count)), stop: settings.stop, &solution)
        case .l1: try minimizeLasso(self, penalty: 1 / (strength * Double(count)), &solution)
        }
        return uncentred(solution)
    }

    private func centred(_ probe: LogisticProbe) -> CentredProbe {
        let shift = zip(probe.weights, means).reduce(0) { $0 + $1.0 * $1.1 }
        return CentredProbe(weights: probe.weights, intercept: probe.intercept + shift)
    }

    private func uncentred(_ probe: CentredProbe) -> LogisticProbe {
        let shift = zip(probe.weights, means).reduce(0) { $0 + $1.0 * $1.1 }
        return LogisticProbe(weights: probe.weights, intercept: probe.intercept - shift)
    }
}

/// A probe of centred columns.
struct CentredProbe {
    /// `[columns]`.
    var weights: [Double]
    var intercept = 0.0

    init(weights: [Double], intercept: Double) {
        (self.weights, self.intercept) = (weights, intercept)
    }

    init(columns: Int) { weights = [Double](repeating: 0, count: columns) }
}

// MARK: - Loss

extension LogisticProblem {
    /// The mean log-loss; its gradient replaces `gradient`, that of the intercept is returned.
    ///
    /// Ours rather than products of OpenBLAS, whose sums differ between kinds of processors: fits
    /// that stop before the optimum, where scikit-learn's do, follow the last bits (0.3 % of a weight
    /// with 512 columns). Those would take 0.7 to 0.9 of the time.
    ///
    /// - Shapes: `weights` and `gradient` are `[columns]`.
    /// - Cost: `4 · rows · columns` FLOP; each row is read once from memory and once from the cache.
    func loss(
        weights: UnsafePointer<Double>, intercept: Double, gradient: UnsafeMutablePointer<Double>
    ) -> (value: Double, interceptGradient: Double) {
        gradient.update(repeating: 0, count: columns)
        let scale = 1 / Double(count)
        return rows.withUnsafeBufferPointer { rows in
            guard let base = rows.baseAddress else { return (0, 0) }
            var (value, total) = (0.0, 0.0)
            for (i, label) in labels.enumerated() {
                let row = base + i * columns
                let term = logisticTerm(
                    dotProduct(row, weights, columns) + intercept, label: label)
                value += term.loss
                total += term.slope
                addMultiple(term.slope * scale, of: row, to: gradient, columns)
            }
            return (value * scale, total * scale)
        }
    }

    /// The covariance of the columns, computed once: `[columns, columns]`, the lower triangle alone.
    ///
    /// - Cost: `rows · columns²` FLOP.
    var covariance: [Double] {
        cachedCovariance.withLock { cached in
            if let cached { return cached }
            var matrix = [Double](repeating: 0, count: columns * columns)
            addGramMatrix(
                of: rows, count: count, columns: columns, factor: 1 / Double(count), to: &matrix)
            cached = matrix
            return matrix
        }
    }

    /// The log-odds of every row.
    func decisions(_ probe: CentredProbe) -> [Double] {
        probe.weights.withUnsafeBufferPointer { weights in
            rows.withUnsafeBufferPointer { rows in
                guard let weights = weights.baseAddress, let rows = rows.baseAddress else {
                    return []
                }
                return (0..<count).map {
                    dotProduct(rows + $0 * columns, weights, columns) + probe.intercept
                }
            }
        }
    }
}

/// The log-loss of one example and its derivative, accurate in both tails.
@inline(__always)
func logisticTerm(_ decision: Double, label: Bool) -> (loss: Double, slope: Double) {
    let margin = label ? -decision : decision
    let small = exponential(-abs(margin))
    let probability = margin >= 0 ? 1 / (1 + small) : small / (1 + small)
    return (max(margin, 0) + log1p(small), label ? -probability : probability)
}

/// The exponential function, under a name that no type hides.
@inline(__always) func exponential(_ x: Double) -> Double { exp(x) }

/// `Σ a_j b_j` in four partial sums, which the compiler makes vectors of.
@inline(__always)
func dotProduct(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
    var (first, second, third, fourth) = (0.0, 0.0, 0.0, 0.0)
    var j = 0
    while j + 4 <= count {
        first += a[j] * b[j]
        second += a[j + 1] * b[j + 1]
        third += a[j + 2] * b[j + 2]
        fourth += a[j + 3] * b[j + 3]
        j += 4
    }
    while j < count {
        first += a[j] * b[j]
        j += 1
    }
    return (first + second) + (third + fourth)
}

/// `b += factor · a`.
@inline(__always)
func addMultiple(
    _ factor: Double, of a: UnsafePointer<Double>, to b: UnsafeMutablePointer<Double>, _ count: Int
) {
    for j in 0..<count { b[j] += factor * a[j] }
}
