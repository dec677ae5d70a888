/// Reads little-endian numbers from bytes and says nil instead of reading past the end.
struct ByteReader {
    /// The bytes that are read.
    let bytes: UnsafeRawBufferPointer

    /// A number of two bytes at an offset.
    func uint16(at offset: Int) -> Int? { number(UInt16.self, at: offset).map(Int.init) }

    /// A number of four bytes at an offset.
    func uint32(at offset: Int) -> Int? { number(UInt32.self, at: offset).map(Int.init) }

    /// A number of eight bytes at an offset; nil also when it does not fit `Int`.
    func uint64(at offset: Int) -> Int? {
        number(UInt64.self, at: offset).flatMap(Int.init(exactly:))
    }

    /// Some bytes at an offset.
    func slice(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// A little-endian number at an offset; nil past the end.
    private func number<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number? {
        slice(at: offset, count: MemoryLayout<Number>.size)
            .map { Number(littleEndian: $0.loadUnaligned(as: Number.self)) }
    }
}
