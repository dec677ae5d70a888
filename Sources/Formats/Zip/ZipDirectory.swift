import Basics

/// The members of a ZIP archive, from its central directory.
///
/// - Source: PKWARE APPNOTE 6.3.10, §4.3; sizes of the central directory are believed only after
///   they were compared with the bytes that are there, so data descriptors need no reading.
struct ZipDirectory: Sendable {
    /// One member of an archive.
    struct Member: Sendable {
        /// The name as stored.
        var name: String
        /// 0 for stored, 8 for deflated.
        var method: Int
        /// The checksum of the content.
        var checksum: UInt32
        /// Where the member's own header starts in the file.
        var start: Int
        /// The bytes in the file, counted from its start.
        var bytes: Range<Int>
        /// The length of the content.
        var contentByteCount: Int
    }

    /// The most members that are read.
    static let mostMembers = 100_000
    /// The largest growth that deflate can reach is 1032; a little room is left for tiny members.
    static let largestGrowth = 1040

    /// The members in the order of the directory.
    var members: [Member] = []

    /// Reads the directory of a whole archive's bytes.
    ///
    /// - Parameter writer: what writes such archives, for the advice.
    init(
        parsing bytes: UnsafeRawBufferPointer, path: String, writer: String
    ) throws(FormatError) {
        let reader = ByteReader(bytes: bytes)
        let end = try Self.endRecord(reader, path: path, writer: writer)
        guard let entries = reader.slice(at: end.offset, count: end.byteCount) else {
            throw Self.truncated(
                path, "its directory of \(end.byteCount) bytes at \(end.offset)", bytes.count)
        }
        guard end.count <= Self.mostMembers, end.count <= entries.count / 46 else {
            throw FormatError(
                .malformed,
                "\(path) claims \(end.count) members in a directory of \(entries.count) bytes",
                advice: "download or export the file again")
        }
        let directory = ByteReader(bytes: entries)
        var offset = 0
        var names: Set<String> = []
        for _ in 0..<end.count {
            let (member, length) = try Self.member(
                directory, at: offset, in: reader, path: path, writer: writer)
            guard names.insert(member.name).inserted else {
                throw FormatError(
                    .malformed, "\(path) holds two members named `\(member.name)`",
                    advice: "export the file again")
            }
            members.append(member)
            offset += length
        }
        try checkRanges(directoryStart: end.offset, path: path)
    }

    /// Throws when two members share bytes, or one shares them with the directory.
    private func checkRanges(directoryStart: Int, path: String) throws(FormatError) {
        var end = 0
        var before = ""
        for member in members.sorted(by: { $0.start < $1.start }) {
            guard member.start >= end else {
                throw FormatError(
                    .malformed, "\(path): members `\(before)` and `\(member.name)` overlap",
                    advice: "download or export the file again")
            }
            (end, before) = (member.bytes.upperBound, member.name)
        }
        guard end <= directoryStart else {
            throw FormatError(
                .malformed, "\(path): member `\(before)` overlaps the directory",
                advice: "download or export the file again")
        }
    }

    /// Finds the record at the end of the file and its 64-bit form where there is one.
    private static func endRecord(
        _ reader: ByteReader, path: String, writer: String
    ) throws(FormatError) -> (count: Int, byteCount: Int, offset: Int) {
        let size = reader.bytes.count
        var index = size - 22
        while index >= 0, index >= size - 22 - 65_535 {
            if reader.uint32(at: index) == 0x0605_4B50, let comment = reader.uint16(at: index + 20),
                index + 22 + comment <= size
            {
                break
            }
            index -= 1
        }
        guard index >= 0, index >= size - 22 - 65_535, let count = reader.uint16(at: index + 10),
            let byteCount = reader.uint32(at: index + 12),
            let offset = reader.uint32(at: index + 16)
        else {
            throw FormatError(
                .malformed, "\(path) of \(size) bytes has no end record of a ZIP archive",
                advice: "download the file again, or check that \(writer) wrote it")
        }
        guard count == 0xFFFF || byteCount == 0xFFFF_FFFF || offset == 0xFFFF_FFFF,
            reader.uint32(at: index - 20) == 0x0706_4B50
        else { return (count, byteCount, offset) }
        guard let large = reader.uint64(at: index - 12), reader.uint32(at: large) == 0x0606_4B50,
            let count = reader.uint64(at: large + 32),
            let byteCount = reader.uint64(at: large + 40),
            let offset = reader.uint64(at: large + 48)
        else {
            throw FormatError(
                .malformed, "\(path) has a damaged 64-bit end record",
                advice: "download the file again")
        }
        return (count, byteCount, offset)
    }

