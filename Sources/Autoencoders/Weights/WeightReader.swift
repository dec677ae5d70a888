import Basics
import Formats
import Glibc
import Kernels
import Tensors

/// Reads the tensors of one autoencoder and checks each: there, right axes, finite.
struct WeightReader {
    /// The file.
    let source: any TensorSource
    /// Length of the activations.
    let modelSize: Int
    /// Number of latents.
    let latents: Int
    /// Names that were asked for.
    private var used: Set<String> = []

    /// Reads from a file.
    init(source: any TensorSource, modelSize: Int, latents: Int) {
        (self.source, self.modelSize, self.latents) = (source, modelSize, latents)
    }

    /// A vector with one element for each latent.
    mutating func latentVector(_ name: String) throws -> [Float] {
        try vector(name, shape: [latents], axes: "[latents]")
    }

    /// The exponentials of a vector with one element for each latent.
    mutating func latentExponentials(_ name: String) throws -> [Float] {
        let logarithms = try latentVector(name)
        if let latent = logarithms.firstIndex(where: { !expf($0).isFinite }) {
            throw AutoencoderError(
                .notFinite,
                "\(source.path): tensor `\(label(name))` holds \(logarithms[latent]) at [\(latent)], "
                    + "whose exponential is infinite",
                advice: "export the file again; logarithms of scales are small numbers")
        }
        return logarithms.map { expf($0) }
    }

    /// A vector with one element for each element of what is decoded.
    mutating func vector(_ name: String, count: Int) throws -> [Float] {
        try vector(name, shape: [count], axes: count == modelSize ? "[model]" : "[output]")
    }

    /// Factors on the latents before the decoder, from finetuning; nil when all are 1.
    ///
    /// - Source: `apply_finetuning_scaling_factor` of SAELens 3 to 5. SAELens 6 drops factors
    ///   within 1e-5 of 1 and cannot load any others.
    /// - Parameter isExpected: whether the configuration says that there are some.
    mutating func finetuningFactors(isExpected: Bool) throws -> [Float]? {
        let names = ["scaling_factor", "finetuning_scaling_factor"]
        guard let name = names.first(where: source.contains) else {
            guard isExpected else { return nil }
            throw AutoencoderError(
                .missing,
                "\(source.path) has no tensor `scaling_factor`, although its configuration says "
                    + "`finetuning_scaling_factor: true`",
                advice: "export the file again, or set the key to false")
        }
        let factors = try latentVector(name)
        if factors.allSatisfy({ abs($0 - 1) <= 1e-5 }) { return nil }
        guard isExpected else {
            throw AutoencoderError(
                .malformed,
                "\(source.path): `\(name)` is not 1 everywhere, but the configuration does not say "
                    + "`finetuning_scaling_factor: true`",
                advice: "set the key to true if the decoder was finetuned with these factors")
        }
        return factors
    }

    /// A tensor of one element.
    mutating func scalar(_ name: String) throws -> Float {
        let shape = try expectedTensor(name).shape == [1] ? [1] : []
        return try vector(name, shape: shape, axes: "[]")[0]
    }

    /// A matrix in its stored type and the norms of its rows, which also show that all is finite.
    ///
    /// - Cost: one pass over the stored bytes.
    mutating func matrix(
        _ name: String, shape: [Int], axes: String
    ) throws -> (matrix: Tensor, norms: [Float]) {
        let stored = try expectedTensor(name)
        return try checked(stored, name, shape: shape, axes: axes)
    }

    /// The encoder as it is stored, which may be transposed; no copy is made.
    ///
    /// - Cost: one pass over the stored bytes.
    mutating func encoder() throws -> MatrixView {
        if let tensors = source as? TranslatedTensors, source.contains("W_enc"),
            let stored = try tensors.storedTranspose("W_enc")
        {
            used.insert("W_enc")
            let (matrix, _) = try checked(
                stored, "W_enc", shape: [latents, modelSize], axes: "[latents, model]")
            return MatrixView(matrix, isTransposed: true)
        }
        let (matrix, _) = try matrix(
            "W_enc", shape: [modelSize, latents], axes: "[model, latents]")
        return MatrixView(matrix)
    }

    /// A matrix of the right axes and finite values, and the norms of its rows.
    private func checked(
        _ stored: Tensor, _ name: String, shape: [Int], axes: String
    ) throws -> (matrix: Tensor, norms: [Float]) {
        try check(stored, name, shape: shape, axes: axes)
        let matrix = stored.type == .float64 ? Tensor(stored.values, shape: shape) : stored
        var norms = [Float](repeating: 0, count: shape[0])
        for row in 0..<shape[0] {
            let norm = squaredNorm(of: matrix, row: row).squareRoot()
            if !norm.isFinite { throw notFinite(matrix.rows(row..<row + 1), name, row: row) }
            norms[row] = Float(norm)
        }
        return (matrix, norms)
    }

