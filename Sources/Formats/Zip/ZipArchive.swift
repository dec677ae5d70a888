import Basics

/// A ZIP archive, mapped into memory, whose members are read without a copy.
struct ZipArchive: Sendable {
    /// The path as given.
    let path: String
    /// The mapped archive; it keeps the bytes of members alive.
    let file: MappedFile
    /// The members by name.
    let members: [String: ZipDirectory.Member]

    /// Maps an archive and checks its directory against the bytes that are there.
    ///
    /// - Parameter writer: what writes such archives, for the advice.
    /// - Throws: ``FormatError`` when the file does not exist, is truncated or is not an archive.
    init(path: String, writer: String) throws(FormatError) {
        try self.init(file: map(path, advice: "check the path"), path: path, writer: writer)
    }

    /// Checks the directory of a mapped archive against the bytes that are there.
    init(file: MappedFile, path: String, writer: String) throws(FormatError) {
        let directory = try file.withBytes { bytes in
            Result { () throws(FormatError) in
                try ZipDirectory(parsing: bytes, path: path, writer: writer)
            }
        }.get()
        (self.path, self.file) = (path, file)
        members = Dictionary(
            directory.members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The bytes of a member as stored in the file; valid while ``file`` lives.
    func storedBytes(of member: ZipDirectory.Member) -> UnsafeRawBufferPointer {
        file.withBytes { UnsafeRawBufferPointer(rebasing: $0[member.bytes]) }
    }

    /// Throws when the content of a member has another checksum than the directory says.
    ///
    /// - Parameter name: what the message calls the member.
    /// - Cost: one pass over the bytes, about 3 GB/s.
    func check(
        _ content: UnsafeRawBufferPointer, of member: ZipDirectory.Member, called name: String
    ) throws(FormatError) {
        let checksum = crc32(of: content)
        guard checksum == member.checksum else {
            throw FormatError(
                .malformed,
                "\(path): \(name) has the checksum \(hexadecimal(UInt64(checksum))), "
                    + "not \(hexadecimal(UInt64(member.checksum)))",
                advice: "download or export the file again")
        }
    }
}
