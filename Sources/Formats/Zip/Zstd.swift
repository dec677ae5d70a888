import Basics
import CZstd

/// Inflates a zstd file, frame after frame, and lends the pieces until `body` returns false.
///
/// The library refuses frames whose window is larger than 128 MiB, so memory is bounded.
///
/// - Parameter mostBytes: refuses to inflate more than this.
/// - Throws: ``FormatError`` when the file is damaged, cut short or too large.
func inflateZstd(
    file path: String, mostBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Bool
) throws {
    let file = try MappedFile(path: path)
    let damaged = { (what: String) in damagedFile(path, kind: "zstd", what) }
    guard let stream = ZSTD_createDStream() else { throw damaged("zstd cannot begin") }
    defer { ZSTD_freeDStream(stream) }
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var (offset, total) = (0, 0)
    // What the library answers: 0 at the end of a frame, else more is to come.
    var answer = 1
    while offset < file.byteCount || answer != 0 {
        let (taken, made) = file.withBytes { bytes in
            piece.withUnsafeMutableBytes { room in
                var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: offset)
                var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                answer = ZSTD_decompressStream(stream, &output, &input)
                return (input.pos - offset, output.pos)
            }
        }
        guard ZSTD_isError(answer) == 0 else {
            throw damaged(String(cString: ZSTD_getErrorName(answer)).lowercased())
        }
        guard taken + made > 0 else { throw damaged("it ends early") }
        guard made <= mostBytes - total else {
            throw damaged("it inflates to more than \(mostBytes) bytes")
        }
        offset += taken
        total += made
        let goesOn = try piece.withUnsafeBytes {
            try made == 0 || body(UnsafeRawBufferPointer(rebasing: $0[..<made]))
        }
        guard goesOn else { return }
    }
}
