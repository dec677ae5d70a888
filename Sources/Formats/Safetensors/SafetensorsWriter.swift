import Basics
import Tensors

/// Writes tensors as one safetensors file, in the order given.
///
/// The file appears under its name only when it is complete. The header is padded with spaces to a
/// multiple of eight bytes. Types with larger elements should come first, so that every tensor is
/// aligned; a reader copies those that are not.
///
/// - Throws: ``FormatError`` when two tensors share a name or the file cannot be written.
/// - Cost: one copy of all bytes in memory.
public func writeSafetensors(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
) throws(FormatError) {
    var members: [JSONMember] = []
    if !metadata.isEmpty {
        let entries = sortedByBytes(metadata.keys).map { key in
            JSONMember(key: key, value: .string(metadata[key] ?? ""))
        }
        members.append(JSONMember(key: "__metadata__", value: .object(entries)))
    }
    var offset = 0
    var names: Set<String> = ["__metadata__"]
    for (name, tensor) in tensors {
        guard names.insert(name).inserted else {
            throw FormatError(
                .unwritable, "\(path): the tensor name `\(name)` is used twice or reserved",
                advice: "give each tensor a name of its own")
        }
        let end = offset + tensor.byteCount
        members.append(
            JSONMember(
                key: name,
                value: .object([
                    "dtype": .string(tensor.type.safetensorsName),
                    "shape": .array(tensor.shape.map { .integer($0) }),
                    "data_offsets": .array([.integer(offset), .integer(end)]),
                ])))
        offset = end
    }
    var header = Array(JSON.object(members).text().utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.count + offset)
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += header
    for (_, tensor) in tensors {
        bytes.append(
            contentsOf: UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount))
    }
    do {
        try writeFile(bytes, to: path)
    } catch {
        let code: FormatDomain.Code =
            switch error.code {
            case .outOfSpace: .outOfSpace
            case .systemCall: .systemCall
            default: .unwritable
            }
        throw FormatError(code, error.message, advice: error.advice)
    }
}
