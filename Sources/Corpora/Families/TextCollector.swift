import Basics

/// Reads the texts of chosen rows and hands them on in batches.
struct TextCollector {
    let chosen: ChosenTexts
    /// Where the results of rows go.
    let positions: [ChosenTexts.Row: Int]
    let threads: Int

    /// Texts of one batch, and bytes of them, at most.
    private static let (mostTexts, mostBytes) = (4_096, 1 << 25)

    /// A text that waits for its batch.
    private struct Pending: Sendable {
        var position: Int
        var text: [UInt8]
        var line: Int
    }

    /// Maps all texts on some threads; the results are in the order of the rows.
    ///
    /// - Parameter body: gets a text, and what makes an error that names its row.
    func map<Value: Sendable>(
        _ body: @escaping @Sendable ([UInt8], (String) -> CorporaError) throws -> Value
    ) throws -> [Value] {
        var results = [Value?](repeating: nil, count: positions.count)
        for (index, source) in chosen.sources.enumerated() {
            var wanted: [Int: Int] = [:]
            for (row, position) in positions where row.table == index {
                wanted[row.row] = position
            }
            var batch: [Pending] = []
            var byteCount = 0
            var left = wanted.count
            func flush() throws {
                let made = try concurrentMap(batch.count, threads: threads) { [batch] index in
                    let pending = batch[index]
                    return try body(pending.text) { what in
                        source.file.fault(.empty, line: pending.line, "`\(source.column)`: \(what)")
                    }
                }
                for (pending, value) in zip(batch, made) { results[pending.position] = value }
                batch.removeAll(keepingCapacity: true)
                byteCount = 0
            }
            func isWanted(_ row: Int) -> Bool { wanted[row] != nil }
            guard left > 0 else { continue }
            try source.file.forEachRow([source.column], wanted: isWanted) { row in
                guard let position = wanted[row.index] else { return true }
                let whole = try Self.text(in: row.cells[0], line: row.line, of: source)
                let text = Self.text(whole, without: chosen.skippedCharacters)
                batch.append(Pending(position: position, text: text, line: row.line))
                byteCount += text.count
                left -= 1
                if batch.count == Self.mostTexts || byteCount >= Self.mostBytes { try flush() }
                return left > 0
            }
            try flush()
            guard left == 0 else {
                throw CorporaError(
                    .damaged, "Dataset \(source.file.path) lost rows while it was read",
                    advice: "leave the file alone while it is read")
            }
        }
        return results.compactMap(\.self)
    }

    /// The text of a cell of a source.
    ///
    /// - Throws: ``CorporaError`` when there is none.
    static func text(in cell: Cell, line: Int, of source: ChosenTexts.Source) throws -> [UInt8] {
        var cell = cell
        var column = source.column
        if let member = source.member, cell.kind == .container {
            var cells = [Cell.absent]
            var reader = JSONRow(cell.bytes)
            try? reader.read([Array(member.utf8)], into: &cells)
            (cell, column) = (cells[0], "\(column).\(member)")
        }
        if cell.kind == .absent, source.member == nil {
            throw try source.file.absent(column, line: line)
        }
        if cell.kind == .absent {
            throw source.file.fault(
                .missingColumn, line: line, "there is no `\(column)`",
                advice: "give every row that column")
        }
        guard let text = try cell.text(source: "\(source.file.path), line \(line),") else {
            throw source.file.fault(
                .wrongType, line: line, "`\(column)` holds \(cell.shown) where a text is expected")
        }
        return text
    }

    /// A text without some characters at its beginning.
    private static func text(_ text: [UInt8], without count: Int) -> [UInt8] {
        guard count > 0 else { return text }
        var left = count
        for (index, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
            if left == 0 { return Array(text[index...]) }
            left -= 1
        }
        return []
    }
}
