import Basics
import CZlib

/// Inflates a gzip file, member after member, and lends the pieces until `body` returns false.
///
/// - Parameter mostBytes: refuses to inflate more than this.
/// - Throws: ``FormatError`` when the file is damaged, cut short or too large.
func inflateGzip(
    file path: String, mostBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Bool
) throws {
    let file = try MappedFile(path: path)
    let damaged = { (what: String) in damagedFile(path, kind: "gzip", what) }
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var (offset, total) = (0, 0)
    while offset < file.byteCount || offset == 0 {
        var stream = z_stream()
        guard czlib_inflate_init_gzip(&stream) == Z_OK else { throw damaged("zlib cannot begin") }
        defer { inflateEnd(&stream) }
        var status = Z_OK
        while status != Z_STREAM_END {
            let (taken, made) = file.withBytes { bytes in
                piece.withUnsafeMutableBufferPointer { room in
                    let available = min(bytes.count - offset, 1 << 30)
                    stream.next_in = bytes.baseAddress.map {
                        UnsafeMutablePointer(
                            mutating: ($0 + offset).assumingMemoryBound(to: UInt8.self))
                    }
                    stream.avail_in = UInt32(available)
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    return (available - Int(stream.avail_in), room.count - Int(stream.avail_out))
                }
            }
            guard status == Z_OK || status == Z_STREAM_END else {
                throw damaged("its bytes are damaged or cut short")
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
}
