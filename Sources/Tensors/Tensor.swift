import Glibc

/// A dense row-major array; copies share the memory.
///
/// Whoever makes a tensor fills it; after that it is read by any number of threads. A device's
/// results stay there until ``bytes`` or ``floats`` asks for them; see ``Buffer``.
public struct Tensor: @unchecked Sendable {
    /// Lengths of the axes, outermost first.
    public let shape: [Int]
    /// How elements are stored.
    public let type: ElementType
    /// The memory.
    public let buffer: Buffer
    /// The offset of the first element in the memory.
    public let byteOffset: Int

    /// Sees memory that exists as a tensor, row major.
    ///
    /// - Precondition: the elements from `byteOffset` on fit into the buffer.
    public init(shape: [Int], type: ElementType = .float32, buffer: Buffer, byteOffset: Int = 0) {
        precondition(byteOffset + shape.reduce(1, *) * type.byteCount <= buffer.byteCount)
        (self.shape, self.type, self.buffer, self.byteOffset) = (shape, type, buffer, byteOffset)
    }

    /// A new tensor whose content is undefined.
    public init(uninitialized shape: [Int], type: ElementType = .float32) {
        self.init(
            shape: shape, type: type, buffer: Buffer(byteCount: shape.reduce(1, *) * type.byteCount)
        )
    }

    /// A new tensor of zeros.
    public init(zeros shape: [Int]) {
        self.init(uninitialized: shape)
        memset(buffer.base, 0, count * 4)
    }

    /// A new `float32` tensor with the given values.
    public init(_ values: [Float], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *))
        self.init(uninitialized: shape)
        values.withUnsafeBytes {
            if let start = $0.baseAddress { memcpy(buffer.base, start, $0.count) }
        }
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
    /// Length of the outermost axis.
    public var rows: Int { shape.first ?? 1 }
    /// Elements in one row of the outermost axis.
    public var columns: Int { shape.dropFirst().reduce(1, *) }
    /// The first byte, to be read and written.
    public var bytes: UnsafeMutableRawPointer { buffer.base + byteOffset }
    /// The first byte, to be read alone: what a device holds of it stays good.
    public var constantBytes: UnsafeRawPointer {
        UnsafeRawPointer(buffer.constantBase + byteOffset)
    }
    /// The length in bytes.
    public var byteCount: Int { count * type.byteCount }

    /// The first element, to be read and written; the tensor must be `float32`.
    public var floats: UnsafeMutablePointer<Float> {
        precondition(type == .float32, "tensor is \(type), not float32")
        return bytes.assumingMemoryBound(to: Float.self)
    }
    /// The first element, to be read alone; the tensor must be `float32`.
    public var constantFloats: UnsafePointer<Float> {
        precondition(type == .float32, "tensor is \(type), not float32")
        return constantBytes.assumingMemoryBound(to: Float.self)
    }

    /// The values as an array, widened to `Float`.
    public var values: [Float] {
        (0..<count).map { value(at: $0) }
    }

    /// Rows `range` of the outermost axis, sharing memory.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows)
        return Tensor(
            shape: [range.count] + shape.dropFirst(), type: type, buffer: buffer,
            byteOffset: byteOffset + range.lowerBound * columns * type.byteCount)
    }

    /// The same elements under another shape, sharing memory.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count)
        return Tensor(shape: shape, type: type, buffer: buffer, byteOffset: byteOffset)
    }

    /// One element, widened or converted to `Float`.
    public func value(at index: Int) -> Float {
        precondition(index >= 0 && index < count)
        switch type {
        case .float32: return constantBytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
        case .float64:
            return Float(constantBytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
        case .bfloat16:
            return float(
                bfloat16Bits: constantBytes.loadUnaligned(
                    fromByteOffset: index * 2, as: UInt16.self))
        case .float16:
            return float(
                float16Bits: constantBytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
            )
        case .int64:
            return Float(constantBytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
        case .int32:
            return Float(constantBytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
        case .int16:
            return Float(constantBytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
        case .int8: return Float(constantBytes.load(fromByteOffset: index, as: Int8.self))
        case .uint8, .bool: return Float(constantBytes.load(fromByteOffset: index, as: UInt8.self))
        }
    }
}
