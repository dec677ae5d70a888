import Tensors

extension ReferenceBackend {
    /// One dot product for each row and output.
    public func linear(_ x: Tensor, _ weights: LinearWeights) throws -> Tensor {
        try Checks.linear(x, weights)
        let (inputs, outputs) = (weights.inputs, weights.outputs)
        let (inputStep, outputStep) =
            weights.layout == .outputsByInputs ? (1, inputs) : (outputs, 1)
        let matrix = WeightReader(weights.weight)
        let bias = weights.bias.map(WeightReader.init)
        let result = Tensor(uninitialized: [x.rows, outputs])
        let (input, output) = (x.floats, result.floats)
        for row in 0..<x.rows {
            for column in 0..<outputs {
                var sum = bias?[column] ?? 0
                for index in 0..<inputs {
                    let weight = matrix[index * inputStep + column * outputStep]
                    sum += Double(input[row * inputs + index]) * weight
                }
                output[row * outputs + column] = Float(sum)
            }
        }
        return result
    }
}
