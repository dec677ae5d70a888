/// Packs documents into rows of equal length, as SAELens' activation store does.
///
/// Each row starts with BOS unless its first token is BOS already. Where a document ends within a
/// row, a BOS separates it from the next, unless that document starts with BOS; the separator may
/// be the last token. A long document goes on in the next row after that row's BOS.
///
/// - Source: `concat_and_batch_sequences` of SAELens 6.54.12.
public struct RowPacker {
    /// Tokens in a row.
    public let positions: Int
    /// The first token of every row; nil when rows begin with text.
    public let rowStart: Int32?
    /// The token between documents.
    public let separator: Int32?
    private var row: [Int32] = []

    /// A packer whose first row is still empty.
    ///
    /// - Precondition: `positions` is above 0.
    public init(positions: Int, rowStart: Int32?, separator: Int32?) {
        precondition(positions > 0)
        (self.positions, self.rowStart, self.separator) = (positions, rowStart, separator)
        row.reserveCapacity(positions)
    }

    /// Adds a document and hands each full row to `emit` until that returns false.
    ///
    /// - Returns: false when `emit` asked to stop.
    public mutating func add(_ document: [Int32], emit: ([Int32]) -> Bool) -> Bool {
        var offset = 0
        while offset < document.count {
            let first = document[offset]
            if row.isEmpty {
                if let rowStart, first != rowStart { row.append(rowStart) }
            } else if let separator, first != separator {
                row.append(separator)
            }
            let taken = min(positions - row.count, document.count - offset)
            row.append(contentsOf: document[offset..<(offset + taken)])
            offset += taken
            if row.count == positions {
                let full = row
                row.removeAll(keepingCapacity: true)
                if !emit(full) { return false }
            }
        }
        return true
    }

    /// Forgets the row that is not full.
    public mutating func reset() { row.removeAll(keepingCapacity: true) }
}
