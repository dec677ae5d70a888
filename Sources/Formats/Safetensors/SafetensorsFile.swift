import Basics
import Glibc
import Tensors

/// A safetensors file, mapped into memory; tensors share the mapping.
///
/// - Cost: opening reads the header alone; a tensor's pages are read when its values are.
public final class SafetensorsFile: TensorSource {
    /// The path as given.
    public let path: String
    /// The free text entries of the header.
    public let metadata: [String: String]
    /// The names of all tensors, sorted by bytes.
    public let tensorNames: [String]
    /// The tensors by name.
    private let entries: [String: SafetensorsHeader.Entry]
    /// The mapped file.
    private let file: MappedFile

    /// Maps the file and checks every entry of its header against the bytes that are there.
    ///
    /// - Throws: ``FormatError`` when the file does not exist, is truncated or malformed, or holds a type
    ///   that is not supported.
    public init(path: String) throws(FormatError) {
        file = try map(path, advice: "check the path, or download the file")
        let file = file
        let header = try file.withBytes { bytes in
            Result { () throws(FormatError) in try SafetensorsHeader(parsing: bytes, path: path) }
        }.get()
        self.path = path
        metadata = header.metadata
        entries = header.entries
        tensorNames = sortedByBytes(header.entries.keys)
    }

    /// Whether a tensor of that name is there.
    public func contains(_ name: String) -> Bool { entries[name] != nil }

    /// The lengths of the axes of a tensor.
    public func shape(of name: String) throws(FormatError) -> [Int] { try entry(name).shape }

    /// How the elements of a tensor are stored.
    public func type(of name: String) throws(FormatError) -> ElementType { try entry(name).type }

    /// The tensor of a name, without a copy when its bytes are aligned for its type.
    public func tensor(_ name: String) throws(FormatError) -> Tensor {
        let entry = try entry(name)
        guard let start = file.baseAddress else { throw missingTensor(name) }
        let data = start + entry.bytes.lowerBound
        if UInt(bitPattern: data) % UInt(entry.type.byteCount) == 0 {
            let buffer = Buffer(borrowing: data, byteCount: entry.bytes.count, owner: file)
            return Tensor(shape: entry.shape, type: entry.type, buffer: buffer)
        }
        let copy = Tensor(uninitialized: entry.shape, type: entry.type)
        memcpy(copy.bytes, data, entry.bytes.count)
        return copy
    }

    /// The declaration of a tensor.
    private func entry(_ name: String) throws(FormatError) -> SafetensorsHeader.Entry {
        guard let entry = entries[name] else { throw missingTensor(name) }
        return entry
    }
}
