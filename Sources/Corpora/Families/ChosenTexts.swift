/// The rows that a request takes from its tables.
struct ChosenTexts: Sendable {
    /// A row of one of the tables.
    struct Row: Hashable, Sendable {
        /// The index of its table in ``ChosenTexts/sources``.
        var table: Int
        /// Counted from 0.
        var row: Int
    }

    /// A table and where its texts are.
    struct Source: Sendable {
        var file: TableFile
        /// The column of texts.
        var column: String
        /// The member of the column's value that holds the text, as that of a language.
        var member: String?
    }

    /// A named list of rows.
    struct Group: Sendable {
        var name: String
        var split: TextRows.Split
        var rows: [Row]
    }

    /// The tables.
    var sources: [Source]
    /// The groups in upstream's order: those of `train`, then those of `test`.
    var groups: [Group]
    /// Characters that are left out at the beginning of each text.
    var skippedCharacters = 0
}

extension TextFamily {
    /// The column of texts in a table: the first of the family's that is there.
    ///
    /// - Throws: ``CorporaError`` that lists the columns.
    func source(of table: TextFiles.Table) throws -> ChosenTexts.Source {
        let names = try table.file.columnNames()
        guard let column = textColumns.first(where: { names.contains($0) }) else {
            throw table.file.missingColumn(textColumns[0], among: names)
        }
        return ChosenTexts.Source(
            file: table.file, column: column, member: column == "translation" ? table.label : nil)
    }

    /// The labels of a table in columns of the given types.
    ///
    /// - Throws: ``CorporaError`` for a missing column and for labels of another type.
    static func labels(
        _ columns: [(name: String, type: LabelType)], of file: TableFile
    ) throws -> [LabelColumn] {
        var gatherers = columns.map {
            LabelGatherer(column: $0.name, type: $0.type, table: file)
        }
        try file.forEachRow(columns.map(\.name)) { row in
            for index in gatherers.indices {
                try gatherers[index].add(row.cells[index], line: row.line)
            }
            return true
        }
        return try gatherers.map { try $0.finished() }
    }

    /// The labels of classes.
    ///
    /// - Throws: ``CorporaError`` for a name of another type, or that is there twice.
    func labels(ofClasses names: [String]) throws -> [Label] {
        guard names.count > 1, Set(names).count == names.count else {
            throw CorporaError(
                .unknown, "The classes of \(id) are \(names.joined(separator: ", "))",
                advice: "give at least two different ones")
        }
        return try names.map { name in
            guard let label = labelType.label(named: name) else {
                throw CorporaError(
                    .wrongType,
                    "Class `\(name)` of \(id) is not \(labelType.noun), as `\(labelColumn)` is",
                    advice: "the usual classes are \(classes.joined(separator: ", "))")
            }
            return label
        }
    }
}
