/// What is wrong with a row of a table, and at which of its bytes.
struct RowFault: Error {
    /// What is wrong.
    var what: String
    /// Counted from 0.
    var position: Int
}

/// Finds the values of some columns in one line of JSON, without trees for the others.
///
/// Values that nobody asked for are skipped: their strings end and their brackets match, no more is
/// checked.
///
/// - Cost: one pass over the line; no memory.
struct JSONRow {
    /// The line.
    private let bytes: UnsafeRawBufferPointer
    /// The byte that is read next.
    private var position = 0

    /// A line, or the bytes of a container within one.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Fills `cells` with the values of `columns`; of a column that comes twice the last counts.
    mutating func read(_ columns: [[UInt8]], into cells: inout [Cell]) throws(RowFault) {
        for index in cells.indices { cells[index] = .absent }
        try forEachMember { key, value in
            guard !key.isEscaped else {
                let name = try? key.text(source: "")
                if let index = columns.firstIndex(where: { $0 == name }) { cells[index] = value }
                return
            }
            if let index = columns.firstIndex(where: { $0.elementsEqual(key.bytes) }) {
                cells[index] = value
            }
        }
    }

    /// The names of the columns of a line.
    mutating func names() throws(RowFault) -> [String] {
        var names: [String] = []
        try forEachMember { key, _ in
            let text = (try? key.text(source: "")) ?? nil
            names.append(String(decoding: text ?? [], as: UTF8.self))
        }
        return names
    }

    /// Walks over an object's members.
    private mutating func forEachMember(_ body: (Cell, Cell) -> Void) throws(RowFault) {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { throw fault("not an object") }
        skipSpace()
        if !take(UInt8(ascii: "}")) {
            while true {
                skipSpace()
                guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                    throw fault("a key is missing")
                }
                let key = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing") }
                skipSpace()
                body(key, try value())
                skipSpace()
                if take(UInt8(ascii: "}")) { break }
                guard take(UInt8(ascii: ",")) else { throw fault("a comma is missing") }
            }
        }
        skipSpace()
        guard position == bytes.count else { throw fault("text after the end of the object") }
    }

    /// Reads a value.
    private mutating func value() throws(RowFault) -> Cell {
        guard position < bytes.count else { throw fault("the line ends early") }
        switch bytes[position] {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return try container()
        default:
            let start = position
            while position < bytes.count, !Self.endsWord(bytes[position]) { position += 1 }
            let word = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
            guard let first = word.first else { throw fault("a value is missing") }
            let kind: Cell.Kind =
                switch first {
                case UInt8(ascii: "n"): .null
                case UInt8(ascii: "t"), UInt8(ascii: "f"): .truth
                default: .number
                }
            return Cell(kind: kind, bytes: word, isEscaped: false)
        }
    }

    /// Whether a byte ends a number or word.
    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0D, 0x0A: true
        default: false
        }
    }

    /// Reads a string.
    private mutating func string() throws(RowFault) -> Cell {
        position += 1
        let start = position
        var isEscaped = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return Cell(
                    kind: .string,
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<(position - 1)]),
                    isEscaped: isEscaped)
            }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                position += 1
            } else if byte < 0x20 {
                throw fault("a control character within a string")
            }
            position += 1
        }
        throw fault("a string has no end")
    }

    /// Skips an object or array.
    private mutating func container() throws(RowFault) -> Cell {
        let start = position
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 {
                return Cell(
                    kind: .container,
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<position]),
                    isEscaped: false)
            }
        }
        throw fault("a bracket has no partner")
    }

    /// Moves behind spaces.
    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0D, 0x0A: position += 1
            default: return
            }
        }
    }

    /// Moves behind a byte if it comes next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// A fault at the position that has been reached.
    private func fault(_ what: String) -> RowFault { RowFault(what: what, position: position) }
}
