import Basics
import Glibc
import Tensors

/// What training did to activations before they were encoded, as configurations name it.
enum TrainedNormalization: Sendable, Codable {
    /// Each row by its own statistics, or nothing.
    case eachRow(ActivationNormalization)
    /// All activations times one factor above 0, which folds into the weights.
    case scaled(by: Float)

    /// Nothing.
    static let none = TrainedNormalization.eachRow(.none)

    /// The key of the normalisation.
    static let key = "normalize_activations"
    /// The name of the normalisation by one factor.
    static let scaledOnce = "expected_average_only_in"
    /// The key of that factor.
    static let factorKey = "norm_scaling_factor"

    /// Normalisations of SAELens that need more than the file holds.
    private static let refused = [
        "covariance_whitening": "the whitening matrix is not in the file",
        "constant_scalar_rescale": "only temporal autoencoders use it",
    ]

    /// Scales all activations by a factor that some file names.
    ///
    /// - Throws: ``AutoencoderError`` when it is no number above 0 of `float32`.
    init(scaledBy factor: Double, path: String) throws(AutoencoderError) {
        guard factor > 0, Float(factor).isNormal else {
            throw AutoencoderError(
                .malformed,
                "\(path): `\(Self.factorKey)` is \(factor), expected a number above 0",
                advice: "correct `\(Self.factorKey)`")
        }
        self = .scaled(by: Float(factor))
    }

    /// The normalisation of a name.
    ///
    /// - Parameters:
    ///   - name: as `normalize_activations` has it; nil for none.
    ///   - factor: `norm_scaling_factor`. The files of SAELens do not hold it: it comes with the
    ///     directory of published SAEs, or from the user.
    ///   - path: the file that names it, for messages.
    init(
        named name: String?, factor: Double?, modelSize: Int, path: String
    ) throws(AutoencoderError) {
        guard let name else {
            self = .none
            return
        }
        if name == Self.scaledOnce {
            guard let factor else {
                throw AutoencoderError(
                    .missing,
                    "\(path): \(Self.key) `\(name)` without the factor that training multiplied "
                        + "activations by",
                    advice: "add `\"\(Self.factorKey)\"`: the square root of \(modelSize) over the "
                        + "mean norm of the activations")
            }
            try self.init(scaledBy: factor, path: path)
        } else if let found = ActivationNormalization(rawValue: name) {
            self = .eachRow(found)
        } else if let reason = Self.refused[name] {
            throw AutoencoderError(
                .unsupported, "\(path): \(Self.key) `\(name)` is not computed: \(reason)",
                advice: "an export that folded it into the weights and has `\(Self.key)` set to "
                    + "`none`")
        } else {
            throw AutoencoderError(
                .unsupported, "\(path): \(Self.key) `\(name)` is unknown",
                advice: suggestion(
                    for: name, among: ["none", "constant_norm_rescale", "layer_norm"]))
        }
    }

    /// The normalisation of each row; none where one factor scales all.
    var ofRows: ActivationNormalization {
        if case .eachRow(let normalization) = self { normalization } else { .none }
    }

    /// The factor on all activations; nil when there is none.
    var factor: Float? {
        if case .scaled(let factor) = self { factor } else { nil }
    }
}

/// What is done to each row of activations before the encoder and undone after the decoder.
///
/// - Source: `_setup_activation_normalization` of SAELens 6. A row of zeros, for which SAELens
///   gives NaN under `constant_norm_rescale`, keeps its scale.
enum ActivationNormalization: String, Sendable, Codable {
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
