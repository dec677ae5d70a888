import Foundation
import Testing

@testable import Probes

/// A search that scikit-learn made; see the fixtures' README.
private struct SearchFixture: Decodable {
    var rows: Int
    var seed: UInt32
    var penalty: String
    var heldOut: [[Int]]
    var c: Double
    var validationAUC: Double
    var accuracy: Double
    var auc: Double
    var f1: Double

    static func read() throws -> [SearchFixture] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        return try JSONDecoder().decode(
            [SearchFixture].self,
            from: Data(contentsOf: folder.appending(path: "Fixtures/logistic/search.json")))
    }

    /// The rows of the search, then 50 to judge by.
    var data: (features: [Float], labels: [Bool]) {
        let features = specifiedRows(rows + 50).features
        let labels = (0..<rows + 50).map { (i: Int) -> Bool in
            let known: Float = features[3 * i] + 0.5 * features[3 * i + 1]
            let disturbance = 0.3 * Double(i % 5 - 2)
            return Double(known) + disturbance > 0
        }
        return (features, labels)
    }
}

struct StrengthSearchTests {
    @Test("Folds are those of scikit-learn", arguments: 0..<8)
    func folds(index: Int) throws {
        let fixture = try SearchFixture.read()[index]
        let labels = Array(fixture.data.labels.prefix(fixture.rows))
        let folds = try Fold.list(labels: labels, seed: fixture.seed)
        #expect(folds.map(\.heldOut) == fixture.heldOut)
        for fold in folds {
            #expect((fold.training + fold.heldOut).sorted() == Array(0..<fixture.rows))
        }
    }

    @Test("The search ends where it does with scikit-learn's optima", arguments: 0..<8)
    func search(index: Int) throws {
        let fixture = try SearchFixture.read()[index]
        let (features, labels) = fixture.data
        let searched = try searchedProbe(
            Array(features.prefix(3 * fixture.rows)), columns: 3,
            labels: Array(labels.prefix(fixture.rows)),
            penalty: fixture.penalty == "l1" ? .l1 : .l2, seed: fixture.seed)
        let strength = try #require(searched.inverseStrength)
        #expect(abs(strength / fixture.c - 1) < 1e-12)
        #expect(abs(searched.validationAUC - fixture.validationAUC) < 1e-12)
        let scores = try ClassificationScores(
            decisions: searched.probe.decisions(Array(features.dropFirst(3 * fixture.rows))),
            labels: Array(labels.dropFirst(fixture.rows)))
        #expect(abs(scores.accuracy - fixture.accuracy) < 1e-12)
        #expect(abs(scores.auc - fixture.auc) < 1e-12)
        #expect(abs(scores.f1 - fixture.f1) < 1e-12)
    }

    @Test(
        "The example of the specification comes out",
        arguments: [
            (LogisticSettings.Penalty.l1, [3.97246, 2.03897, 0.08703, 0.42038]),
            (.l2, [3.97266, 2.03947, 0.08694, 0.41996]),
        ])
    func specified(penalty: LogisticSettings.Penalty, expected: [Double]) throws {
        let fixture = try SearchFixture.read()[5]
        let (features, labels) = fixture.data
        let searched = try searchedProbe(
            Array(features.prefix(450)), columns: 3, labels: Array(labels.prefix(150)),
            penalty: penalty, seed: 42)
        // Upstream's probes stop before their optimum, so the last digits differ.
        for (value, expected) in zip(searched.probe.weights + [searched.probe.intercept], expected)
        {
            #expect(abs(value - expected) < 1e-3)
        }
        #expect(abs(searched.validationAUC - 0.9464286) < 1e-7)
    }

    @Test("Three rows are too few to hold any out")
    func threeRows() throws {
        let searched = try searchedProbe(
            [1, 2, 3], columns: 1, labels: [false, true, true], penalty: .l2, seed: 0)
        #expect(searched.inverseStrength == nil)
        #expect(searched.validationAUC == 1)
    }

    @Test("Rows held out that are all of one class are an error that says so")
    func oneClassHeldOut() throws {
        let labels = (0..<200).map { $0 % 2 == 0 && $0 < 150 }
        let error = try #require(throws: ProbeError.self) {
            try searchedProbe(
                (0..<200).map(Float.init), columns: 1, labels: labels, penalty: .l2, seed: 0)
        }
        #expect(error.code == .oneClass)
    }

    @Test("Folds need as many rows of a class as there are folds")
    func tooFew() throws {
        #expect(throws: ProbeError.self) {
            try Fold.stratified(labels: [true, false, true, false], folds: 6, seed: 0)
        }
    }
}

struct ClassificationScoresTests {
    @Test("Ties count half in the area under the curve")
    func ties() throws {
        let labels = [true, false, true, false]
        #expect(try areaUnderCurve(of: [1, 1, 1, 1], labels: labels) == 0.5)
        #expect(try areaUnderCurve(of: [2, 1, 1, 0], labels: labels) == 0.875)
        #expect(try areaUnderCurve(of: [0, 1, 0, 1], labels: labels) == 0)
    }

    @Test("A class that is never predicted counts as 0 in the weighted F1")
    func neverPredicted() {
        // Recall 1 and precision 3/4 of the class that is always predicted.
        let value = weightedF1(
            of: [true, true, true, true], labels: [true, true, true, false])
        #expect(abs(value - 0.75 * (6.0 / 7)) < 1e-15)
    }

    @Test("No area is defined for one class")
    func oneClass() {
        #expect(throws: ProbeError.self) { try areaUnderCurve(of: [1, 2], labels: [true, true]) }
    }
}
