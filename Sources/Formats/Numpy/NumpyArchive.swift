import Basics
import Tensors

/// The arrays of an npz archive, mapped into memory; members that are no arrays are passed over.
public final class NumpyArchive: TensorSource {
    /// The path as given.
    public let path: String
    /// The names of all arrays without `.npy`, sorted by bytes.
    public let tensorNames: [String]
    /// The names of all arrays, as numpy calls them.
    public var arrayNames: [String] { tensorNames }
    /// The members that are arrays, by name.
    private let members: [String: ZipDirectory.Member]
    /// The archive.
    private let archive: ZipArchive

    /// Maps the archive and checks its directory against the bytes that are there.
    ///
    /// - Throws: ``FormatError`` when the file does not exist, is truncated or is not an archive.
    public init(path: String) throws(FormatError) {
        self.path = path
        archive = try ZipArchive(
            path: path, writer: "numpy.savez or numpy.savez_compressed")
        var members: [String: ZipDirectory.Member] = [:]
        for (name, member) in archive.members where name.hasSuffix(".npy") {
            members[String(name.dropLast(4))] = member
        }
        self.members = members
        tensorNames = sortedByBytes(members.keys)
    }

    /// Whether an array of that name is there.
    public func contains(_ name: String) -> Bool { members[name] != nil }

    /// The lengths of the axes of an array.
    public func shape(of name: String) throws(FormatError) -> [Int] { try header(name).shape }

    /// How the elements of an array are stored.
    public func type(of name: String) throws(FormatError) -> ElementType { try header(name).type }

    /// The array of a name in row-major order; its checksum is verified.
    ///
    /// - Cost: one pass over the bytes for the checksum; a stored array that is aligned is not
    ///   copied.
    public func tensor(_ name: String) throws(FormatError) -> Tensor {
        let header = try header(name)
        let member = try member(name)
        try header.check(available: member.contentByteCount, name: "\(path): array `\(name)`")
        if member.method == 0 {
            let bytes = archive.storedBytes(of: member)
            guard let start = bytes.baseAddress else { throw missingTensor(name) }
            try archive.check(bytes, of: member, called: "array `\(name)`")
            return header.tensor(from: start, owner: archive.file)
        }
        // Not the size that the directory claims but the one that the array's own header needs.
        let needed = header.dataOffset + header.dataByteCount
        guard needed == member.contentByteCount else {
            throw damaged(
                name, "inflates to \(member.contentByteCount) bytes and its header needs \(needed)")
        }
        let content = Buffer(byteCount: needed)
        let target = UnsafeMutableRawBufferPointer(start: content.base, count: needed)
        let outcome = inflateRaw(archive.storedBytes(of: member), into: target)
        guard let outcome, outcome.written == needed, outcome.ended else {
            throw damaged(
                name, "holds \(outcome?.written ?? 0) of \(needed) bytes that can be inflated")
        }
        try archive.check(
            UnsafeRawBufferPointer(target), of: member, called: "array `\(name)`")
        return header.tensor(from: content.base, owner: content)
    }

    /// The member of a name.
    private func member(_ name: String) throws(FormatError) -> ZipDirectory.Member {
        guard let member = members[name] else { throw missingTensor(name) }
        return member
    }

    /// The header of an array; only the start of a deflated one is inflated.
    private func header(_ name: String) throws(FormatError) -> NumpyHeader {
        let member = try member(name)
        let label = "\(path): array `\(name)`"
        if member.method == 0 {
            return try NumpyHeader(parsing: archive.storedBytes(of: member), name: label)
        }
        var start = [UInt8](
            repeating: 0, count: min(NumpyHeader.enoughBytes, member.contentByteCount))
        let written = start.withUnsafeMutableBytes { target in
            inflateRaw(archive.storedBytes(of: member), into: target)?.written
        }
        guard let written else { throw damaged(name, "cannot be inflated") }
        return try start.withUnsafeBytes { bytes in
            Result { () throws(FormatError) in
                try NumpyHeader(
                    parsing: UnsafeRawBufferPointer(rebasing: bytes[..<written]), name: label)
            }
        }.get()
    }

    /// The error for an array whose bytes contradict the archive.
    private func damaged(_ name: String, _ how: String) -> FormatError {
        FormatError(
            .malformed, "\(path): array `\(name)` \(how)",
            advice: "download or export the file again")
    }
}
