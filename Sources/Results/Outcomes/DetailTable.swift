/// The numbers behind an outcome's metrics: one row for each dataset, latent or the like.
public struct DetailTable: Sendable {
    /// The names of rows.
    public enum RowNames: Sendable {
        case indices([Int])
        case texts([String])
    }

    /// What the name of a row is, such as `dataset_name`.
    public var key: String
    /// The name of each row.
    public var rows: RowNames
    /// Numbers by column, one for each row; nil where a row has none.
    public var columns: [(name: String, values: [Double?])]

    /// How many rows there are.
    public var count: Int {
        switch rows {
        case .indices(let indices): indices.count
        case .texts(let texts): texts.count
        }
    }

    /// A table without rows.
    public init() { (key, rows, columns) = ("", .texts([]), []) }

    /// Takes all values.
    public init(key: String, rows: RowNames, columns: [(name: String, values: [Double?])]) {
        (self.key, self.rows, self.columns) = (key, rows, columns)
    }

    /// Turns the numbers of each row into columns.
    ///
    /// - Parameter rows: name and numbers of each row; all have the same numbers in the same order.
    public init(key: String, _ rows: [(name: String, values: NamedValues)]) {
        self.init(
            key: key, rows: .texts(rows.map(\.name)),
            columns: (rows.first?.values ?? []).enumerated().map { index, column in
                (column.name, rows.map { $0.values[index].value })
            })
    }
}
