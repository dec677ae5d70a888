import CKernels
import Tensors

extension CPUBackend {
    /// Products of 1,024 rows with 960 rows at a time; each piece is scanned while it is in the
    /// cache.
    public func maximumCosines(
        of range: Range<Int>, in matrix: MatrixView, norms: [Float]
    ) throws -> [Float] {
        try Checks.maximumCosines(range, matrix, norms)
        guard !range.isEmpty else { return [] }
        let inner = matrix.columns
        let inverse = norms.map { $0 == 0 ? 0 : 1 / $0 }
        let together = min(range.count, Self.rowsTogether)
        let width = min(matrix.rows, Self.columnsTogether)
        let packed = Scratch(Self.packedCount(rows: together, inner: inner))
        let slice = Scratch(ck_product_scratch(level, width))
        let tile = Scratch(together * width)
        defer {
            packed.release()
            slice.release()
            tile.release()
        }
        var largest = [Float](repeating: -.infinity, count: range.count)
        for piece in Self.pieces(of: range.count, by: Self.rowsTogether) {
            let first = range.lowerBound + piece.lowerBound
            packRows(
                matrix.forC, first: first, rows: piece.count, inner: inner, into: packed.floats)
            for columns in Self.pieces(of: matrix.rows, by: Self.columnsTogether) {
                ck_product(
                    level, packed.floats, piece.count, inner, matrix.forC, columns.lowerBound,
                    columns.count,
                    tile.floats, columns.count, slice.floats)
                for row in piece {
                    largest[row] = largestCosine(
                        tile.floats + (row - piece.lowerBound) * columns.count, columns,
                        except: range.lowerBound + row, inverse, atLeast: largest[row])
                }
            }
        }
        return range.map { row in
            let value = largest[row - range.lowerBound]
            return value == -.infinity ? value : value * inverse[row]
        }
    }

    /// The largest dot product times inverse norm in one row of a tile, without the row itself.
    private func largestCosine(
        _ dots: UnsafePointer<Float>, _ columns: Range<Int>, except own: Int, _ inverse: [Float],
        atLeast start: Float
    ) -> Float {
        inverse.withUnsafeBufferPointer { inverse in
            guard let factors = inverse.baseAddress else { return start }
            let (lower, upper) = (columns.lowerBound, columns.upperBound)
            let before = lower..<max(lower, min(own, upper))
            let after = min(upper, max(own + 1, lower))..<upper
            var largest = start
            for part in [before, after] where !part.isEmpty {
                largest = ck_largest_product(
                    level, dots + part.lowerBound - lower, factors + part.lowerBound, part.count,
                    largest)
            }
            return largest
        }
    }

    /// Square roots of the dot products of rows with themselves.
    public func norms(of matrix: MatrixView) throws -> [Float] {
        try Checks.view(matrix, "matrix")
        return dots(matrix, nil).map { Float($0.squareRoot()) }
    }

    /// Dot products in `Double`.
    public func rowDots(_ first: MatrixView, _ second: MatrixView) throws -> [Float] {
        try Checks.view(first, "first matrix")
        try Checks.view(second, "second matrix")
        try Checks.length(second.rows, first.rows, "rows of the second matrix")
        try Checks.length(second.columns, first.columns, "rows' width of the second matrix")
        return dots(first, second).map(Float.init)
    }

    /// Dot products of equal rows, or of rows with themselves, in panels of eight rows.
    private func dots(_ first: MatrixView, _ second: MatrixView?) -> [Double] {
        let panel = Int(CK_PANEL_ROWS)
        let (group, steps) = (64 * panel, Int(CK_SLICE))
        let count = first.rows
        var sums = [Double](repeating: 0, count: (count + panel - 1) / panel * panel)
        let (left, right) = (Scratch(group * steps), Scratch(second == nil ? 0 : group * steps))
        defer {
            left.release()
            right.release()
        }
        for rows in Self.pieces(of: count, by: group) {
            for inner in Self.pieces(of: first.columns, by: steps) {
                let pack = { (view: MatrixView, output: UnsafeMutablePointer<Float>) in
                    ck_pack(
                        level, view.forC, panel, rows.lowerBound, rows.count, inner.lowerBound,
                        inner.count,
                        inner.count * panel, nil, output)
                }
                pack(first, left.floats)
                if let second { pack(second, right.floats) }
                let other = second == nil ? left.floats : right.floats
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let start = sums.baseAddress else { return }
                    for offset in stride(from: 0, to: rows.count, by: panel) {
                        ck_panel_dots(
                            level, left.floats + offset * inner.count, other + offset * inner.count,
                            inner.count,
                            start + rows.lowerBound + offset)
                    }
                }
            }
        }
        return Array(sums.prefix(count))
    }
}
