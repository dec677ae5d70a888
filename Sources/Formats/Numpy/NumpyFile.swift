import Basics
import Glibc
import Tensors

/// One array in an npy file, mapped into memory.
public final class NumpyFile: Sendable {
    /// The path as given.
    public let path: String
    /// The lengths of the axes, outermost first.
    public var shape: [Int] { header.shape }
    /// How elements are stored.
    public var type: ElementType { header.type }
    /// The parsed header.
    private let header: NumpyHeader
    /// The mapped file.
    private let file: MappedFile

    /// Maps the file and checks its header against the bytes that are there.
    ///
    /// - Throws: ``FormatError`` when the file is missing, truncated, malformed, or holds objects.
    public init(path: String) throws(FormatError) {
        self.path = path
        file = try map(path, advice: "check the path")
        let file = file
        header = try file.withBytes { bytes in
            Result { () throws(FormatError) in
                let header = try NumpyHeader(parsing: bytes, name: path)
                try header.check(available: bytes.count, name: path)
                return header
            }
        }.get()
    }

    /// The array in row-major order; without a copy when it lies so in the file and is aligned.
    public func tensor() throws(FormatError) -> Tensor {
        guard let start = file.baseAddress else { return Tensor(uninitialized: shape, type: type) }
        return header.tensor(from: start, owner: file)
    }
}

extension NumpyHeader {
    /// Throws when the data is not all there.
    func check(available: Int, name: String) throws(FormatError) {
        guard available - dataOffset >= dataByteCount else {
            throw FormatError(
                .truncated,
                "\(name) holds \(available - dataOffset) bytes of data, "
                    + "shape \(shape) of \(type) needs \(dataByteCount)",
                advice: "download or export the file again; it is incomplete")
        }
    }

    /// Makes a row-major tensor of an array whose first byte is at `start`.
    ///
    /// - Parameter owner: what keeps the memory alive; nil copies always.
    func tensor(from start: UnsafeRawPointer, owner: AnyObject?) -> Tensor {
        let data = start + dataOffset
        let isPlain = !isFortranOrder || shape.count < 2 || dataByteCount == 0
        if isPlain, let owner, UInt(bitPattern: data) % UInt(type.byteCount) == 0 {
            let buffer = Buffer(borrowing: data, byteCount: dataByteCount, owner: owner)
            return Tensor(shape: shape, type: type, buffer: buffer)
        }
        let tensor = Tensor(uninitialized: shape, type: type)
        if isPlain {
            memcpy(tensor.bytes, data, dataByteCount)
            return tensor
        }
        switch type.byteCount {
        case 1: transpose(data, to: tensor, as: UInt8.self)
        case 2: transpose(data, to: tensor, as: UInt16.self)
        case 4: transpose(data, to: tensor, as: UInt32.self)
        default: transpose(data, to: tensor, as: UInt64.self)
        }
        return tensor
    }

    /// Copies elements from column-major to row-major order.
    ///
    /// - Cost: reads with a stride; the arrays that come this way are small beside the model.
    private func transpose<Element: FixedWidthInteger>(
        _ data: UnsafeRawPointer, to tensor: Tensor, as: Element.Type
    ) {
        let size = MemoryLayout<Element>.size
        let target = tensor.bytes.assumingMemoryBound(to: Element.self)
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * shape[axis - 1] }
        let last = shape.count - 1
        let (length, stride) = (shape[last], strides[last])
        var index = [Int](repeating: 0, count: shape.count)
        for row in 0..<(dataByteCount / size / length) {
            var source = 0
            for axis in 0..<last { source += index[axis] * strides[axis] }
            for column in 0..<length {
                target[row * length + column] = data.loadUnaligned(
                    fromByteOffset: (source + column * stride) * size, as: Element.self)
            }
            var axis = last - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
    }
}
