/// The lower triangle `L` with `L Lᵀ = A` of a symmetric positive definite matrix.
struct CholeskyFactor: Sendable {
    let size: Int
    /// `[size, size]`, row major; nothing above the diagonal is read.
    private var lower: [Double]

    /// Nil where the matrix is not positive definite in this precision.
    ///
    /// - Shapes: `matrix` is `[size, size]`; only its lower triangle is read.
    /// - Cost: `size³ / 3` FLOP.
    init?(_ matrix: [Double], size: Int) {
        precondition(matrix.count == size * size)
        (self.size, lower) = (size, matrix)
        let isDefinite = lower.withUnsafeMutableBufferPointer { lower in
            guard let base = lower.baseAddress else { return true }
            for i in 0..<size {
                let row = base + i * size
                for j in 0..<i {
                    let other = base + j * size
                    row[j] = (row[j] - dotProduct(row, other, j)) / other[j]
                }
                let rest = row[i] - dotProduct(row, row, i)
                guard rest > 0, rest.isFinite else { return false }
                row[i] = rest.squareRoot()
            }
            return true
        }
        guard isDefinite else { return nil }
    }

    /// Replaces `x` by `L⁻¹ x`.
    func solveLower(_ x: UnsafeMutablePointer<Double>) {
        lower.withUnsafeBufferPointer { lower in
            guard let base = lower.baseAddress else { return }
            for i in 0..<size {
                let row = base + i * size
                x[i] = (x[i] - dotProduct(row, x, i)) / row[i]
            }
        }
    }

    /// Replaces `x` by `L⁻ᵀ x`.
    func solveUpper(_ x: UnsafeMutablePointer<Double>) {
        lower.withUnsafeBufferPointer { lower in
            guard let base = lower.baseAddress else { return }
            for i in stride(from: size - 1, through: 0, by: -1) {
                let row = base + i * size
                x[i] /= row[i]
                addMultiple(-x[i], of: row, to: x, i)
            }
        }
    }

    /// Replaces `x` by `Lᵀ x`.
    func multiplyUpper(_ x: UnsafeMutablePointer<Double>) {
        lower.withUnsafeBufferPointer { lower in
            guard let base = lower.baseAddress else { return }
            for i in 0..<size {
                let row = base + i * size
                let value = x[i]
                x[i] = 0
                addMultiple(value, of: row, to: x, i + 1)
            }
        }
    }
}
