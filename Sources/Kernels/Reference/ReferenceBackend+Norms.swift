import Tensors

extension ReferenceBackend {
    /// Mean and biased variance of each row in `Double`.
    public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) throws
        -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of layer norm")
        try Checks.vector(weight, count: width, "layer norm weight")
        try Checks.vector(bias, count: width, "layer norm bias")
        let (scale, shift) = (WeightReader(weight), WeightReader(bias))
        let result = Tensor(uninitialized: x.shape)
        for row in 0..<x.rows {
            let (input, output) = (x.floats + row * width, result.floats + row * width)
            var (sum, squares) = (0.0, 0.0)
            for column in 0..<width { sum += Double(input[column]) }
            let mean = sum / Double(width)
            for column in 0..<width {
                let difference = Double(input[column]) - mean
                squares += difference * difference
            }
            let factor = 1 / (squares / Double(width) + Double(epsilon)).squareRoot()
            for column in 0..<width {
                output[column] = Float(
                    (Double(input[column]) - mean) * factor * scale[column] + shift[column])
            }
        }
        return result
    }

    /// Mean square of each row in `Double`.
    public func rmsNorm(_ x: Tensor, weight: Tensor, offset: Float, epsilon: Float) throws -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of root-mean-square norm")
        try Checks.vector(weight, count: width, "root-mean-square norm weight")
        let scale = WeightReader(weight)
        let result = Tensor(uninitialized: x.shape)
        for row in 0..<x.rows {
            let (input, output) = (x.floats + row * width, result.floats + row * width)
            var squares = 0.0
            for column in 0..<width { squares += Double(input[column]) * Double(input[column]) }
            let factor = 1 / (squares / Double(width) + Double(epsilon)).squareRoot()
            for column in 0..<width {
                output[column] = Float(
                    Double(input[column]) * factor * (scale[column] + Double(offset)))
            }
        }
        return result
    }
}
