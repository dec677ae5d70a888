import Basics
import CKernels
import Tensors

extension CPUBackend {
    /// Packs up to 1,024 rows, then goes through the weights in pieces of 960 outputs and 256
    /// inputs; a piece is widened and packed once for all of these rows.
    public func linear(_ x: Tensor, _ weights: LinearWeights) throws -> Tensor {
        try Checks.linear(x, weights)
        let (inputs, outputs) = (weights.inputs, weights.outputs)
        let result = Tensor(uninitialized: [x.rows, outputs])
        guard x.rows > 0, outputs > 0 else { return result }
        let bias = weights.bias?.widenedVector(level: level)
        let matrix = ck_matrix(
            data: weights.weight.bytes, type: weights.weight.type.forC,
            transposed: weights.layout == .outputsByInputs, stride: weights.weight.shape[1])
        let together = min(x.rows, Self.rowsTogether)
        let packed = Scratch(Self.packedCount(rows: together, inner: inputs))
        let slice = Scratch(ck_product_scratch(level, min(outputs, Self.columnsTogether)))
        defer {
            packed.release()
            slice.release()
        }
        for rows in Self.pieces(of: x.rows, by: Self.rowsTogether) {
            packRows(
                Self.rows(x.floats + rows.lowerBound * inputs, stride: inputs), rows: rows.count,
                inner: inputs,
                into: packed.floats)
            for columns in Self.pieces(of: outputs, by: Self.columnsTogether) {
                let corner = result.floats + rows.lowerBound * outputs + columns.lowerBound
                ck_product(
                    level, packed.floats, rows.count, inputs, matrix, columns.lowerBound,
                    columns.count, corner,
                    outputs, slice.floats)
                bias?.withUnsafeBufferPointer { bias in
                    guard let start = bias.baseAddress else { return }
                    for row in 0..<rows.count {
                        ck_add(
                            level, corner + row * outputs, start + columns.lowerBound, columns.count
                        )
                    }
                }
            }
        }
        return result
    }

    /// Widens the rows of the tokens. Pages of a mapped table are given back, since a run's tokens
    /// touch nearly all of it and a chunk's few.
    public func embedding(_ tokens: [Int32], table: Tensor, scale: Float) throws -> Tensor {
        try Checks.embedding(tokens, table: table)
        let width = table.columns
        let result = Tensor(uninitialized: [tokens.count, width])
        let rowBytes = width * table.type.byteCount
        for (row, token) in tokens.enumerated() {
            let output = result.floats + row * width
            ck_widen(level, table.bytes + Int(token) * rowBytes, table.type.forC, width, output)
            if scale != 1 { ck_scale(level, output, width, scale) }
        }
        (table.buffer.owner as? MappedFile)?
            .releasePages(from: table.constantBytes, byteCount: table.byteCount)
        return result
    }
}