    /// Reads one entry of the directory and the offset of its data.
    private static func member(
        _ directory: ByteReader, at offset: Int, in file: ByteReader, path: String, writer: String
    ) throws(FormatError) -> (Member, length: Int) {
        guard directory.uint32(at: offset) == 0x0201_4B50,
            let flags = directory.uint16(at: offset + 8),
            let method = directory.uint16(at: offset + 10),
            let checksum = directory.uint32(at: offset + 16),
            var stored = directory.uint32(at: offset + 20),
            var content = directory.uint32(at: offset + 24),
            let nameLength = directory.uint16(at: offset + 28),
            let extraLength = directory.uint16(at: offset + 30),
            let commentLength = directory.uint16(at: offset + 32),
            var start = directory.uint32(at: offset + 42),
            let nameBytes = directory.slice(at: offset + 46, count: nameLength),
            let extra = directory.slice(at: offset + 46 + nameLength, count: extraLength)
        else {
            throw FormatError(
                .malformed, "\(path): the directory is damaged at its byte \(offset)",
                advice: "download the file again")
        }
        let name = String(decoding: nameBytes, as: UTF8.self)
        guard flags & 1 == 0, method == 0 || method == 8 else {
            throw FormatError(
                .unsupported,
                "\(path): member `\(name)` is encrypted or uses compression method \(method)",
                advice: "write the archive with \(writer)")
        }
        widen(&content, &stored, &start, from: ByteReader(bytes: extra))
        guard file.uint32(at: start) == 0x0403_4B50, let localName = file.uint16(at: start + 26),
            let localExtra = file.uint16(at: start + 28),
            file.slice(at: start + 30 + localName + localExtra, count: stored) != nil
        else {
            throw truncated(
                path, "member `\(name)` of \(stored) bytes at \(start)", file.bytes.count)
        }
        let first = start + 30 + localName + localExtra
        guard let ownName = file.slice(at: start + 30, count: localName),
            ownName.elementsEqual(nameBytes)
        else {
            throw FormatError(
                .malformed, "\(path): member `\(name)` has another name in its own header",
                advice: "download or export the file again")
        }
        guard method == 8 || content == stored, content / Self.largestGrowth <= stored + 1 else {
            throw FormatError(
                .malformed, "\(path): member `\(name)` claims \(content) bytes in \(stored)",
                advice: "download or export the file again")
        }
        let member = Member(
            name: name, method: method, checksum: UInt32(truncatingIfNeeded: checksum),
            start: start, bytes: first..<first + stored, contentByteCount: content)
        return (member, 46 + nameLength + extraLength + commentLength)
    }

    /// Takes the 64-bit numbers of the extra field for those that are all ones.
    private static func widen(
        _ content: inout Int, _ stored: inout Int, _ start: inout Int, from extra: ByteReader
    ) {
        var offset = 0
        while let kind = extra.uint16(at: offset), let length = extra.uint16(at: offset + 2) {
            if kind == 1 {
                var field = offset + 4
                func next(_ value: inout Int) {
                    guard value == 0xFFFF_FFFF, field + 8 <= offset + 4 + length else { return }
                    if let wide = extra.uint64(at: field) { value = wide }
                    field += 8
                }
                next(&content)
                next(&stored)
                next(&start)
                return
            }
            offset += 4 + length
        }
    }

    /// The error for something that is not within the file.
    private static func truncated(_ path: String, _ what: String, _ size: Int) -> FormatError {
        FormatError(
            .truncated, "\(path) of \(size) bytes does not hold \(what)",
            advice: "download or export the file again; it is incomplete")
    }
}
