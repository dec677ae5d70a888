import Basics

/// Texts of each class, chosen by the rule of a family.
///
/// - Source: `get_multi_label_train_test_data` of SAE Bench 0.6.0. Where upstream leaves
///   out a class that is too small and later stops with a `KeyError`, the class is named instead.
struct ClassChoice {
    let family: TextFamily
    /// The classes in their order.
    let classes: [String]
    /// Texts of one class in each split.
    let sizes: [(split: TextRows.Split, count: Int)]
    let seed: Int

    /// A choice of `train` and `test` texts, of which a class has half.
    ///
    /// - Throws: ``CorporaError`` for sizes or seeds that nobody can take.
    init(family: TextFamily, classes: [String]?, train: Int, test: Int, seed: Int) throws {
        (self.family, self.classes, self.seed) = (family, classes ?? family.classes, seed)
        for (name, size) in [("train", train), ("test", test)] where size < 4 {
            throw CorporaError(
                .outOfRange, "A \(name) set of \(size) texts is too small for \(family.id)",
                advice: "set at least 4")
        }
        // Quarters for each value of the second column, as upstream rounds them.
        if case .balanced = family.rule {
            sizes = [(.train, train / 4 * 2), (.test, test / 4 * 2)]
        } else {
            sizes = [(.train, train / 2), (.test, test / 2)]
        }
        _ = try checkedSeed(seed)
    }

    /// Chooses the rows.
    func chosen(at path: String) throws -> ChosenTexts {
        let labels = try family.labels(ofClasses: classes)
        let tables = try TextFiles(of: family, classes: classes, at: path).tables
        var texts = ChosenTexts(sources: try tables.map(family.source), groups: [])
        switch family.rule {
        case .balanced, .sampled:
            for (index, table) in tables.enumerated() {
                texts.groups += try sampled(from: table, at: index, labels: labels)
            }
        case .firstFiles(let fewest, let skipped):
            texts.skippedCharacters = skipped
            texts.groups = try cut(try firstFiles(texts.sources[0], fewest, labels: labels))
        case .firstSentences:
            texts.groups = try cut(try firstSentences(tables, labels: labels))
        }
        return texts
    }
}

// MARK: - Samples

extension ClassChoice {
    /// Samples the rows of each class in one split. Each sample begins with a fresh generator.
    private func sampled(from table: TextFiles.Table, at index: Int, labels: [Label]) throws
        -> [ChosenTexts.Group]
    {
        let wanted = sizes.first { $0.split == table.split }?.count ?? 0
        var columns = [(family.labelColumn, family.labelType)]
        if let column = family.groupColumn {
            let type = family.pairGroups.contains { if case .number = $0 { true } else { false } }
            columns.append((column, type ? .number : .integer))
        }
        let found = try TextFamily.labels(columns, of: table.file)
        return try zip(classes, labels).map { name, label in
            let rows = found[0].rows(with: label)
            let parts =
                found.count > 1
                ? try balanced(rows, by: found[1], wanted: wanted / 2, name, in: table.file)
                : [try enough(rows, wanted, name, "", in: table.file)]
            let seed = try checkedSeed(seed)
            let chosen = parts.flatMap { part in
                NumpyRandomState.sample(wanted / parts.count, ofRows: part.count, seed: seed)
                    .map { ChosenTexts.Row(table: index, row: part[$0]) }
            }
            return ChosenTexts.Group(name: name, split: table.split, rows: chosen)
        }
    }

    /// The rows of a class for each value of the second column, ascending.
    private func balanced(
        _ rows: [Int], by column: LabelColumn, wanted: Int, _ name: String, in file: TableFile
    ) throws -> [[Int]] {
        let groupColumn = family.groupColumn ?? ""
        let byCode = Dictionary(grouping: rows) { column.codes[$0] }
        let groups = byCode.map { (label: column.labels[Int($0.key)], rows: $0.value) }
            .sorted { $0.label.precedes($1.label) }
        guard groups.count == 2 else {
            let values = groups.map { "`\($0.label.name)`" }.joined(separator: ", ")
            throw tooFew(
                rows.isEmpty
                    ? "has no rows in \(file.path)"
                    : "has \(groupColumn) \(values) alone in \(file.path)",
                name, advice: "leave the class out, or give rows of it for both values")
        }
        return try groups.map {
            try enough($0.rows, wanted, name, " with \(groupColumn) \($0.label.name)", in: file)
        }
    }

    /// The rows, when they are enough.
    private func enough(
        _ rows: [Int], _ wanted: Int, _ name: String, _ condition: String, in file: TableFile
    ) throws -> [Int] {
        guard rows.count >= wanted else {
            throw tooFew(
                "has \(rows.count) rows\(condition) in \(file.path), where \(wanted) are wanted",
                name)
        }
        return rows
    }

