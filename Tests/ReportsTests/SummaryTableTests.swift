import Basics
import EvalKit
import Testing

@testable import Reports
@testable import Results

struct SummaryTableTests {
    /// An outcome with a metric, an addition and a metric that is null.
    private let outcome = Outcome(
        config: .null, metrics: [("all", [("score", 0.5), ("other", nil)])], details: .null,
        additions: [("mine", 2)])

    /// The cells of the only row, name and layer aside.
    private func cells(_ outcome: Outcome) -> [String] {
        let headlines = ["score", "other", "mine"].map { Headline($0, title: $0, decimals: 2) }
        let table = summaryTable(of: [("sae", 3, outcome)], headlines: headlines)
        return Array(table.rows[0].dropFirst(2))
    }

    @Test("A cell has the metric or addition, and a line where there is none")
    func cells() { #expect(cells(outcome) == ["0.50", "-", "2.00"]) }

    @Test("A mean over fewer parts is called incomplete")
    func incomplete() {
        let partial = outcome.withoutMeans(missing: ["a"], of: 3, "datasets", keeping: [])
        #expect(cells(partial) == ["incomplete (0.50)", "-", "incomplete (2.00)"])
        #expect(
            cells(outcome.withoutMeans(missing: [], of: 3, "datasets", keeping: []))[0] == "0.50")
    }
}
