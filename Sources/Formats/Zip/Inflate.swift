import CZlib

/// Inflates raw deflate data until the destination is full or the data ends.
///
/// - Returns: the bytes written and whether the data ended there; nil when the data is damaged.
package func inflateRaw(
    _ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer
) -> (written: Int, ended: Bool)? {
    var stream = z_stream()
    guard czlib_inflate_init_raw(&stream) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    let largestPart = 1 << 30
    var read = 0
    var written = 0
    while true {
        let input = min(largestPart, source.count - read)
        let output = min(largestPart, destination.count - written)
        stream.next_in = source.baseAddress.map {
            UnsafeMutablePointer(mutating: ($0 + read).assumingMemoryBound(to: UInt8.self))
        }
        stream.avail_in = UInt32(input)
        // zlib needs somewhere to write even when nothing is left to write.
        var spare: UInt8 = 0
        let (status, consumed, produced) = withUnsafeMutablePointer(to: &spare) { spare in
            let room = destination.baseAddress.map {
                ($0 + written).assumingMemoryBound(to: UInt8.self)
            }
            stream.next_out = output > 0 ? room : spare
            stream.avail_out = output > 0 ? UInt32(output) : 1
            let status = inflate(&stream, Z_NO_FLUSH)
            let produced = (output > 0 ? output : 1) - Int(stream.avail_out)
            return (status, input - Int(stream.avail_in), produced)
        }
        if output == 0 {
            return status == Z_STREAM_END && produced == 0 ? (written, true) : (written, false)
        }
        read += consumed
        written += produced
        switch status {
        case Z_STREAM_END: return (written, true)
        case Z_OK where consumed > 0 || produced > 0: continue
        case Z_BUF_ERROR where read == source.count: return (written, false)
        default: return nil
        }
    }
}

/// The CRC-32 of bytes.
func crc32(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var value: UInt = 0
    var done = 0
    while done < bytes.count {
        let part = min(1 << 30, bytes.count - done)
        let start = bytes.baseAddress.map { ($0 + done).assumingMemoryBound(to: UInt8.self) }
        value = UInt(CZlib.crc32(uLong(value), start, UInt32(part)))
        done += part
    }
    return UInt32(truncatingIfNeeded: value)
}
