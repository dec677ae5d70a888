import Basics
import Glibc

/// How the bytes of a text file are packed, told by the end of its name.
public enum Compression: Sendable {
    case none, gzip, zstd

    /// The endings of names, with the dot.
    public static let endings: [(ending: String, compression: Compression)] = [
        ("", .none), (".zst", .zstd), (".gz", .gzip),
    ]

    /// The compression that a name tells.
    public init(ofFile path: String) {
        self =
            Self.endings.dropFirst().first { path.hasSuffix($0.ending) }?.compression ?? .none
    }
}

/// The bytes that a compressed file may grow to unless told otherwise.
public let mostUnpackedBytes = 1 << 36

/// Lends the bytes of a plain, gzip or zstd file piece after piece until `body` returns false.
///
/// A plain file is mapped, and the pages of pieces that were lent are given back to the system.
///
/// - Parameter mostBytes: refuses to unpack more than this.
/// - Throws: ``FormatError`` when a compressed file is damaged, cut short or too large.
/// - Cost: memory for one piece, and the window of zstd, at most 128 MiB.
public func forEachPiece(
    ofFile path: String, mostBytes: Int = mostUnpackedBytes,
    _ body: (UnsafeRawBufferPointer) throws -> Bool
) throws {
    switch Compression(ofFile: path) {
    case .none: try forEachPiece(ofPlainFile: path, body)
    case .gzip: try inflateGzip(file: path, mostBytes: mostBytes, body)
    case .zstd: try inflateZstd(file: path, mostBytes: mostBytes, body)
    }
}

/// Lends the bytes of a plain file in pieces.
///
/// - Parameter pieceBytes: a multiple of the size of a page.
func forEachPiece(
    ofPlainFile path: String, pieceBytes: Int = 1 << 24,
    _ body: (UnsafeRawBufferPointer) throws -> Bool
) throws {
    try MappedFile(path: path).withBytes { bytes in
        var start = 0
        while start < bytes.count {
            let piece = UnsafeRawBufferPointer(
                rebasing: bytes[start..<min(bytes.count, start + pieceBytes)])
            guard try body(piece) else { return }
            // Pages that were read count as this process's memory until it gives them back.
            madvise(
                UnsafeMutableRawPointer(mutating: piece.baseAddress), piece.count, MADV_DONTNEED)
            start += piece.count
        }
    }
}

/// Unpacks a gzip or zstd file into memory.
///
/// - Parameter mostBytes: refuses to unpack more than this.
/// - Throws: ``FormatError`` when the file is damaged, cut short or too large.
public func unpackedBytes(ofFile path: String, mostBytes: Int = mostUnpackedBytes) throws -> [UInt8]
{
    var output: [UInt8] = []
    try forEachPiece(ofFile: path, mostBytes: mostBytes) { piece in
        output.append(contentsOf: piece)
        return true
    }
    return output
}

/// The error of a compressed file.
///
/// - Parameter kind: `gzip` or `zstd`.
func damagedFile(_ path: String, kind: String, _ what: String) -> FormatError {
    FormatError(
        .malformed, "\(path) is not a whole \(kind) file: \(what)", advice: "get the file again")
}
