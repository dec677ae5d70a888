import Tensors

extension ReferenceBackend {
    /// `(a, b) ← (a cos - b sin, b cos + a sin)` for element i and element i + half of each head.
    public func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable) throws {
        try Checks.rotate(x, heads: heads, positions: positions, table: table)
        let half = table.rotarySize / 2
        let (cosines, sines) = (table.cosines.floats, table.sines.floats)
        for row in 0..<x.rows {
            let angles = row % positions * half
            for head in 0..<heads {
                let values = x.floats + (row * heads + head) * table.headSize
                for index in 0..<half {
                    let (first, second) = (Double(values[index]), Double(values[index + half]))
                    let (cosine, sine) = (
                        Double(cosines[angles + index]), Double(sines[angles + index])
                    )
                    values[index] = Float(first * cosine - second * sine)
                    values[index + half] = Float(second * cosine + first * sine)
                }
            }
        }
    }
}
