import Basics
import EvalKit
import Testing

@testable import Reports
@testable import Results

struct SummaryTableTests {
    /// An outcome with a metric, an addition and a metric that is null.
    private let outcome = Outcome(
        metrics: [Metric]("all", [("score", 0.5), ("other", nil)]) + [Metric](own: [("mine", 2)]))

    /// The cells of the only row, name and layer aside.
    private func cells(_ outcome: Outcome) -> [String] {
        let metrics =
            [MetricDescription("untitled")]
            + ["score", "other", "mine"].map { MetricDescription($0, title: $0, decimals: 2) }
        let table = summaryTable(of: [("sae", 3, outcome)], metrics: metrics)
        #expect(table.header == ["SAE", "layer", "score", "other", "mine"])
        return Array(table.rows[0].dropFirst(2))
    }

    @Test("A cell has the metric or addition, and a line where there is none")
    func cells() { #expect(cells(outcome) == ["0.50", "-", "2.00"]) }

    @Test("A mean over fewer parts is called incomplete")
    func incomplete() {
        let partial = outcome.withoutMeans(missing: ["a"], of: 3, "datasets", described: [])
        #expect(cells(partial) == ["incomplete (0.50)", "-", "incomplete (2.00)"])
        #expect(
            cells(outcome.withoutMeans(missing: [], of: 3, "datasets", described: []))[0] == "0.50")
    }
}
