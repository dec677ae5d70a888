import Basics
import Formats

/// A table of rows and named columns: JSON lines or CSV, plain, gzip or zstd.
///
/// Rows are read one after the other and columns that nobody asks for are skipped, so memory is
/// that of one row whatever the file's size.
package struct TableFile: Sendable {
    /// The path as given.
    package let path: String
    /// Whether it is CSV rather than JSON lines.
    let isCSV: Bool

    /// The endings of names of tables, without those of compression, in the order of preference.
    static let endings = [".jsonl", ".csv"]
    /// The longest row.
    private static let mostRowBytes = 1 << 28

    /// Names a table; its name tells what it is.
    ///
    /// - Throws: ``CorporaError`` when the name ends otherwise, or no file is there.
    package init(path: String) throws(CorporaError) {
        guard let isCSV = Self.isCSV(path) else {
            let advice =
                path.hasSuffix(".parquet")
                ? "convert it once with `saeval data import`"
                : "give a .jsonl or .csv file, plain or ending in .gz or .zst"
            throw CorporaError(
                .unsupported, "Dataset file \(path) is not a kind of table that can be read",
                advice: advice)
        }
        guard fileExists(path) else {
            throw CorporaError(
                .missing, "Dataset file \(path) does not exist",
                advice: "correct the path under `datasets:`")
        }
        (self.path, self.isCSV) = (path, isCSV)
    }

    /// Whether a name is that of CSV or of JSON lines; nil when it is of neither.
    private static func isCSV(_ path: String) -> Bool? {
        for (ending, _) in Compression.endings {
            if path.hasSuffix(".jsonl" + ending) || path.hasSuffix(".json" + ending) {
                return false
            }
            if path.hasSuffix(".csv" + ending) { return true }
        }
        return nil
    }

    /// The file's name without its folder.
    var name: String { lastComponent(of: path) }

    /// An error of a row.
    func fault(_ code: CorporaDomain.Code, line: Int, _ what: String, advice: String? = nil)
        -> CorporaError
    {
        CorporaError(
            code, "Dataset \(path), line \(line): \(what)",
            advice: advice ?? "correct or remove that row")
    }
}

// MARK: - Records

extension TableFile {
    /// Hands every record that holds more than space to `body`, with the line on which it begins,
    /// until it returns false.
    ///
    /// - Throws: ``CorporaError`` for bytes that are not UTF-8 and for quotes that are not closed.
    func forEachRecord(_ body: (UnsafeRawBufferPointer, Int) throws -> Bool) throws {
        var splitter = RecordSplitter(readsQuotes: isCSV)
        var carry: [UInt8] = []
        var goesOn = true
        var isFirst = true
        func emit(_ record: UnsafeRawBufferPointer, _ line: Int) throws -> Bool {
            var record = record
            if isFirst, record.starts(with: [0xEF, 0xBB, 0xBF]) {
                record = UnsafeRawBufferPointer(rebasing: record.dropFirst(3))
            }
            isFirst = false
            if record.allSatisfy(Self.isSpace) { return true }
            try checkIsText(record, line: line)
            return try body(record, line)
        }
        try forEachPiece(ofFile: path) { piece in
            var start = 0
            while true {
                if carry.isEmpty { start = splitter.recordStart(in: piece, from: start) }
                guard let end = splitter.nextEnd(in: piece, from: start) else { break }
                let rest = UnsafeRawBufferPointer(rebasing: piece[start..<end.content])
                if carry.isEmpty {
                    goesOn = try emit(rest, splitter.recordLine)
                } else {
                    carry.append(contentsOf: rest)
                    goesOn = try carry.withUnsafeBytes { try emit($0, splitter.recordLine) }
                    carry.removeAll(keepingCapacity: true)
                }
                start = end.next
                if !goesOn { return false }
            }
            carry.append(contentsOf: piece[start...])
            guard carry.count <= Self.mostRowBytes else {
                throw fault(
                    .malformed, line: splitter.lastRecordLine,
                    "a row of more than \(Self.mostRowBytes) bytes",
                    advice: isCSV ? "look for a quote that is not closed" : "split that row")
            }
            return true
        }
        guard goesOn else { return }
        guard !splitter.isWithinQuotes else {
            throw fault(.malformed, line: splitter.lastRecordLine, "a quote that is not closed")
        }
        if !carry.isEmpty {
            _ = try carry.withUnsafeBytes { try emit($0, splitter.lastRecordLine) }
        }
    }

    /// Whether a byte is a space or a part of a newline.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    /// Refuses a record that is not UTF-8.
    private func checkIsText(_ record: UnsafeRawBufferPointer, line: Int) throws(CorporaError) {
        let bytes = record.bindMemory(to: UInt8.self)
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw fault(
                .notText, line: line, "bytes that are not UTF-8 text",
                advice: "convert the file, for example with `iconv -t UTF-8`")
        }
    }
}

