import Basics
import Glibc

/// The first page of an activation file: one line of text by which damage is found before HDF5
/// sees the file.
///
/// The line is `saeval-activations <version> <checksum> <JSON>`; the JSON has the offsets of the
/// data sets and gives the hash of all bytes outside them, which never change after the file was
/// made. HDF5 skips this page as its user block. It is needed because HDF5 1.10 crashes on some
/// flipped bits of its own structures.
struct ActivationSeal {
    /// Bytes of the page, the user block of HDF5.
    static let pageBytes = 4096
    /// Newest format that this program reads.
    static let formatVersion = 1
    /// The first word of the line.
    private static let mark = "saeval-activations"
    /// How a file of HDF5 without our page begins.
    private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Bytes of data sets, ascending.
    private var data: [Range<Int>]
    /// Length of the file in bytes.
    private var fileBytes: Int
    /// Hash of the bytes outside this page and the data sets.
    private var head = ""

    /// Seals a file whose head is finished and on disk.
    ///
    /// - Parameter data: the bytes of the data sets.
    static func write(to file: OpenFile, data: [Range<Int>]) throws {
        let content = try MappedFile(path: file.path)
        var seal = ActivationSeal(
            data: data.sorted { $0.lowerBound < $1.lowerBound }, fileBytes: content.byteCount)
        seal.head = content.withBytes { seal.hash(of: $0) }
        let ranges = seal.data.map {
            JSON.array([.integer($0.lowerBound), .integer($0.upperBound)])
        }
        let json = JSON.object([
            "bytes": .integer(seal.fileBytes), "data": .array(ranges),
            "head": .string(seal.head),
        ]).text()
        let line = "\(mark) \(formatVersion) \(sum(of: json)) \(json)\n"
        try Array(line.utf8).withUnsafeBytes { try file.write($0, at: 0) }
    }

    /// Checks the head of a file.
    ///
    /// - Throws: ``StorageError`` with code `damaged`, `foreign` or `versionTooNew`.
    static func check(_ content: MappedFile) throws {
        let path = content.path
        let seal: ActivationSeal = try content.withBytes { bytes in
            let page = bytes.prefix(pageBytes)
            guard page.starts(with: mark.utf8) else {
                if page.starts(with: hdf5Signature) {
                    throw StorageError(
                        .foreign, "\(path) was not written by saeval",
                        advice: "move it out of this folder")
                }
                throw damaged(path, "is no activation file, or its making was interrupted")
            }
            return try read(page.prefix { $0 != 0x0A }, path)
        }
        guard seal.fileBytes <= content.byteCount else {
            throw damaged(path, "has \(content.byteCount) of \(seal.fileBytes) bytes")
        }
        guard content.withBytes({ seal.hash(of: $0) }) == seal.head else {
            throw damaged(path, "has a head that differs from its checksum")
        }
    }

    /// Parses the line.
    private static func read(_ line: Slice<UnsafeRawBufferPointer>, _ path: String)
        throws -> ActivationSeal
    {
        let parts = line.split(separator: 0x20, maxSplits: 3).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard parts.count == 4, let version = Int(parts[1]) else {
            throw damaged(path, "has no readable first line")
        }
        guard version <= formatVersion else {
            throw StorageError(
                .versionTooNew,
                "\(path) has format version \(version), this program reads up to \(formatVersion)",
                advice: "use a newer saeval, or remove the file")
        }
        guard parts[2] == sum(of: parts[3]) else {
            throw damaged(path, "has a first line that differs from its checksum")
        }
        let json = try JSON(parsing: Array(parts[3].utf8), source: path)
        guard let fileBytes = json["bytes"]?.integer, fileBytes >= openFlags.upperBound,
            let head = json["head"]?.text
        else {
            throw damaged(path, "has a first line without sizes")
        }
        var data: [Range<Int>] = []
        for element in json["data"]?.elements ?? [] {
            let bounds = (element.elements ?? []).compactMap(\.integer)
            guard bounds.count == 2, bounds[0] >= data.last?.upperBound ?? openFlags.upperBound,
                bounds[0] <= bounds[1],
                bounds[1] <= fileBytes
            else { throw damaged(path, "has data sets that overlap or leave the file") }
            data.append(bounds[0]..<bounds[1])
        }
        return ActivationSeal(data: data, fileBytes: fileBytes, head: head)
    }

    /// The four bytes of the superblock in which HDF5 notes that a file is open for writing.
    private static let openFlags = pageBytes + 20..<pageBytes + 24

    /// The hash of all bytes that belong neither to this page nor to a data set.
    private func hash(of bytes: UnsafeRawBufferPointer) -> String {
        var head: [UInt8] = []
        var start = Self.pageBytes
        for range in [Self.openFlags] + data + [fileBytes..<fileBytes] {
            head += bytes[start..<range.lowerBound]
            start = range.upperBound
        }
        return ContentHash.of(head).hex
    }

    /// The checksum of the line's JSON.
    private static func sum(of text: String) -> String {
        hexadecimal(Array(text.utf8).withUnsafeBytes { checksum(of: $0) })
    }

    /// The error of a damaged file.
    private static func damaged(_ path: String, _ what: String) -> StorageError {
        StorageError(.damaged, "\(path) \(what)", advice: "remove it and run again")
    }
}
