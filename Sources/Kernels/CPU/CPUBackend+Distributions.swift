import CKernels
import Tensors

extension CPUBackend {
    /// Two passes over each row; exponentials in float, their sum in `Double`.
    public func logSumExp(_ logits: Tensor) throws -> [Double] {
        try Checks.floats(logits, "logits")
        let width = logits.columns
        return (0..<logits.rows).map { ck_log_sum_exp(level, logits.floats + $0 * width, width) }
    }

    /// One pass over each row; differences of logarithms and the sum in `Double`.
    public func divergence(
        clean: Tensor, cleanLogSumExp: [Double], changed: Tensor, changedLogSumExp: [Double]
    ) throws -> [Double] {
        try Checks.divergence(clean, cleanLogSumExp, changed, changedLogSumExp)
        let width = clean.columns
        return (0..<clean.rows).map { row in
            let other = changed.rows == 1 ? 0 : row
            return ck_divergence(
                level, clean.floats + row * width, cleanLogSumExp[row],
                changed.floats + other * width,
                changedLogSumExp[other], width)
        }
    }

    /// One pass over each pair of rows in `Double`.
    public func rowStatistics(_ x: Tensor, _ reconstruction: Tensor) throws -> [RowStatistics] {
        try Checks.same(x, reconstruction, "activations and reconstruction")
        let width = x.columns
        let sums = UnsafeMutablePointer<Double>.allocate(capacity: 4)
        defer { sums.deallocate() }
        return (0..<x.rows).map { row in
            ck_row_statistics(
                level, x.floats + row * width, reconstruction.floats + row * width, width, sums)
            return RowStatistics(
                inputSquared: sums[0], outputSquared: sums[1], dot: sums[2], errorSquared: sums[3])
        }
    }
}