    /// The error of a class that is too small.
    private func tooFew(_ what: String, _ name: String, advice: String? = nil) -> CorporaError {
        CorporaError(
            .tooFewRows, "Class `\(name)` of \(family.id) \(what)",
            advice: advice ?? "set smaller set sizes, or leave the class out")
    }
}

// MARK: - First rows

extension ClassChoice {
    /// Texts of one class in both splits together.
    private var total: Int { sizes.reduce(0) { $0 + $1.count } }

    /// The rows of each class among the first files that are long enough, up to the file at which
    /// every class has more than enough.
    private func firstFiles(_ source: ChosenTexts.Source, _ fewest: Int, labels: [Label]) throws
        -> [[ChosenTexts.Row]]
    {
        var rows = Array(repeating: [ChosenTexts.Row](), count: classes.count)
        try forEachRow(of: source, labels: labels) { index, row in
            let text = try text(in: row, of: source)
            guard characterCount(of: text) >= fewest else { return true }
            rows[index].append(ChosenTexts.Row(table: 0, row: row.index))
            return rows.contains { $0.count <= total }
        }
        return rows
    }

    /// The first rows of each language, one more than are used.
    private func firstSentences(_ tables: [TextFiles.Table], labels: [Label]) throws
        -> [[ChosenTexts.Row]]
    {
        var rows = Array(repeating: [ChosenTexts.Row](), count: classes.count)
        guard tables[0].label == nil else {
            for (index, table) in tables.enumerated() {
                try table.file.forEachRow([]) { row in
                    rows[index].append(ChosenTexts.Row(table: index, row: row.index))
                    return rows[index].count <= total
                }
            }
            return rows
        }
        try forEachRow(of: try family.source(of: tables[0]), labels: labels) { index, row in
            if rows[index].count <= total {
                rows[index].append(ChosenTexts.Row(table: 0, row: row.index))
            }
            return rows.contains { $0.count <= total }
        }
        return rows
    }

    /// Hands the rows of the classes to `body` with the index of the class.
    private func forEachRow(
        of source: ChosenTexts.Source, labels: [Label],
        _ body: (Int, TableFile.Row) throws -> Bool
    ) throws {
        let names = labels.map { label in
            if case .text(let bytes) = label { bytes } else { [UInt8]() }
        }
        let columns = [family.labelColumn, source.column]
        try source.file.forEachRow(columns) { row in
            let path = source.file.path
            guard let label = try row.cells[0].text(source: "\(path), line \(row.line),") else {
                if row.cells[0].kind == .absent {
                    throw try source.file.absent(columns[0], line: row.line)
                }
                throw source.file.fault(
                    .wrongType, line: row.line,
                    "`\(columns[0])` holds \(row.cells[0].shown) where a text is expected")
            }
            guard let index = names.firstIndex(of: label) else { return true }
            return try body(index, row)
        }
    }

    /// The text of a row whose second column it is.
    private func text(in row: TableFile.Row, of source: ChosenTexts.Source) throws -> [UInt8] {
        try TextCollector.text(in: row.cells[1], line: row.line, of: source)
    }

    /// Shuffles the rows of each class and cuts them into splits.
    private func cut(_ rows: [[ChosenTexts.Row]]) throws -> [ChosenTexts.Group] {
        var random = PythonRandom(seed: seed)
        var cut: [TextRows.Split: [ChosenTexts.Group]] = [:]
        for (name, var rows) in zip(classes, rows) {
            guard rows.count >= total else {
                throw tooFew("has \(rows.count) texts, where \(total) are wanted", name)
            }
            random.shuffle(&rows)
            var start = 0
            for (split, count) in sizes {
                let part = Array(rows[start..<(start + count)])
                cut[split, default: []].append(
                    ChosenTexts.Group(name: name, split: split, rows: part))
                start += count
            }
        }
        return (cut[.train] ?? []) + (cut[.test] ?? [])
    }
}

/// The number of characters of a text that is UTF-8.
func characterCount(of text: [UInt8]) -> Int { text.count { $0 & 0xC0 != 0x80 } }

/// A seed that NumPy takes.
///
/// - Throws: ``CorporaError`` for others.
func checkedSeed(_ seed: Int) throws(CorporaError) -> UInt32 {
    guard let seed = UInt32(exactly: seed) else {
        throw CorporaError(
            .outOfRange, "The seed \(seed) is outside 0 … \(UInt32.max)",
            advice: "set random_seed to a number of that range")
    }
    return seed
}
