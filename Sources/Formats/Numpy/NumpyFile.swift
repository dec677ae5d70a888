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
    /// - Throws: ``FormatError`` when the file does not exist, is truncated or malformed, or holds objects.
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

    /// The array in row-major order; without a copy when the file stores it so and it is aligned.
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
        let layout = isFortranOrder ? StridedLayout.columnMajor(shape) : nil
        let isPlain = layout?.isRowMajor ?? true
        if isPlain, !isBigEndian, let owner, UInt(bitPattern: data) % UInt(type.byteCount) == 0 {
            let buffer = Buffer(borrowing: data, byteCount: dataByteCount, owner: owner)
            return Tensor(shape: shape, type: type, buffer: buffer)
        }
        let tensor = Tensor(uninitialized: shape, type: type)
        if let layout, !isPlain {
            layout.copy(from: data, to: tensor.bytes, elementByteCount: type.byteCount)
        } else {
            memcpy(tensor.bytes, data, dataByteCount)
        }
        if isBigEndian {
            swapBytes(of: tensor.bytes, count: tensor.count, elementByteCount: type.byteCount)
        }
        return tensor
    }
}
