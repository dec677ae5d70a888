import Tensors

extension ReferenceBackend {
    /// Four sums over each pair of rows.
    public func rowStatistics(_ x: Tensor, _ reconstruction: Tensor) throws -> [RowStatistics] {
        try Checks.same(x, reconstruction, "activations and reconstruction")
        let width = x.columns
        return (0..<x.rows).map { row in
            let (first, second) = (x.floats + row * width, reconstruction.floats + row * width)
            var sums = RowStatistics(inputSquared: 0, outputSquared: 0, dot: 0, errorSquared: 0)
            for column in 0..<width {
                let (a, b) = (Double(first[column]), Double(second[column]))
                sums.inputSquared += a * a
                sums.outputSquared += b * b
                sums.dot += a * b
                sums.errorSquared += (a - b) * (a - b)
            }
            return sums
        }
    }

    /// The largest cosine of each row with every other row; minus infinity when there is no other.
    public func maximumCosines(
        of range: Range<Int>, in matrix: MatrixView, norms: [Float]
    ) throws -> [Float] {
        try Checks.maximumCosines(range, matrix, norms)
        let reader = WeightReader(matrix.tensor)
        return range.map { row in
            var largest = -Float.infinity
            for other in 0..<matrix.rows where other != row {
                let product = Double(norms[row]) * Double(norms[other])
                let dot = self.dot(reader, matrix, row, reader, matrix, other)
                largest = max(largest, product == 0 ? 0 : Float(dot / product))
            }
            return largest
        }
    }

    /// The square root of each row's sum of squares.
    public func norms(of matrix: MatrixView) throws -> [Float] {
        try Checks.view(matrix, "matrix")
        let reader = WeightReader(matrix.tensor)
        return (0..<matrix.rows).map { row in
            Float(dot(reader, matrix, row, reader, matrix, row).squareRoot())
        }
    }

    /// The dot product of each pair of rows.
    public func rowDots(_ first: MatrixView, _ second: MatrixView) throws -> [Float] {
        try Checks.view(first, "first matrix")
        try Checks.view(second, "second matrix")
        try Checks.length(second.rows, first.rows, "rows of the second matrix")
        try Checks.length(second.columns, first.columns, "rows' width of the second matrix")
        let (firstReader, secondReader) = (WeightReader(first.tensor), WeightReader(second.tensor))
        return (0..<first.rows).map { row in
            Float(dot(firstReader, first, row, secondReader, second, row))
        }
    }

    private func dot(
        _ first: WeightReader, _ firstView: MatrixView, _ row: Int,
        _ second: WeightReader, _ secondView: MatrixView, _ other: Int
    ) -> Double {
        var sum = 0.0
        for column in 0..<firstView.columns {
            sum +=
                first[firstView.flatIndex(row: row, column: column)]
                * second[secondView.flatIndex(row: other, column: column)]
        }
        return sum
    }
}