// MARK: - Rows

extension TableFile {
    /// A row: its index among the rows from 0, the line on which it begins, and the values of the
    /// columns asked for.
    package struct Row {
        package var index: Int
        package var line: Int
        package var cells: [Cell]
    }

    /// Hands the values of some columns of every row to `body` until it returns false.
    ///
    /// - Parameter wanted: rows that are handed over; the others are not parsed. All when nil.
    /// - Throws: ``CorporaError`` with the line for a row that is damaged, or when CSV lacks a
    ///   column. A row of JSON may lack a column, whose cell is then absent.
    package func forEachRow(
        _ columns: [String], wanted: ((Int) -> Bool)? = nil, _ body: (Row) throws -> Bool
    ) throws {
        try isCSV
            ? forEachRowOfCSV(columns, wanted: wanted, body)
            : forEachLine(columns, wanted: wanted, body)
    }

    /// The rows of JSON lines.
    private func forEachLine(
        _ columns: [String], wanted: ((Int) -> Bool)?, _ body: (Row) throws -> Bool
    ) throws {
        let names = columns.map { Array($0.utf8) }
        var row = Row(index: 0, line: 0, cells: Array(repeating: .absent, count: columns.count))
        try forEachRecord { record, line in
            defer { row.index += 1 }
            if let wanted, !wanted(row.index) { return true }
            row.line = line
            var reader = JSONRow(record)
            do throws(RowFault) {
                try reader.read(names, into: &row.cells)
            } catch {
                throw fault(
                    .malformed, line: line,
                    "this is not a JSON object: \(error.what) at byte \(error.position)",
                    advice: "give one object a line, such as {\"text\": \"…\"}")
            }
            return try body(row)
        }
    }

    /// The rows of CSV behind the header.
    private func forEachRowOfCSV(
        _ columns: [String], wanted: ((Int) -> Bool)?, _ body: (Row) throws -> Bool
    ) throws {
        var header: [String]?
        var cellIndices: [Int?] = []
        var row = Row(index: 0, line: 0, cells: Array(repeating: .absent, count: columns.count))
        try forEachRecord { record, line in
            guard let width = header?.count else {
                let names = try fields(of: record, line: line)
                for column in columns where !names.contains(column) {
                    throw missingColumn(column, among: names)
                }
                cellIndices = names.map { columns.firstIndex(of: $0) }
                header = names
                return true
            }
            defer { row.index += 1 }
            if let wanted, !wanted(row.index) { return true }
            row.line = line
            var found = 0
            do throws(RowFault) {
                found = try CSVRow(record).forEachField { index, cell in
                    if index < cellIndices.count, let target = cellIndices[index] {
                        row.cells[target] = cell
                    }
                }
            } catch {
                throw fault(
                    .malformed, line: line, error.what)
            }
            guard found == width else {
                throw fault(
                    .malformed, line: line,
                    "\(found) fields where the header names \(width)",
                    advice: "put texts that hold commas or newlines between quotes")
            }
            return try body(row)
        }
        guard header != nil else { throw emptyTable() }
    }

    /// The fields of a record as texts.
    private func fields(of record: UnsafeRawBufferPointer, line: Int) throws -> [String] {
        var names: [String] = []
        do throws(RowFault) {
            _ = try CSVRow(record).forEachField { _, cell in
                let text = (try? cell.text(source: "")) ?? nil
                names.append(String(decoding: text ?? [], as: UTF8.self))
            }
        } catch {
            throw fault(.malformed, line: line, error.what)
        }
        return names
    }

    /// The names of the columns: those of the header, or of the first row of JSON.
    ///
    /// - Throws: ``CorporaError`` when the table is empty.
    package func columnNames() throws -> [String] {
        var names: [String]?
        try forEachRecord { record, line in
            if isCSV {
                names = try fields(of: record, line: line)
            } else {
                var reader = JSONRow(record)
                names = (try? reader.names()) ?? []
            }
            return false
        }
        guard let names else { throw emptyTable() }
        return names
    }

    /// The error of a table without rows.
    func emptyTable() -> CorporaError {
        CorporaError(
            .empty, "Dataset \(path) holds no rows", advice: "give a file with one row a line")
    }

    /// The error of a row without a column.
    func absent(_ column: String, line: Int) throws -> CorporaError {
        let names = try columnNames()
        guard names.contains(column) else { return missingColumn(column, among: names) }
        return fault(
            .missingColumn, line: line, "there is no `\(column)`",
            advice: "give every row that column")
    }

    /// The error of a column that is not there.
    func missingColumn(_ column: String, among names: [String]) -> CorporaError {
        CorporaError(
            .missingColumn,
            "Dataset \(path) has no column `\(column)`; its columns are "
                + names.prefix(50).map { "`\($0)`" }.joined(separator: ", "),
            advice: "rename a column, or name another file under `datasets:`")
    }
}
