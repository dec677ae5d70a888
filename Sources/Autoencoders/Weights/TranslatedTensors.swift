import Basics
import Formats
import Kernels
import Tensors

/// Where a weight file holds the tensors of an SAE, under the names of SAELens.
struct TensorMap: Sendable, Codable {
    /// Where one tensor comes from.
    enum Recipe: Sendable, Codable {
        /// A tensor of the file as it is stored.
        case stored(String)
        /// A matrix of the file whose axes are swapped.
        case transposed(String)
        /// A tensor of the file times a number.
        case scaled(String, Float)
        /// One value at every index, made when it is asked for: counts come from foreign files.
        case repeated(Float, count: Int)
        /// A tensor of one element, its value at every index.
        case spread(String, count: Int)

        /// The tensor of the file; nil when there is none.
        var storedName: String? {
            switch self {
            case .stored(let name), .transposed(let name), .scaled(let name, _): name
            case .repeated, .spread: nil
            }
        }
    }

    /// Where each tensor comes from, by its name in SAELens; others keep their own names.
    var recipes: [String: Recipe] = [:]
    /// Tensors and plain values of the file to ignore.
    var ignored: [String] = []
    /// Plain values of a torch file that a layout reads or knows to play no part.
    var knownValues: [String] = []
    /// Whether SAELens reads the file and passes over tensors and values that it does not know.
    var isLenient = false
    /// Tensors that are never passed over.
    var strictTensors: [String] = []
    /// The 16-bit type that tensors are rounded to; nil when they are read as they are stored.
    var roundingType: ElementType?
}

/// The tensors of a file under the names of SAELens.
///
/// Tensors of the file that nobody mapped or ignored keep their own names, so that a tensor which
/// the layout does not know is noticed.
struct TranslatedTensors: TensorSource {
    /// Where a tensor comes from.
    typealias Recipe = TensorMap.Recipe

    /// The file.
    let source: any TensorSource
    /// Where each tensor comes from, by its name in SAELens.
    private var recipes: [String: Recipe]
    /// Tensors of the file that say nothing about the function.
    private var ignored: Set<String>
    /// Tensors and plain values of the file that SAELens does not know and does not refuse.
    private(set) var passedOver: [String] = []
    /// Whether plain values that the layout does not know are passed over.
    private var isLenient = false
    /// The 16-bit type that tensors are rounded to; nil when they are read as they are stored.
    private let roundingType: ElementType?

    /// Maps names of SAELens to tensors of a file.
    init(_ source: any TensorSource, _ map: TensorMap) {
        (self.source, recipes, ignored) = (source, map.recipes, Set(map.ignored))
        roundingType = map.roundingType
        if map.isLenient { passOver(allBut: Set(map.strictTensors)) }
    }

    /// The path of the file.
    var path: String { source.path }

    /// The mapped names and those that nobody mapped.
    var tensorNames: [String] {
        let taken = Set(recipes.values.compactMap(\.storedName)).union(ignored)
        let names = Set(recipes.keys).union(source.tensorNames.filter { !taken.contains($0) })
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether a tensor is mapped and there, or there and not mapped.
    func contains(_ name: String) -> Bool {
        guard let recipe = recipes[name] else {
            return !ignored.contains(name) && source.contains(name)
        }
        return recipe.storedName.map(source.contains) ?? true
    }

    /// The lengths of the axes of a tensor.
    func shape(of name: String) throws(FormatError) -> [Int] {
        switch recipes[name] {
        case .stored(let stored), .scaled(let stored, _): try source.shape(of: stored)
        case .transposed(let stored): try source.shape(of: stored).reversed()
        case .repeated(_, let count), .spread(_, let count): [count]
        case nil: try source.shape(of: name)
        }
    }

    /// How the elements of a tensor are stored.
    func type(of name: String) throws(FormatError) -> ElementType {
        let type =
            switch recipes[name] {
            case .stored(let stored), .transposed(let stored): try source.type(of: stored)
            case .repeated, .spread, .scaled: ElementType.float32
            case nil: try source.type(of: name)
            }
        return roundedType(of: type)
    }

    /// The tensor of a name; one whose axes are swapped or that is rounded is copied.
    func tensor(_ name: String) throws(FormatError) -> Tensor {
        switch recipes[name] {
        case .stored(let stored): return try rounded(stored)
        case .transposed(let stored):
            let tensor = try rounded(stored)
            return tensor.shape.count == 2 ? transposedCopy(of: tensor) : tensor
        case .scaled(let stored, let factor):
            let tensor = try rounded(stored)
            return Tensor(tensor.values.map { $0 * factor }, shape: tensor.shape)
        case .repeated(let value, let count):
            return Tensor([Float](repeating: value, count: count), shape: [count])
        case .spread(let stored, let count):
            let tensor = try source.tensor(stored)
            guard tensor.count == 1 else {
                throw FormatError(
                    .unsupported, "\(path): tensor `\(stored)` has shape \(tensor.shape)",
                    advice: "a tensor of one element, as when the file was found")
            }
            return Tensor([Float](repeating: tensor.value(at: 0), count: count), shape: [count])
        case nil: return try rounded(name)
        }
    }

    /// What the file calls a tensor; nil when it is not from the file.
    func storedName(of name: String) -> String? { recipes[name].map(\.storedName) ?? name }

    /// A matrix as it is stored, when its axes are swapped; nil when they are not.
    func storedTranspose(_ name: String) throws(FormatError) -> Tensor? {
        guard case .transposed(let stored)? = recipes[name] else { return nil }
        return try rounded(stored)
    }
}

// MARK: - Rounding

extension TranslatedTensors {
    /// The type of a tensor after rounding; integers are not rounded.
    private func roundedType(of type: ElementType) -> ElementType {
        let floats: [ElementType] = [.float32, .float64, .bfloat16, .float16]
        return floats.contains(type) ? roundingType ?? type : type
    }

