import Glibc
import Tensors

extension ReferenceBackend {
    /// Scores, mask, soft-max and weighted sum for each sequence, head and position in turn.
    public func attention(
        queries: Tensor, keys: Tensor, values: Tensor, _ shape: AttentionShape
    ) throws -> Tensor {
        try Checks.attention(queries, keys, values, shape)
        let result = Tensor(uninitialized: queries.shape)
        let size = shape.headSize
        for sequence in 0..<shape.batch {
            for head in 0..<shape.heads {
                let keyHead = head / (shape.heads / shape.keyHeads)
                for position in 0..<shape.positions {
                    let row = sequence * shape.positions + position
                    let query = queries.floats + (row * shape.heads + head) * size
                    let first = max(0, position - (shape.window ?? position + 1) + 1)
                    let seen = (first...position).map { sequence * shape.positions + $0 }
                    let offsets = seen.map { ($0 * shape.keyHeads + keyHead) * size }
                    let weights = softMax(
                        offsets.map { score(query, keys.floats + $0, shape) })
                    let output = result.floats + (row * shape.heads + head) * size
                    for index in 0..<size {
                        var sum = 0.0
                        for (weight, offset) in zip(weights, offsets) {
                            sum += weight * Double(values.floats[offset + index])
                        }
                        output[index] = Float(sum)
                    }
                }
            }
        }
        return result
    }

    private func score(
        _ query: UnsafeMutablePointer<Float>, _ key: UnsafeMutablePointer<Float>,
        _ shape: AttentionShape
    ) -> Double {
        var sum = 0.0
        for index in 0..<shape.headSize { sum += Double(query[index]) * Double(key[index]) }
        sum *= Double(shape.scale)
        guard let cap = shape.softCap.map(Double.init) else { return sum }
        return cap * tanh(sum / cap)
    }

    private func softMax(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let exponentials = scores.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }
}
