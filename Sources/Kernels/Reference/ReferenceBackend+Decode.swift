import Tensors

extension ReferenceBackend {
    /// Sums decoder rows in `Double`.
    public func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor {
        try Checks.decode(codes, decoder)
        let width = decoder.matrix.columns
        let matrix = WeightReader(decoder.matrix)
        let result = Tensor(uninitialized: [codes.rows, width])
        for row in 0..<codes.rows {
            var sums = decoder.bias.map(Double.init)
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                let latent = Int(codes.indices[entry])
                let value = Double(codes.values[entry] * (decoder.rowScale?[latent] ?? 1))
                for column in 0..<width { sums[column] += value * matrix[latent * width + column] }
            }
            for column in 0..<width { result.floats[row * width + column] = Float(sums[column]) }
        }
        return result
    }
}