    /// A tensor of the file, rounded to the nearest numbers of ``roundingType``, ties to even.
    ///
    /// - Throws: ``FormatError`` when a number is beyond the range of the type.
    /// - Cost: one pass over the tensor, whose copy is half as large.
    private func rounded(_ stored: String) throws(FormatError) -> Tensor {
        let tensor = try source.tensor(stored)
        let type = roundedType(of: tensor.type)
        if type == tensor.type { return tensor }
        let wide = tensor.type == .float32 ? tensor : Tensor(tensor.values, shape: tensor.shape)
        let narrow: Tensor
        do { narrow = try ReferenceBackend().convert(wide, to: type) } catch {
            throw FormatError(
                .unsupported, "\(path): tensor `\(stored)` cannot be rounded to \(type.rawValue)",
                advice: "store it as float32", cause: error)
        }
        let numbers = UnsafeBufferPointer(start: wide.constantFloats, count: wide.count)
        if type == .float16, let value = numbers.first(where: { $0.isFinite && abs($0) >= 65_520 })
        {
            throw FormatError(
                .unsupported,
                "\(path): tensor `\(stored)` holds \(value), which \(type.rawValue), the `dtype` of "
                    + "the configuration, cannot hold",
                advice: "set `dtype` to float32 in the configuration")
        }
        return narrow
    }
}

// MARK: - Tensors to ignore

extension TranslatedTensors {
    /// Names of SAELens that files may use themselves.
    private static let ownNames: Set<String> = [
        "W_enc", "W_dec", "b_enc", "b_dec", "threshold", "b_gate", "b_mag", "r_mag",
    ]

    /// Passes over what is not mapped, as the loaders of SAELens do that pick what they know.
    ///
    /// - Parameter strict: tensors that are kept all the same.
    private mutating func passOver(allBut strict: Set<String>) {
        let taken = Set(recipes.values.compactMap(\.storedName)).union(ignored)
        passedOver = source.tensorNames.filter {
            !taken.contains($0) && recipes[$0] == nil && !strict.contains($0)
                && !Self.ownNames.contains($0)
        }
        passedOver += (source as? TorchFile)?.scalarNames.filter { !ignored.contains($0) } ?? []
        ignored.formUnion(passedOver)
        isLenient = true
    }

    /// Throws for plain values of a torch file that nobody reads.
    ///
    /// - Parameter known: values that are read or known to play no part.
    func checkValues(known: [String]) throws(AutoencoderError) {
        guard let file = source as? TorchFile, !isLenient else { return }
        let unknown = file.scalarNames.filter { !known.contains($0) && !ignored.contains($0) }
        guard !unknown.isEmpty else { return }
        throw AutoencoderError(
            .unknownTensor,
            "\(path) holds values that are not read: "
                + unknown.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
                + (unknown.count > 8 ? ", …" : ""),
            advice: ignoringAdvice(unknown))
    }
}

/// What to write when names say nothing about what an autoencoder computes.
func ignoringAdvice(_ names: [String]) -> String {
    "`ignore: [\(names.prefix(8).joined(separator: ", "))]` in a sae.yaml beside it, if it "
        + "changes nothing that the autoencoder computes"
}

/// A matrix with its axes swapped, in its stored type.
///
/// - Shapes: `[rows, columns]` gives `[columns, rows]`.
/// - Cost: reads and writes each byte once, by blocks that stay in the first cache.
func transposedCopy(of matrix: Tensor) -> Tensor {
    switch matrix.type.byteCount {
    case 8: transposed(matrix, UInt64.self)
    case 4: transposed(matrix, UInt32.self)
    case 2: transposed(matrix, UInt16.self)
    default: transposed(matrix, UInt8.self)
    }
}

/// Swaps the axes of a matrix whose elements are as wide as an integer.
private func transposed<Word: FixedWidthInteger>(_ matrix: Tensor, _: Word.Type) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let result = Tensor(uninitialized: [columns, rows], type: matrix.type)
    let source = UnsafeRawPointer(matrix.bytes)
    let target = result.bytes.assumingMemoryBound(to: Word.self)
    let (block, width) = (32, MemoryLayout<Word>.size)
    for top in stride(from: 0, to: rows, by: block) {
        for left in stride(from: 0, to: columns, by: block) {
            for column in left..<min(left + block, columns) {
                for row in top..<min(top + block, rows) {
                    target[column * rows + row] = source.loadUnaligned(
                        fromByteOffset: (row * columns + column) * width, as: Word.self)
                }
            }
        }
    }
    return result  // [columns, rows]
}

/// Opens a file of tensors by the end of its name.
///
/// - Throws: ``AutoencoderError`` for other ends, or an error of the format.
func openTensors(_ path: String) throws -> any TensorSource {
    switch path.split(separator: ".").last.map(String.init) ?? "" {
    case "safetensors": return try SafetensorsFile(path: path)
    case "npz": return try NumpyArchive(path: path)
    case "pt", "pth", "bin": return try TorchFile(path: path)
    default:
        throw AutoencoderError(
            .unsupported, "\(path) ends in none of .safetensors, .npz, .pt, .pth and .bin",
            advice: "name a file of one of these kinds")
    }
}
