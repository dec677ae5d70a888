import Probes
import Testing

struct MeanDifferenceTests {
    /// Three rows of four features, dense and sparse.
    static let rows = [
        FeatureRows(dense: [1, 0, 2, 0, 3, 0, 2, 1, 0, 0, 5, 0], columns: 4),
        FeatureRows(
            sparse: [1, 2, 3, 2, 1, 5], indices: [0, 2, 0, 2, 3, 2], starts: [0, 2, 5, 6],
            columns: 4),
    ]

    @Test("Scores are distances of means, dense or sparse", arguments: rows)
    func scores(rows: FeatureRows) {
        let task = ProbeTask(rows: [2, 0, 1], labels: [true, false, false])
        #expect(meanDifferences(rows, task) == [2, 0, 3, 0.5])
        #expect(signedMeanDifferences(rows, task) == [-2, 0, 3, -0.5])
    }

    @Test("Columns come in the order of the task and of the features", arguments: rows)
    func columns(rows: FeatureRows) {
        let task = ProbeTask(rows: [2, 1], labels: [true, false])
        #expect(Probes.columns([0, 2, 3], of: rows, task) == [0, 5, 0, 3, 2, 1])
        #expect(Probes.columns([], of: rows, task) == [])
    }

    @Test("The highest scores are chosen, the lower feature of equals, no number last")
    func top() {
        let scores: [Float] = [0.5, .nan, 2, -0.0, 0.5, 0, -1, 2]
        #expect(topFeatures(scores, count: 1) == [2])
        #expect(topFeatures(scores, count: 3) == [0, 2, 7])
        #expect(topFeatures(scores, count: 5) == [0, 2, 3, 4, 7])
        #expect(topFeatures(scores, count: 7) == [0, 2, 3, 4, 5, 6, 7])
        #expect(topFeatures(scores, count: 20) == Array(0..<8))
    }

    @Test("The most telling channel of the published example is the first")
    func published() {
        let example = PublishedExample()
        #expect(topFeatures(meanDifferences(example.rows, example.task), count: 1) == [0])
    }
}
