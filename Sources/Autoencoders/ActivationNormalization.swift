import Glibc
import Tensors

/// What is done to each row of activations before the encoder and undone after the decoder.
///
/// - Source: `_setup_activation_normalization` of SAELens 6. A row of zeros, for which SAELens
///   gives NaN under `constant_norm_rescale`, keeps its scale.
enum ActivationNormalization: String, Sendable {
    /// Nothing.
    case none
    /// `x · sqrt(model) / ‖x‖`.
    case constantNormRescale = "constant_norm_rescale"
    /// `(x - mean) / (std + 1e-5)`, unbiased deviation; undone by `y · std + mean`.
    case layerNorm = "layer_norm"

    /// Added to the deviation on the way in alone.
    private static let epsilon: Float = 1e-5

    /// The rows as the encoder takes them.
    ///
    /// - Shapes: x and the result are `[tokens, model]`.
    func applied(to x: Tensor) -> Tensor {
        if self == .none { return x }
        let result = Tensor(uninitialized: x.shape)
        let (source, target, columns) = (x.constantFloats, result.floats, x.columns)
        for row in 0..<x.rows {
            let (input, output) = (source + row * columns, target + row * columns)
            let (mean, scale) = statistics(of: input, count: columns)
            let divisor = self == .layerNorm ? scale + Self.epsilon : scale
            for column in 0..<columns { output[column] = (input[column] - mean) / divisor }
        }
        return result
    }

    /// Undoes the normalisation of x on a reconstruction, in place.
    ///
    /// - Shapes: both are `[tokens, model]`.
    func undo(on reconstruction: Tensor, of x: Tensor) {
        if self == .none { return }
        let (source, target, columns) = (x.constantFloats, reconstruction.floats, x.columns)
        for row in 0..<x.rows {
            let (mean, scale) = statistics(of: source + row * columns, count: columns)
            let output = target + row * columns
            for column in 0..<columns { output[column] = output[column] * scale + mean }
        }
    }

    /// What is subtracted from a row and what it is divided by.
    private func statistics(
        of row: UnsafePointer<Float>, count: Int
    ) -> (mean: Float, scale: Float) {
        var (sum, squares) = (0.0, 0.0)
        switch self {
        case .none: return (0, 1)
        case .constantNormRescale:
            for column in 0..<count { squares += Double(row[column]) * Double(row[column]) }
            let norm = squares.squareRoot()
            return (0, norm > 0 ? Float(norm / Double(count).squareRoot()) : 1)
        case .layerNorm:
            for column in 0..<count { sum += Double(row[column]) }
            let mean = sum / Double(count)
            for column in 0..<count {
                let distance = Double(row[column]) - mean
                squares += distance * distance
            }
            return (Float(mean), Float((squares / Double(max(count - 1, 1))).squareRoot()))
        }
    }
}
