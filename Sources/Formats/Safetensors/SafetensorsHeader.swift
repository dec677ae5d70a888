import Basics
import Tensors

/// The parsed header of a safetensors file.
///
/// - Source: the safetensors format: eight bytes little-endian header length, a JSON object of
///   `name: {dtype, shape, data_offsets}` and `__metadata__`, then the data.
struct SafetensorsHeader: Sendable {
    /// Where one tensor is stored.
    struct Entry: Sendable {
        /// How its elements are stored.
        var type: ElementType
        /// The lengths of its axes.
        var shape: [Int]
        /// Its bytes, counted from the start of the file.
        var bytes: Range<Int>
    }

    /// The longest header that is read, as in the library of the format.
    static let longest = 100_000_000
    /// The most axes of a tensor.
    static let mostAxes = 64

    /// The tensors by name.
    var entries: [String: Entry] = [:]
    /// The free text entries.
    var metadata: [String: String] = [:]

    /// Parses and checks the header of a whole file's bytes.
    init(parsing bytes: UnsafeRawBufferPointer, path: String) throws(FormatError) {
        let dataStart = try Self.dataStart(in: bytes, path: path)
        let json: JSON
        do {
            json = try JSON(
                parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), source: path)
        } catch {
            throw FormatError(
                .malformed, "\(path): the header of \(dataStart - 8) bytes is not JSON",
                advice: "download or export the file again", cause: error)
        }
        guard let members = json.members else {
            throw FormatError(
                .malformed, "\(path): the header is not a JSON object",
                advice: "check that this is a safetensors file")
        }
        for member in members {
            if member.key == "__metadata__" {
                metadata = try Self.metadata(member.value, path: path)
                continue
            }
            let entry = try Self.entry(
                member, dataStart: dataStart, fileByteCount: bytes.count, path: path)
            guard entries.updateValue(entry, forKey: member.key) == nil else {
                throw FormatError(
                    .malformed, "\(path): tensor `\(member.key)` is declared twice",
                    advice: "export the file again")
            }
        }
        try checkOverlap(path: path)
    }

    /// Throws when two tensors share bytes.
    private func checkOverlap(path: String) throws(FormatError) {
        var (end, before) = (0, "")
        let stored = entries.filter { !$0.value.bytes.isEmpty }
        for (name, entry) in stored.sorted(by: {
            $0.value.bytes.lowerBound < $1.value.bytes.lowerBound
        }) {
            guard entry.bytes.lowerBound >= end else {
                throw FormatError(
                    .malformed, "\(path): tensors `\(before)` and `\(name)` overlap",
                    advice: "export the file again")
            }
            (end, before) = (entry.bytes.upperBound, name)
        }
    }

    /// The free text entries, which must be texts.
    private static func metadata(_ json: JSON, path: String) throws(FormatError) -> [String: String]
    {
        var metadata: [String: String] = [:]
        for entry in json.members ?? [] { metadata[entry.key] = entry.value.text }
        guard let members = json.members, metadata.count == members.count else {
            throw FormatError(
                .malformed, "\(path): `__metadata__` is not an object of different texts",
                advice: "export the file again")
        }
        return metadata
    }

    /// The end of the header, checked against the file.
    private static func dataStart(
        in bytes: UnsafeRawBufferPointer, path: String
    ) throws(FormatError) -> Int {
        guard bytes.count >= 8 else {
            throw FormatError(
                .truncated,
                "\(path) holds \(bytes.count) bytes of the 8 that a header length needs",
                advice: "download or export the file again")
        }
        let declared = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard declared <= UInt64(bytes.count - 8) else {
            throw FormatError(
                .truncated,
                "\(path): the header is \(declared) bytes long "
                    + "and the file has \(bytes.count - 8) after the length",
                advice: "download the file again, or check that it is a safetensors file")
        }
        guard declared <= longest else {
            throw FormatError(
                .tooLarge, "\(path): the header is \(declared) bytes long, the limit is \(longest)",
                advice: "check that this is a safetensors file")
        }
        return 8 + Int(declared)
    }

    /// One tensor's declaration, checked against the data that is there.
    private static func entry(
        _ member: JSONMember, dataStart: Int, fileByteCount: Int, path: String
    ) throws(FormatError) -> Entry {
        let name = "\(path): tensor `\(member.key)`"
        let available = fileByteCount - dataStart
        guard let label = member.value["dtype"]?.text else {
            throw FormatError(.malformed, "\(name) has no dtype", advice: "export the file again")
        }
        guard let type = ElementType(safetensors: label) else {
            throw FormatError(
                .unsupported, "\(name) has the unknown dtype `\(label)`",
                advice: "convert it to one of \(ElementType.safetensorsNames)")
        }
        guard let shape = integers(member.value["shape"]), shape.count <= Self.mostAxes,
            let needed = checkedByteCount(shape: shape, type: type)
        else {
            throw FormatError(
                .malformed, "\(name) has the shape \(excerpt(member.value["shape"]))",
                advice: "export the file again; a shape is a list of integers from 0 up")
        }
        guard let offsets = integers(member.value["data_offsets"]), offsets.count == 2,
            offsets[0] >= 0, offsets[1] >= offsets[0]
        else {
            throw FormatError(
                .malformed,
                "\(name) has the data_offsets \(excerpt(member.value["data_offsets"]))",
                advice: "export the file again; they are a start and an end")
        }
        guard offsets[1] - offsets[0] == needed else {
            throw FormatError(
                .malformed,
                "\(name): data_offsets span \(offsets[1] - offsets[0]) bytes, "
                    + "shape \(shape) of \(label) needs \(needed)",
                advice: "export the file again")
        }
        guard offsets[1] <= available else {
            throw FormatError(
                .truncated,
                "\(name) ends at byte \(offsets[1]) of the data "
                    + "and the file holds \(available) bytes of data",
                advice: "download or export the file again; it is incomplete")
        }
        return Entry(
            type: type, shape: shape, bytes: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    /// The start of a value's text, for messages.
    private static func excerpt(_ value: JSON?) -> String {
        let text = value?.text() ?? "null"
        return text.utf8.count <= 200 ? text : "\(text.prefix(200))…"
    }

    /// A list of integers, or nil when the value is anything else.
    private static func integers(_ value: JSON?) -> [Int]? {
        guard let elements = value?.elements else { return nil }
        var numbers: [Int] = []
        for element in elements {
            guard case .integer(let number) = element else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}

extension ElementType {
    /// The type that safetensors calls by a name; nil when there is none here.
    init?(safetensors name: String) {
        guard let type = Self.allCases.first(where: { $0.safetensorsName == name }) else {
            return nil
        }
        self = type
    }

    /// The name in a safetensors header.
    var safetensorsName: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int64: "I64"
        case .int32: "I32"
        case .int16: "I16"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }

    /// All names, for messages.
    static var safetensorsNames: String {
        allCases.map(\.safetensorsName).joined(separator: ", ")
    }
}
