import Basics

/// The six groups of spurious-correlation removal for two values of the first column.
///
/// Rows are taken in the dataset's order, without sampling. With A to D the rows of (first, g1),
/// (second, g1), (first, g2), (second, g2) for the two values g of the second column, and `m` a
/// quarter of the set's size, the groups are A+B, C+D, A+C, B+D with `m` of each, and `2m` of A and
/// of D.
///
/// - Source: `get_spurious_corr_data` of SAE Bench 0.6.0. The names of the groups are the
///   same for all pairs.
struct PairChoice {
    let family: TextFamily
    /// The two values of the first column.
    let pair: [(name: String, label: Label)]
    /// A quarter of each split's size.
    let quarters: [(split: TextRows.Split, count: Int)]
    let seed: UInt64

    /// The names of the groups in their order.
    static let groupNames = [
        "male / female", "female_data_only", "professor / nurse", "nurse_data_only",
        "male_professor / female_nurse", "female_nurse_data_only",
    ]

    /// A choice for two names of the family.
    ///
    /// - Throws: ``CorporaError`` for unknown names, families without pairs, and sizes or seeds
    ///   that nobody can take.
    init(family: TextFamily, first: String, second: String, train: Int, test: Int, seed: Int) throws
    {
        guard !family.pairLabels.isEmpty else {
            let known = TextFamily.all.filter { !$0.pairLabels.isEmpty }.map(\.id)
            throw CorporaError(
                .unsupported, "\(family.id) has no second column that could mislead a probe",
                advice: "take one of \(known.joined(separator: ", "))")
        }
        self.family = family
        pair = try [first, second].map { name in
            guard let label = family.pairLabels.first(where: { $0.name == name })?.label else {
                throw CorporaError(
                    .unknown, "`\(name)` is no `\(family.labelColumn)` of \(family.id)",
                    advice: suggestion(for: name, among: family.pairLabels.map(\.name)))
            }
            return (name, .integer(label))
        }
        guard first != second else {
            throw CorporaError(
                .unknown, "The pair `\(first)`, `\(second)` of \(family.id) is one class",
                advice: "give two different names")
        }
        for (name, size) in [("train", train), ("test", test)] where size < 4 {
            throw CorporaError(
                .outOfRange, "A \(name) set of \(size) texts is too small for \(family.id)",
                advice: "set at least 4")
        }
        quarters = [(.train, train / 4), (.test, test / 4)]
        self.seed = UInt64(try checkedSeed(seed))
    }

    /// Chooses the rows.
    func chosen(at path: String) throws -> ChosenTexts {
        let tables = try TextFiles(of: family, classes: family.classes, at: path).tables
        var texts = ChosenTexts(sources: try tables.map(family.source), groups: [])
        for (index, table) in tables.enumerated() {
            texts.groups += try groups(of: table, at: index)
        }
        return texts
    }

    /// The groups of one split.
    private func groups(of table: TextFiles.Table, at index: Int) throws -> [ChosenTexts.Group] {
        let quarter = quarters.first { $0.split == table.split }?.count ?? 0
        let isNumber = family.pairGroups.contains { if case .number = $0 { true } else { false } }
        let groupColumn = family.groupColumn ?? ""
        let columns = try TextFamily.labels(
            [
                (family.labelColumn, family.labelType),
                (groupColumn, isNumber ? .number : .integer),
            ], of: table.file)
        func rows(_ value: Int, _ group: Int, atLeast wanted: Int) throws -> [Int] {
            let code = columns[1].code(of: family.pairGroups[group])
            let rows = columns[0].rows(with: pair[value].label)
                .filter { columns[1].codes[$0] == code }
            guard rows.count >= wanted else {
                throw CorporaError(
                    .tooFewRows,
                    "`\(pair[value].name)` of \(family.id) has \(rows.count) rows with \(groupColumn) "
                        + "\(family.pairGroups[group].name) in \(table.file.path), where \(wanted) are wanted",
                    advice: "set smaller set sizes, or leave the pair out")
            }
            return rows
        }
        // Upstream wants more than twice the quarter of the first and the last.
        let a = try rows(0, 0, atLeast: 2 * quarter + 1)
        let b = try rows(1, 0, atLeast: quarter)
        let c = try rows(0, 1, atLeast: quarter)
        let d = try rows(1, 1, atLeast: 2 * quarter + 1)
        func both(_ first: [Int], _ second: [Int]) -> [Int] {
            Array(first.prefix(quarter) + second.prefix(quarter))
        }
        let lists = [
            both(a, b), both(c, d), both(a, c), both(b, d), Array(a.prefix(2 * quarter)),
            Array(d.prefix(2 * quarter)),
        ]
        var random = NumpyGenerator(seed: seed)
        return zip(Self.groupNames, lists).map { name, list in
            var list = list
            random.shuffle(&list)
            return ChosenTexts.Group(
                name: name, split: table.split,
                rows: list.map { ChosenTexts.Row(table: index, row: $0) })
        }
    }
}
