import Glibc

/// Finds where the records of a table end, in bytes that come piece after piece.
///
/// A line of JSON ends with a newline. A record of CSV ends with a newline, a carriage return or
/// both, unless it stands between quotes.
struct RecordSplitter {
    /// Whether newlines between quotes belong to the record.
    let readsQuotes: Bool
    /// The line of the file that is being read, from 1.
    private(set) var line = 1
    /// The line on which the last record of ``nextEnd(in:from:)`` began.
    private(set) var recordLine = 1
    /// Where in a field the reading stands.
    private var state = State.fieldStart
    /// Whether the last byte was a carriage return that ended a record.
    private var followsReturn = false

    /// Where in a field of CSV the reading stands.
    private enum State { case fieldStart, plain, quoted, quoteInQuoted }

    /// Begins at the start of a file.
    init(readsQuotes: Bool) { self.readsQuotes = readsQuotes }

    /// Whether the bytes so far end between quotes.
    var isWithinQuotes: Bool { state == .quoted }

    /// Where the next record begins, behind the newline of a pair that ended the one before.
    mutating func recordStart(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard followsReturn, start < bytes.count else { return start }
        followsReturn = false
        return bytes[start] == 0x0A ? start + 1 : start
    }

    /// Where the record ends that goes on at `start`; nil when these bytes do not hold its end.
    ///
    /// - Returns: the end of its content, and where the next record begins.
    mutating func nextEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> (
        content: Int, next: Int
    )? {
        readsQuotes ? nextEndOfCSV(in: bytes, from: start) : nextEndOfLine(in: bytes, from: start)
    }

    /// The end of a line.
    private mutating func nextEndOfLine(in bytes: UnsafeRawBufferPointer, from start: Int) -> (
        content: Int, next: Int
    )? {
        guard let end = firstIndex(of: 0x0A, in: bytes, from: start) else { return nil }
        recordLine = line
        line += 1
        return (end, end + 1)
    }

    /// The end of a record of CSV.
    private mutating func nextEndOfCSV(in bytes: UnsafeRawBufferPointer, from start: Int) -> (
        content: Int, next: Int
    )? {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            switch (state, byte) {
            case (.quoted, 0x22): state = .quoteInQuoted
            case (.quoted, 0x0A): line += 1
            case (.quoted, _): break
            case (.quoteInQuoted, 0x22): state = .quoted
            case (_, 0x0A), (_, 0x0D):
                state = .fieldStart
                recordLine = firstLine
                line += 1
                firstLine = line
                followsReturn = byte == 0x0D
                return (position, position + 1)
            case (_, 0x2C): state = .fieldStart
            case (.fieldStart, 0x22): state = .quoted
            default: state = .plain
            }
            position += 1
        }
        return nil
    }

    /// The line on which the record of CSV began that is being read.
    private var firstLine = 1

    /// The line on which the record began that the end of the file ends.
    var lastRecordLine: Int { readsQuotes ? firstLine : line }
}

/// The index of a byte at or behind `start`.
func firstIndex(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + start, Int32(byte), bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(found) - base
}
