import Tensors

extension ReferenceBackend {
    /// One row of the table for each token.
    public func embedding(_ tokens: [Int32], table: Tensor, scale: Float) throws -> Tensor {
        try Checks.embedding(tokens, table: table)
        let width = table.columns
        let reader = WeightReader(table)
        let result = Tensor(uninitialized: [tokens.count, width])
        let output = result.floats
        for (row, token) in tokens.enumerated() {
            for column in 0..<width {
                output[row * width + column] = Float(reader[Int(token) * width + column]) * scale
            }
        }
        return result
    }
}