    /// Throws for tensors that nobody asked for.
    func checkAllUsed() throws {
        let unknown = source.tensorNames.filter { !used.contains($0) }
        guard unknown.isEmpty else {
            let names = unknown.map { "`\($0)`" }.joined(separator: ", ")
            throw AutoencoderError(
                .unknownTensor,
                "\(source.path) holds tensors that its architecture does not have: \(names)",
                advice: "check `architecture` in its configuration; expected tensors are "
                    + used.sorted().joined(separator: ", ") + "; or " + ignoringAdvice(unknown))
        }
    }

    // MARK: - Checks

    /// A tensor that must be there.
    private mutating func expectedTensor(_ name: String) throws -> Tensor {
        used.insert(name)
        guard source.contains(name) else {
            throw AutoencoderError(
                .missing, "\(source.path) has no tensor `\(label(name))`",
                advice: "check the architecture in its configuration; the file holds "
                    + stored.tensorNames.joined(separator: ", "))
        }
        return try source.tensor(name)
    }

    /// The file itself.
    private var stored: any TensorSource { (source as? TranslatedTensors)?.source ?? source }

    /// What the file calls a tensor.
    private func label(_ name: String) -> String {
        (source as? TranslatedTensors)?.storedName(of: name) ?? name
    }

    /// A small tensor, widened.
    private mutating func vector(_ name: String, shape: [Int], axes: String) throws -> [Float] {
        let tensor = try expectedTensor(name)
        try check(tensor, name, shape: shape, axes: axes)
        let values = tensor.values
        if !values.allSatisfy(\.isFinite) { throw notFinite(tensor, name, row: nil) }
        return values
    }

    /// Axes and type of a tensor.
    private func check(
        _ tensor: Tensor, _ name: String, shape: [Int], axes: String
    ) throws(AutoencoderError) {
        guard tensor.shape == shape else {
            throw AutoencoderError(
                .shape,
                "\(source.path): tensor `\(label(name))` has shape \(tensor.shape), "
                    + "expected \(axes) = \(shape)",
                advice: "check d_in and d_sae in its configuration, or export the file again")
        }
        guard [.float32, .bfloat16, .float16, .float64].contains(tensor.type) else {
            throw AutoencoderError(
                .malformed,
                "\(source.path): tensor `\(label(name))` is stored as \(tensor.type), not as a float",
                advice: "store it as float32, bfloat16 or float16")
        }
    }

    /// The error that names the first value that is not finite.
    private func notFinite(_ tensor: Tensor, _ name: String, row: Int?) -> AutoencoderError {
        let index = (0..<tensor.count).first { !tensor.value(at: $0).isFinite } ?? 0
        let position = row.map { "[\($0), \(index)]" } ?? "[\(index)]"
        return AutoencoderError(
            .notFinite,
            "\(source.path): tensor `\(label(name))` holds \(tensor.value(at: index)) at \(position)",
            advice: "download or export the file again; the weights are damaged")
    }
}

/// The sum of squares of a row, not finite when one of its elements is not.
///
/// - Cost: 22 ms for 16384 rows of 2304 `float32`, 15 ms for `bfloat16`, 23 ms for `float16`, on
///   one core of an EPYC of the third generation.
func squaredNorm(of matrix: Tensor, row: Int) -> Double {
    let columns = matrix.columns
    let start = matrix.bytes + row * columns * matrix.type.byteCount
    switch matrix.type {
    case .bfloat16:
        let bits = start.assumingMemoryBound(to: UInt16.self)
        return sumOfSquares(columns) { float(bfloat16Bits: bits[$0]) }
    case .float16:
        let bits = start.assumingMemoryBound(to: UInt16.self)
        return sumOfSquares(columns) { magnitude(float16Bits: bits[$0]) }
    default:
        let floats = start.assumingMemoryBound(to: Float.self)
        return sumOfSquares(columns) { floats[$0] }
    }
}

/// The magnitude of a float16 without branches, infinite for NaN too.
///
/// Moved into the fields of a `float32`, the bits are the value times 2⁻¹¹², subnormals included.
@inline(__always)
private func magnitude(float16Bits bits: UInt16) -> Float {
    let value = Float(bitPattern: UInt32(bits & 0x7FFF) << 13) * 0x1p112
    return value < 0x1p16 ? value : .infinity
}

/// The sum of squares of some values, in four sums so that the additions overlap.
@inline(__always)
private func sumOfSquares(_ count: Int, _ value: (Int) -> Float) -> Double {
    var sums = SIMD4<Double>.zero
    var index = 0
    while index + 4 <= count {
        let values = SIMD4<Double>(
            Double(value(index)), Double(value(index + 1)), Double(value(index + 2)),
            Double(value(index + 3)))
        sums += values * values
        index += 4
    }
    var sum = sums.sum()
    while index < count {
        let next = Double(value(index))
        sum += next * next
        index += 1
    }
    return sum
}
