import Basics
import Formats
import Tensors

/// The tensors of a file under the names of SAELens.
///
/// Tensors of the file that nobody mapped or ignored keep their own names, so that a tensor which
/// the layout does not know is noticed.
struct TranslatedTensors: TensorSource {
    /// Where a tensor comes from.
    enum Recipe: Sendable {
        /// A tensor of the file as it lies.
        case stored(String)
        /// A matrix of the file whose axes are swapped.
        case transposed(String)
        /// One value at every place, made when it is asked for: counts come from foreign files.
        case repeated(Float, count: Int)
    }

    /// The file.
    let source: any TensorSource
    /// Where each tensor comes from, by its name in SAELens.
    private var recipes: [String: Recipe]
    /// Tensors of the file that say nothing about the function.
    private let ignored: Set<String>

    /// Maps names of SAELens to tensors of a file.
    init(_ source: any TensorSource, _ recipes: [String: Recipe], ignoring ignored: [String] = []) {
        (self.source, self.recipes, self.ignored) = (source, recipes, Set(ignored))
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
        guard let recipe = recipes[name] else { return source.contains(name) }
        return recipe.storedName.map(source.contains) ?? true
    }

    /// The lengths of the axes of a tensor.
    func shape(of name: String) throws(FormatError) -> [Int] {
        switch recipes[name] {
        case .stored(let stored): try source.shape(of: stored)
        case .transposed(let stored): try source.shape(of: stored).reversed()
        case .repeated(_, let count): [count]
        case nil: try source.shape(of: name)
        }
    }

    /// How the elements of a tensor are stored.
    func type(of name: String) throws(FormatError) -> ElementType {
        switch recipes[name] {
        case .stored(let stored), .transposed(let stored): try source.type(of: stored)
        case .repeated: .float32
        case nil: try source.type(of: name)
        }
    }

    /// The tensor of a name; one whose axes are swapped is copied.
    func tensor(_ name: String) throws(FormatError) -> Tensor {
        switch recipes[name] {
        case .stored(let stored): return try source.tensor(stored)
        case .transposed(let stored):
            let tensor = try source.tensor(stored)
            return tensor.shape.count == 2 ? transposedCopy(of: tensor) : tensor
        case .repeated(let value, let count):
            return Tensor([Float](repeating: value, count: count), shape: [count])
        case nil: return try source.tensor(name)
        }
    }

    /// What the file calls a tensor; nil when it is not from the file.
    func storedName(of name: String) -> String? { recipes[name].map(\.storedName) ?? name }

    /// A matrix as it lies in the file, when its axes are swapped; nil when they are not.
    func storedTranspose(_ name: String) throws(FormatError) -> Tensor? {
        guard case .transposed(let stored)? = recipes[name] else { return nil }
        return try source.tensor(stored)
    }
}

extension TranslatedTensors.Recipe {
    /// The tensor of the file; nil when there is none.
    fileprivate var storedName: String? {
        switch self {
        case .stored(let name), .transposed(let name): name
        case .repeated: nil
        }
    }
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
