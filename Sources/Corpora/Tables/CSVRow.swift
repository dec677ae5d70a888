/// Cuts a record of CSV into fields, by RFC 4180.
///
/// A quote counts at the start of a field alone, as pandas reads it.
struct CSVRow {
    /// The record without the newline that ends it.
    private let bytes: UnsafeRawBufferPointer

    /// A record.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Hands every field and its index to `body`.
    ///
    /// - Returns: the number of fields.
    /// - Throws: ``RowFault`` for text behind a closing quote, or a quote that is not closed.
    func forEachField(_ body: (Int, Cell) -> Void) throws(RowFault) -> Int {
        var position = 0
        var count = 0
        while true {
            let cell: Cell
            if position < bytes.count, bytes[position] == 0x22 {
                cell = try quoted(from: &position)
            } else {
                let end = firstIndex(of: 0x2C, in: bytes, from: position) ?? bytes.count
                cell = Cell(
                    kind: .field, bytes: UnsafeRawBufferPointer(rebasing: bytes[position..<end]),
                    isEscaped: false)
                position = end
            }
            body(count, cell)
            count += 1
            guard position < bytes.count else { return count }
            // What ends a field is a comma, or the end of the record.
            position += 1
        }
    }

    /// The field that opens with a quote at `position`, which moves behind the closing one.
    private func quoted(from position: inout Int) throws(RowFault) -> Cell {
        let start = position + 1
        position = start
        var isEscaped = false
        while let quote = firstIndex(of: 0x22, in: bytes, from: position) {
            position = quote + 1
            guard position < bytes.count, bytes[position] == 0x22 else {
                guard position == bytes.count || bytes[position] == 0x2C else {
                    throw RowFault(what: "text behind a closing quote", position: position)
                }
                return Cell(
                    kind: .field, bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<quote]),
                    isEscaped: isEscaped)
            }
            isEscaped = true
            position += 1
        }
        throw RowFault(what: "a quote that is not closed", position: start - 1)
    }
}
