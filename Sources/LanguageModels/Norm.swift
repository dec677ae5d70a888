import Kernels
import Tensors

/// A norm over the last axis with its weights, all of them `[width]`.
enum Norm: Sendable {
    /// `(x - mean) / sqrt(var + epsilon) · weight + bias`.
    case layer(weight: Tensor, bias: Tensor, epsilon: Float)
    /// `x / sqrt(mean(x²) + epsilon) · (weight + offset)`.
    case rootMeanSquare(weight: Tensor, offset: Float, epsilon: Float)

    /// Number of elements that are normed together.
    var width: Int {
        switch self {
        case .layer(let weight, _, _), .rootMeanSquare(let weight, _, _): weight.count
        }
    }

    /// Multiplies what ``KernelBackend/normalized(_:_:)`` gave by the weights, as TransformerLens
    /// does where norms are not folded.
    ///
    /// - Shapes: `x` and the result are `[rows, width]`; `x` is not written.
    func weighted(_ x: Tensor) -> Tensor {
        let result = Tensor(uninitialized: x.shape)
        let (source, target, width) = (x.constantFloats, result.floats, x.columns)
        let (scale, shift): ([Float], [Float]) =
            switch self {
            case .layer(let weight, let bias, _): (weight.values, bias.values)
            case .rootMeanSquare(let weight, let offset, _):
                (weight.values.map { $0 + offset }, [Float](repeating: 0, count: width))
            }
        for row in 0..<x.rows {
            for column in 0..<width {
                let index = row * width + column
                target[index] = source[index] * scale[column] + shift[column]
            }
        }
        return result
    }
}

extension KernelBackend {
    /// The norm of every row, weights included.
    func normed(_ x: Tensor, _ norm: Norm) throws -> Tensor {
        switch norm {
        case .layer(let weight, let bias, let epsilon):
            try layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
        case .rootMeanSquare(let weight, let offset, let epsilon):
            try rmsNorm(x, weight: weight, offset: offset, epsilon: epsilon)
        }
    }

    /// The norm of every row before its weights: `x / scale`, centred first by a layer norm.
    func normalized(_ x: Tensor, _ norm: Norm) throws -> Tensor {
        let zeros = Tensor(zeros: [x.columns])
        switch norm {
        case .layer(_, _, let epsilon):
            let ones = Tensor([Float](repeating: 1, count: x.columns), shape: [x.columns])
            return try layerNorm(x, weight: ones, bias: zeros, epsilon: epsilon)
        case .rootMeanSquare(_, _, let epsilon):
            return try rmsNorm(x, weight: zeros, offset: 1, epsilon: epsilon)
        }
    }
}

extension HookVisitor {
    /// Shows what an MLP reads before its norm, then norms it as ``mlpNormed(_:_:on:)`` does.
    ///
    /// - Shapes: `x` and the result are `[batch · positions, model]`; `x` is not written.
    /// - Returns: the input of the MLP, or nil when the pass has all it wants.
    func mlpInput(_ x: Tensor, _ norm: Norm, on backend: any KernelBackend) throws -> Tensor? {
        try visit(.mlpIn, x).flatMap { try mlpNormed($0, norm, on: backend) }
    }

    /// Norms what an MLP reads or gives and shows it between the norm and its weights.
    ///
    /// Where that is only read, the result is that of the norm in one step, so that captures change
    /// no bit; where it is replaced, it is rounded before the weights multiply.
    ///
    /// - Shapes: `x` and the result are `[batch · positions, model]`; `x` is not written.
    /// - Returns: the normed rows, or nil when the pass has all it wants.
    func mlpNormed(_ x: Tensor, _ norm: Norm, on backend: any KernelBackend) throws -> Tensor? {
        guard isWanted(.mlpNormalized) else { return try backend.normed(x, norm) }
        let normalized = try backend.normalized(x, norm)
        guard let shown = try visit(.mlpNormalized, normalized) else { return nil }
        return isReplaced(.mlpNormalized) ? norm.weighted(shown) : try backend.normed(x, norm)
    }
}

extension ModelWeights {
    /// A layer norm with scale and shift.
    func layerNorm(_ name: String, count: Int, epsilon: Float) throws(LanguageModelError) -> Norm {
        .layer(
            weight: try vector("\(name).weight", count: count),
            bias: try vector("\(name).bias", count: count), epsilon: epsilon)
    }

    /// A root-mean-square norm.
    func rootMeanSquareNorm(
        _ name: String, count: Int, offset: Float, epsilon: Float
    ) throws(LanguageModelError) -> Norm {
        .rootMeanSquare(
            weight: try vector("\(name).weight", count: count), offset: offset, epsilon: epsilon)
    }
}
