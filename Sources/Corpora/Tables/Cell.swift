import Basics

/// One value of a row, as the file spells it; valid while the row is.
package struct Cell {
    /// What kind of value it is.
    enum Kind: Equatable {
        /// The row of JSON does not have the column.
        case absent
        /// A value of JSON.
        case null, string, number, truth, container
        /// A field of CSV, whose type depends on the whole column.
        case field
    }

    var kind: Kind
    /// The bytes of the value: those between the quotes of a string or of a quoted field.
    var bytes: UnsafeRawBufferPointer
    /// Whether the bytes hold escapes, or doubled quotes in a field.
    var isEscaped: Bool

    /// The value of a column that a row does not have.
    static var absent: Cell {
        Cell(kind: .absent, bytes: UnsafeRawBufferPointer(start: nil, count: 0), isEscaped: false)
    }

    /// The text of a string or field; nil for other values.
    ///
    /// - Throws: ``BasicsError`` for a string that is not one of JSON.
    package func text(source: @autoclosure () -> String) throws -> [UInt8]? {
        switch kind {
        case .string:
            guard isEscaped, let start = bytes.baseAddress else { return Array(bytes) }
            let literal = UnsafeRawBufferPointer(start: start - 1, count: bytes.count + 2)
            let value = try JSON(parsing: literal, source: source())
            return value.text.map { Array($0.utf8) }
        case .field:
            guard isEscaped else { return Array(bytes) }
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count)
            var skips = false
            for byte in bytes {
                skips = byte == 0x22 && !skips
                if !skips { text.append(byte) }
            }
            return text
        default: return nil
        }
    }

    /// The value for a message, cut short.
    var shown: String {
        let start = String(decoding: bytes.prefix(40), as: UTF8.self)
        let text = bytes.count > 40 ? start + "…" : start
        switch kind {
        case .absent: return "nothing"
        case .string, .field: return "\"\(text)\""
        default: return text
        }
    }
}
