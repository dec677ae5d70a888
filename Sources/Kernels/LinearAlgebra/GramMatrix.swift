import COpenBLAS

/// Adds `factor · XᵀX` to the lower triangle of a matrix, by OpenBLAS on the calling thread.
///
/// The same rows in one call give the same bits on one kind of processor. Rows in calls of other
/// sizes give other last bits, so callers cut them at fixed numbers.
///
/// - Shapes: `rows` is `[count, columns]`, `matrix` is `[columns, columns]`, both row major;
///   nothing above the diagonal is read or written.
/// - Cost: `count · columns²` FLOP.
package func addGramMatrix(
    of rows: UnsafePointer<Double>, count: Int, columns: Int, factor: Double,
    to matrix: UnsafeMutablePointer<Double>
) {
    OpenBLAS.staysOnCallingThread
    let stride = blasint(max(columns, 1))
    cblas_dsyrk(
        CblasRowMajor, CblasLower, CblasTrans, blasint(columns), blasint(count), factor, rows,
        stride, 1, matrix, stride)
}
