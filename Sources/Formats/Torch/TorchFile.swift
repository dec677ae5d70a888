import Basics
import Glibc
import Tensors

/// The tensors and plain values of a file that `torch.save` wrote, mapped into memory.
///
/// Names of nested dicts are joined with a dot. The pickle inside is read by a list of known
/// operations and names; nothing in it is ever executed.
///
/// - Cost: opening reads the pickle alone; a tensor's bytes are read when it is asked for.
public final class TorchFile: TensorSource {
    /// The path as given.
    public let path: String
    /// The names of all tensors, sorted by bytes.
    public let tensorNames: [String]
    /// The names of all plain values, sorted by bytes.
    public let scalarNames: [String]
    /// The tensors by name.
    private let tensors: [String: Entry]
    /// The plain values by name.
    private let scalars: [String: TorchScalar]
    /// The archive.
    private let archive: ZipArchive

    /// A tensor whose range was checked.
    private struct Entry: Sendable {
        /// The type of the elements.
        var type: ElementType
        /// Lengths and distances, in elements.
        var layout: StridedLayout
        /// The offset of the first element in the member, in bytes.
        var byteOffset: Int
        /// The bytes from the first element to behind the last.
        var spanByteCount: Int
        /// The member that holds the bytes.
        var member: ZipDirectory.Member
    }

    /// Bytes by which a tensor whose elements share memory may be larger than its storage.
    private static let largestGrowth = 16 << 20
    /// The line of Python that saves a file of another form of torch's as an archive.
    ///
    /// - Parameter isSafe: whether the reader for weights alone takes it; the other one runs what
    ///   the file says.
    private static func savingAnew(_ path: String, isSafe: Bool = true) -> String {
        let name = JSON.string(path).text()
        return "in Python, with torch 1.13 or later: torch.save(torch.load(\(name), "
            + "map_location=\"cpu\", weights_only=\(isSafe ? "True" : "False")), \(name))"
    }

    /// Maps the file, reads its pickle and checks every tensor against the bytes that are there.
    ///
    /// - Throws: ``FormatError`` when the file does not exist, is damaged or in another form of torch's,
    ///   or when its pickle asks for anything but tensors and plain values.
    public init(path: String) throws(FormatError) {
        self.path = path
        let file = try map(path, advice: "check the path")
        try file.withBytes { bytes in
            Result { () throws(FormatError) in try Self.checkIsArchive(bytes, path: path) }
        }.get()
        archive = try ZipArchive(file: file, path: path, writer: "torch.save")
        let root = try Self.root(of: archive)
        let (tensors, scalars) = try Self.contents(of: archive, root: root)
        (self.tensors, self.scalars) = (tensors, scalars)
        (tensorNames, scalarNames) = (sortedByBytes(tensors.keys), sortedByBytes(scalars.keys))
    }

    /// Whether a tensor of that name is there.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// The plain value of a name: an integer, float, truth value or text; nil when there is none.
    public func scalar(_ name: String) -> TorchScalar? { scalars[name] }

    /// The lengths of the axes of a tensor.
    public func shape(of name: String) throws(FormatError) -> [Int] {
        try entry(name).layout.shape
    }

    /// How the elements of a tensor are stored.
    public func type(of name: String) throws(FormatError) -> ElementType { try entry(name).type }

    /// The tensor of a name in row-major order; the checksum of its storage is verified.
    ///
    /// - Cost: one pass over the storage for the checksum; a tensor that is stored in row-major order
    ///   and is aligned is not copied, others are copied once.
    public func tensor(_ name: String) throws(FormatError) -> Tensor {
        let entry = try entry(name)
        let storage = archive.storedBytes(of: entry.member)
        // Writers that were told to leave the checksum out write 0.
        if entry.member.checksum != 0 {
            try archive.check(storage, of: entry.member, called: "the storage of tensor `\(name)`")
        }
        guard let start = storage.baseAddress, entry.spanByteCount > 0 else {
            return Tensor(uninitialized: entry.layout.shape, type: entry.type)
        }
        let data = start + entry.byteOffset
        if entry.layout.isRowMajor, UInt(bitPattern: data) % UInt(entry.type.byteCount) == 0 {
            let buffer = Buffer(
                borrowing: data, byteCount: entry.spanByteCount, owner: archive.file)
            return Tensor(shape: entry.layout.shape, type: entry.type, buffer: buffer)
        }
        let copy = Tensor(uninitialized: entry.layout.shape, type: entry.type)
        entry.layout.copy(from: data, to: copy.bytes, elementByteCount: entry.type.byteCount)
        return copy
    }

    /// Where a tensor is stored.
    private func entry(_ name: String) throws(FormatError) -> Entry {
        guard let entry = tensors[name] else { throw missingTensor(name) }
        return entry
    }
}

// MARK: - Opening

extension TorchFile {
    /// The start of files that torch wrote before its release 1.6: a pickled number.
    private static let oldMagic: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// Throws for files that torch can read and that are no archives.
    private static func checkIsArchive(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(FormatError) {
        if bytes.starts(with: oldMagic) {
            throw FormatError(
                .unsupported, "\(path) has the form that torch wrote before its release 1.6",
                advice: savingAnew(path))
        }
        if bytes.count >= 512, bytes[257..<262].elementsEqual("ustar".utf8) {
            throw FormatError(
                .unsupported,
                "\(path) is a tar archive, as torch wrote them in its first releases",
                advice: "if you trust the file, since reading it runs what it says, "
                    + savingAnew(path, isSafe: false))
        }
        if bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
            throw FormatError(
                .unsupported, "\(path) is a bare pickle and not an archive that torch.save wrote",
                advice: "save the weights with torch.save(state_dict, path)")
        }
    }

