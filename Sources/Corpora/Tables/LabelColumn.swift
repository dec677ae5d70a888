import Basics

/// The labels of a column: few different ones, and for each row which it is.
///
/// - Cost: four bytes for each row.
struct LabelColumn: Sendable {
    /// The different labels in the order of their first rows.
    var labels: [Label]
    /// For each row the index of its label in ``labels``.
    var codes: [UInt32]

    /// The index of a label; nil when no row has it.
    func code(of label: Label) -> UInt32? { labels.firstIndex(of: label).map(UInt32.init) }

    /// The rows with a label, ascending.
    func rows(with label: Label) -> [Int] {
        guard let wanted = code(of: label) else { return [] }
        return codes.indices.filter { codes[$0] == wanted }
    }
}

/// Gathers a column of labels row by row and decides their types at the end.
struct LabelGatherer {
    /// The column's name.
    private let column: String
    /// What the labels must be.
    private let type: LabelType
    /// The table, for messages.
    private let table: TableFile
    /// The different spellings in the order of their first rows.
    private var spellings: [Spelling] = []
    /// The index of a spelling in ``spellings``, used when they are many.
    private var indices: [Spelling.Key: UInt32] = [:]
    /// For each row the index of its spelling.
    private var codes: [UInt32] = []

    /// One way to write a label.
    private struct Spelling {
        struct Key: Hashable {
            var isString: Bool
            var bytes: [UInt8]
        }
        var key: Key
        var kind: Cell.Kind
        /// The text of a string or field.
        var text: [UInt8]?
        /// Where it was met first.
        var line: Int
        /// The value for messages.
        var shown: String
    }

    /// Begins a column.
    init(column: String, type: LabelType, table: TableFile) {
        (self.column, self.type, self.table) = (column, type, table)
    }

    /// Adds the label of the next row.
    ///
    /// - Throws: ``CorporaError`` when there is none, or it is of another type.
    mutating func add(_ cell: Cell, line: Int) throws {
        codes.append(try index(of: cell, line: line))
    }

    /// The index of a spelling, which is new or met before.
    private mutating func index(of cell: Cell, line: Int) throws -> UInt32 {
        let isString = cell.kind == .string
        for (index, spelling) in spellings.prefix(48).enumerated()
        where spelling.key.isString == isString && spelling.key.bytes.count == cell.bytes.count
            && spelling.key.bytes.elementsEqual(cell.bytes) && cell.kind != .absent
        {
            return UInt32(index)
        }
        let key = Spelling.Key(isString: isString, bytes: Array(cell.bytes))
        if let index = indices[key], cell.kind != .absent { return index }
        switch cell.kind {
        case .absent: throw try table.absent(column, line: line)
        case .null, .container:
            throw wrong(cell.shown, line: line)
        case .string, .number, .truth, .field: break
        }
        let text = try cell.text(source: "\(table.path), line \(line),")
        spellings.append(
            Spelling(key: key, kind: cell.kind, text: text, line: line, shown: cell.shown))
        let index = UInt32(spellings.count - 1)
        indices[key] = index
        return index
    }

    /// The error of a label.
    private func wrong(_ shown: String, line: Int) -> CorporaError {
        table.fault(
            .wrongType, line: line, "`\(column)` holds \(shown) where \(type.noun) is expected",
            advice: "correct that row, or name a file of this dataset")
    }

    /// The column, once all rows are there.
    ///
    /// - Throws: ``CorporaError`` for the first label of another type.
    func finished() throws -> LabelColumn {
        let found = try table.isCSV ? labelsOfFields() : spellings.map { try label(of: $0) }
        var labels: [Label] = []
        var indices: [Label: UInt32] = [:]
        let moved = found.map { label -> UInt32 in
            if let index = indices[label] { return index }
            labels.append(label)
            indices[label] = UInt32(labels.count - 1)
            return UInt32(labels.count - 1)
        }
        return LabelColumn(labels: labels, codes: codes.map { moved[Int($0)] })
    }

    /// The label of a value of JSON.
    private func label(of spelling: Spelling) throws -> Label {
        let value =
            if let text = spelling.text {
                Label.text(text)
            } else {
                try scalar(spelling)
            }
        switch (type, value) {
        case (.any, _), (.integer, .integer), (.number, .number), (.text, .text): return value
        case (.number, .integer(let integer)): return .number(Double(integer))
        default: throw wrong(spelling.shown, line: spelling.line)
        }
    }

    /// The label of a number or truth value of JSON.
    private func scalar(_ spelling: Spelling) throws -> Label {
        let source = "\(table.path), line \(spelling.line),"
        switch try JSON(parsing: spelling.key.bytes, source: source) {
        case .integer(let value): return .integer(value)
        case .number(let value) where value.isFinite: return .number(value)
        case .bool(let value): return .truth(value)
        default: throw wrong(spelling.shown, line: spelling.line)
        }
    }

    /// The labels of fields of CSV, whose type is that of the whole column.
    ///
    /// - Source: `read_csv` of pandas 2: integers of 64 bits, else numbers, else truth values, else
    ///   texts.
    private func labelsOfFields() throws -> [Label] {
        let texts = spellings.map { String(decoding: $0.text ?? [], as: UTF8.self) }
        for (text, spelling) in zip(texts, spellings) where FieldValue.isMissing(text) {
            throw wrong(text.isEmpty ? "nothing" : spelling.shown, line: spelling.line)
        }
        func all(_ make: (String) -> Label?) -> [Label]? {
            let made = texts.compactMap(make)
            return made.count == texts.count ? made : nil
        }
        let integers = { FieldValue.integer($0).map { Label.integer($0) } }
        let numbers = { FieldValue.number($0).map { Label.number($0) } }
        let truths = { FieldValue.truth($0).map { Label.truth($0) } }
        func first(_ make: (String) -> Label?) throws -> [Label] {
            if let made = all(make) { return made }
            let index = texts.firstIndex { make($0) == nil } ?? 0
            throw wrong(spellings[index].shown, line: spellings[index].line)
        }
        switch type {
        case .integer: return try first(integers)
        case .number: return try first(numbers)
        case .text: return spellings.map { .text($0.text ?? []) }
        case .any:
            return all(integers) ?? all(numbers) ?? all(truths)
                ?? spellings.map { .text($0.text ?? []) }
        }
    }
}
