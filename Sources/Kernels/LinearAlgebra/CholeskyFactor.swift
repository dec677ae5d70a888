import COpenBLAS

/// The lower triangle `L` with `L Lᵀ = A` of a symmetric positive definite matrix, by LAPACK.
///
/// The same matrix gives the same bits on one kind of processor; on another the last bits may
/// differ, since OpenBLAS has loops for each kind.
package struct CholeskyFactor: Sendable {
    /// Rows and columns.
    private let size: Int
    /// `[size, size]`, row major; nothing above the diagonal is read.
    private var lower: [Double]

    /// Nil where the matrix is not positive definite in this precision.
    ///
    /// - Shapes: `matrix` is `[size, size]`; only its lower triangle is read.
    /// - Cost: `size³ / 3` FLOP.
    package init?(_ matrix: [Double], size: Int) {
        precondition(matrix.count == size * size)
        OpenBLAS.staysOnCallingThread
        (self.size, lower) = (size, matrix)
        // LAPACK counts by columns: our lower triangle is its upper one.
        var triangle = CChar(UInt8(ascii: "U"))
        var (order, stride, failedRow) = (blasint(size), blasint(max(size, 1)), blasint(0))
        lower.withUnsafeMutableBufferPointer { lower in
            _ = dpotrf_(&triangle, &order, lower.baseAddress, &stride, &failedRow)
        }
        // It takes what is not a number for positive.
        guard failedRow == 0, (0..<size).allSatisfy({ lower[$0 * size + $0].isFinite })
        else { return nil }
    }

    /// Replaces `x` by `L⁻¹ x`.
    ///
    /// - Shapes: `x` is `[size]`.
    /// - Cost: `size²` FLOP.
    package func solveLower(_ x: UnsafeMutablePointer<Double>) {
        solve(CblasNoTrans, x)
    }

    /// Replaces `x` by `L⁻ᵀ x`.
    ///
    /// - Shapes: `x` is `[size]`.
    /// - Cost: `size²` FLOP.
    package func solveUpper(_ x: UnsafeMutablePointer<Double>) {
        solve(CblasTrans, x)
    }

    /// Replaces `x` by `Lᵀ x`.
    ///
    /// - Shapes: `x` is `[size]`.
    /// - Cost: `size²` FLOP.
    package func multiplyUpper(_ x: UnsafeMutablePointer<Double>) {
        cblas_dtrmv(
            CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, blasint(size), lower,
            blasint(max(size, 1)), x, 1)
    }

    /// Solves with the triangle or its transpose.
    private func solve(_ transpose: CBLAS_TRANSPOSE, _ x: UnsafeMutablePointer<Double>) {
        cblas_dtrsv(
            CblasRowMajor, CblasLower, transpose, CblasNonUnit, blasint(size), lower,
            blasint(max(size, 1)), x, 1)
    }
}