    /// The folder of the archive that holds everything.
    private static func root(of archive: ZipArchive) throws(FormatError) -> String {
        let suffix = "/data.pkl"
        let roots = archive.members.keys.filter { name in
            name.hasSuffix(suffix) && !name.dropLast(suffix.count).contains("/")
        }
        guard roots.count == 1, let first = roots.first else {
            throw FormatError(
                .malformed,
                "\(archive.path) is a ZIP archive with \(roots.count) members `data.pkl`, not one",
                advice: "name a file that torch.save wrote; arrays of numpy end in .npz")
        }
        let root = String(first.dropLast(suffix.count))
        let isProgram = archive.members.keys.contains {
            $0 == "\(root)/constants.pkl" || $0.hasPrefix("\(root)/code/")
        }
        guard !isProgram else {
            throw FormatError(
                .unsupported, "\(archive.path) is a TorchScript program and no dict of tensors",
                advice: "save its weights with torch.save(module.state_dict(), path)")
        }
        return root
    }

    /// A stored member; nil when it is not there.
    private static func member(
        _ name: String, of archive: ZipArchive
    ) throws(FormatError) -> ZipDirectory.Member? {
        guard let member = archive.members[name] else { return nil }
        guard member.method == 0 else {
            throw FormatError(
                .unsupported, "\(archive.path): member `\(name)` is compressed",
                advice: savingAnew(archive.path))
        }
        return member
    }

    /// Reads the pickle and checks the range of every tensor.
    private static func contents(
        of archive: ZipArchive, root: String
    ) throws(FormatError) -> (tensors: [String: Entry], scalars: [String: TorchScalar]) {
        if let member = try member("\(root)/byteorder", of: archive) {
            let order = archive.storedBytes(of: member)
            guard order.elementsEqual("little".utf8) else {
                let text = String(decoding: order.prefix(20), as: UTF8.self)
                throw FormatError(
                    .unsupported, "\(archive.path) has the byte order `\(text)`, not `little`",
                    advice: "save it again on a little-endian machine")
            }
        }
        guard let member = try member("\(root)/data.pkl", of: archive) else {
            throw FormatError(
                .malformed, "\(archive.path) has no pickle", advice: savingAnew(archive.path))
        }
        let bytes = archive.storedBytes(of: member)
        if member.checksum != 0 { try archive.check(bytes, of: member, called: "its pickle") }
        var pickle = Unpickler(bytes: bytes, name: "\(archive.path): its pickle")
        let value = try pickle.load()
        let contents = try TorchContents(of: value, in: pickle)
        var tensors: [String: Entry] = [:]
        for (name, layout) in contents.tensors {
            tensors[name] = try entry(layout, name: name, root: root, in: archive)
        }
        return (tensors, contents.scalars)
    }

    /// Checks the range of a tensor against the bytes of its storage.
    private static func entry(
        _ tensor: TorchLayout, name: String, root: String, in archive: ZipArchive
    ) throws(FormatError) -> Entry {
        let label = "\(archive.path): tensor `\(name)`"
        let (shape, size) = (tensor.layout.shape, tensor.type.byteCount)
        guard let member = try member("\(root)/data/\(tensor.storage.key)", of: archive) else {
            throw FormatError(
                .truncated, "\(label) is in storage \(tensor.storage.key), which does not exist",
                advice: "download or export the file again; it is incomplete")
        }
        let (declared, overflow) = tensor.storage.count.multipliedReportingOverflow(
            by: tensor.storage.type?.byteCount ?? 1)
        guard !overflow, declared == member.bytes.count else {
            throw FormatError(
                .malformed,
                "\(label): storage \(tensor.storage.key) claims \(tensor.storage.count) elements "
                    + "and holds \(member.bytes.count) bytes",
                advice: "download or export the file again")
        }
        guard let byteCount = checkedByteCount(shape: shape, type: tensor.type),
            let span = tensor.layout.span
        else {
            throw FormatError(
                .malformed, "\(label) has the shape \(shape) and strides \(tensor.layout.strides)",
                advice: "export the file again")
        }
        let elements = declared / size
        guard span == 0 || (tensor.offset < elements && span <= elements - tensor.offset) else {
            throw FormatError(
                .malformed,
                "\(label) of shape \(shape), strides \(tensor.layout.strides) and offset "
                    + "\(tensor.offset) reaches beyond the \(elements) elements of its storage",
                advice: "download or export the file again")
        }
        guard byteCount - declared <= largestGrowth else {
            throw FormatError(
                .tooLarge,
                "\(label) spreads \(declared) bytes over \(byteCount)",
                advice: "save it with tensor.contiguous(), or as the few values that it has")
        }
        return Entry(
            type: tensor.type, layout: tensor.layout,
            byteOffset: span == 0 ? 0 : tensor.offset * size, spanByteCount: span * size,
            member: member)
    }
}
