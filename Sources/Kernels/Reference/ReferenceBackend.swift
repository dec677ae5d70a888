import Basics
import Tensors

/// The definition of every operation: plain loops that accumulate in `Double`, never optimised.
///
/// Where another backend disagrees by more than the tolerance of the operation, the other backend
/// is wrong.
public struct ReferenceBackend: KernelBackend {
    /// Makes the backend; it keeps no state.
    public init() {}

    /// The name in logs.
    public var name: String { "reference" }
}

/// Reads single numbers of a weight tensor, widened to `Double`.
struct WeightReader {
    private let base: UnsafeRawPointer
    private let type: ElementType

    init(_ tensor: Tensor) { (base, type) = (UnsafeRawPointer(tensor.bytes), tensor.type) }

    /// The number at a flat index.
    subscript(index: Int) -> Double {
        switch type {
        case .float32: Double(base.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
        case .bfloat16:
            Double(
                float(bfloat16Bits: base.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
        default:
            Double(
                float(float16Bits: base.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
        }
    }
}

extension MatrixView {
    /// The flat index of an element in the stored tensor.
    func flatIndex(row: Int, column: Int) -> Int {
        isTransposed ? column * rows + row : row * columns + column
    }
}
