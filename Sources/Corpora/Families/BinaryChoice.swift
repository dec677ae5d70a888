/// The first rows of a dataset of two classes, in its order.
///
/// The smaller value of `target` is group `0`, the larger one group `1`; texts are compared byte by
/// byte, truth values and numbers by value.
///
/// - Source: `get_xyvals` of sae-probes 0.4.2 with scikit-learn's `LabelEncoder`.
struct BinaryChoice {
    let dataset: String
    /// Rows at most.
    let limit: Int

    /// Chooses the rows.
    ///
    /// - Throws: ``CorporaError`` when there are not two classes.
    func chosen(at path: String) throws -> ChosenTexts {
        guard limit > 0 else {
            throw CorporaError(
                .outOfRange, "A limit of \(limit) rows leaves nothing of \(dataset)",
                advice: "set at least 1")
        }
        let file = try binaryTable(of: dataset, at: path)
        let names = try file.columnNames()
        guard names.contains("prompt") else { throw file.missingColumn("prompt", among: names) }
        let target = try TextFamily.labels([("target", .any)], of: file)[0]
        let labels = target.labels.sorted { $0.precedes($1) }
        guard labels.count == 2, labels[0].precedes(labels[1]) else {
            let values = labels.prefix(10).map { "`\($0.name)`" }.joined(separator: ", ")
            throw CorporaError(
                .unsupported,
                "Dataset \(file.path) has \(labels.count) different values of `target`, not two: \(values)",
                advice: "leave it out of dataset_names, or give a file of two classes")
        }
        let groups = labels.enumerated().map { index, label in
            let rows = target.rows(with: label).prefix { $0 < limit }
            return ChosenTexts.Group(
                name: String(index), split: .train,
                rows: rows.map { ChosenTexts.Row(table: 0, row: $0) })
        }
        let source = ChosenTexts.Source(file: file, column: "prompt")
        return ChosenTexts(sources: [source], groups: groups)
    }
}
