import Kernels

/// Coordinates in which a ridge regression is round at zero: `w = S L⁻ᵀ v`.
struct RidgeCoordinates {
    /// The diagonal of `S`: one over the roots of the second derivatives at zero.
    private let scales: [Double]
    /// `L` with `L Lᵀ = S H S`; nil for so many columns that it costs more than it saves.
    private let factor: CholeskyFactor?

    /// Columns beyond which only scales are used.
    static let mostColumns = 128

    /// - Cost: `rows · columns²` FLOP once for each problem and `columns³ / 3` for each penalty.
    init(_ problem: LogisticProblem, penalty: Double) {
        let columns = problem.columns
        let scales = problem.variances.map { 1 / ($0 / 4 + penalty).squareRoot() }
        self.scales = scales
        guard columns > 1, columns <= Self.mostColumns, 2 * columns <= problem.count else {
            factor = nil
            return
        }
        var curvature = problem.covariance
        curvature.withUnsafeMutableBufferPointer { curvature in
            for i in 0..<columns {
                for j in 0..<i { curvature[i * columns + j] *= scales[i] * scales[j] / 4 }
                // Not quite 1, so that columns that repeat each other have a factor too.
                curvature[i * columns + i] = 1 + 1e-10
            }
        }
        factor = CholeskyFactor(curvature, size: columns)
    }

    /// Replaces weights by coordinates.
    func enter(_ x: UnsafeMutablePointer<Double>) {
        for j in scales.indices { x[j] /= scales[j] }
        factor?.multiplyUpper(x)
    }

    /// Replaces coordinates by weights.
    func leave(_ x: UnsafeMutablePointer<Double>) {
        factor?.solveUpper(x)
        for j in scales.indices { x[j] *= scales[j] }
    }

    /// Replaces the gradient by weights by that by coordinates.
    func turn(_ gradient: UnsafeMutablePointer<Double>) {
        for j in scales.indices { gradient[j] *= scales[j] }
        factor?.solveLower(gradient)
    }
}
