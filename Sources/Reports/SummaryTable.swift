import Basics
import EvalKit
import Results

/// A table of plain text: a header and rows, numbers to the right.
public struct SummaryTable: Sendable {
    /// The titles of the columns.
    public var header: [String]
    /// The cells, one for each title.
    public var rows: [[String]]
    /// Columns that hold texts and stand to the left.
    public var textColumns: Set<Int>

    /// A table; by default, the first column holds texts and the others hold numbers.
    public init(header: [String], rows: [[String]], textColumns: Set<Int> = [0]) {
        (self.header, self.rows, self.textColumns) = (header, rows, textColumns)
    }

    /// The table as lines.
    public var text: String {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        let line = { (cells: [String]) in
            cells.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - cells[column].count)
                return textColumns.contains(column)
                    ? cells[column] + padding : padding + cells[column]
            }.joined(separator: "  ").trimmedEnd + "\n"
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ") + "\n"
        return line(header) + rule + rows.map(line).joined()
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// The main numbers of some autoencoders under one evaluation: one row each. A mean over fewer parts
/// than asked for stands in brackets after `incomplete`.
///
/// - Parameters:
///   - outcomes: name, layer and outcome of each.
///   - metrics: the evaluation's descriptions, of which those with a title have a column.
public func summaryTable(
    of outcomes: [(name: String, layer: Int, outcome: Outcome)], metrics: [MetricDescription]
) -> SummaryTable {
    let columns = metrics.columns
    let rows = outcomes.map { entry in
        let cells = columns.map { column in
            let text = { (value: Double) in decimal(value, places: column.decimals) }
            if let value = entry.outcome[column.name]?.value { return text(value) }
            let partial = entry.outcome.incomplete?.partialMeans.first { $0.name == column.name }
            return partial.map { "incomplete (\(text($0.value)))" } ?? "-"
        }
        return [entry.name, "\(entry.layer)"] + cells
    }
    return SummaryTable(header: ["SAE", "layer"] + columns.compactMap(\.title), rows: rows)
}
