import Foundation
import Testing

@testable import Probes

/// A problem with the optimum that scikit-learn found.
struct LogisticFixture: Decodable, Sendable {
    var rows: Int
    var columns: Int
    var c: Double
    var penalty: String
    /// Base64 of `[rows, columns]` little-endian `float32`.
    var features: String
    var labels: [Int]
    var weights: [Double]
    var intercept: Double

    /// All problems.
    static func read() throws -> [LogisticFixture] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/logistic/problems.json")
        return try JSONDecoder().decode([LogisticFixture].self, from: Data(contentsOf: file))
    }

    /// The features as numbers.
    func values() throws -> [Float] {
        try #require(Data(base64Encoded: features)).withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}

/// The example of the specification: rows, and labels by `x₀ + x₁/2 > 0`.
func specifiedRows(_ count: Int) -> (features: [Float], labels: [Bool]) {
    var (features, labels): ([Float], [Bool]) = ([], [])
    for i in 0..<count {
        let row = [
            Float(7 * i % 11 - 5) / 5, Float(3 * i % 7 - 3) / 3, Float(5 * i % 13 - 6) / 6,
        ]
        features += row
        labels.append(row[0] + 0.5 * row[1] > 0)
    }
    return (features, labels)
}

struct LogisticProbeTests {
    @Test("The optimum is that of scikit-learn", arguments: 0..<20)
    func optimum(problem: Int) throws {
        let problem = try LogisticFixture.read()[problem]
        let features = try problem.values()
        let probe = try logisticProbe(
            features, columns: problem.columns, labels: problem.labels.map { $0 == 1 },
            settings: LogisticSettings(
                penalty: problem.penalty == "l1" ? .l1 : .l2, inverseStrength: problem.c))
        let largest = problem.weights.map(abs).max() ?? 0
        for (weight, expected) in zip(probe.weights, problem.weights) {
            #expect(abs(weight - expected) <= max(1e-4 * abs(expected), 1e-6 * largest))
        }
        let reference = LogisticProbe(weights: problem.weights, intercept: problem.intercept)
        for (decision, expected) in zip(probe.decisions(features), reference.decisions(features)) {
            #expect(abs(decision - expected) <= 1e-5 * (1 + abs(expected)))
        }
    }

    @Test("The example of the specification comes out")
    func specified() throws {
        let (features, labels) = specifiedRows(40)
        let probe = try logisticProbe(
            features, columns: 3, labels: labels, settings: LogisticSettings())
        // Upstream stops at a gradient of 1e-4, before the optimum's fourth digit.
        for (weight, expected) in zip(probe.weights, [2.5968323, 1.1137910, 0.7356645]) {
            #expect(abs(weight - expected) < 3e-4)
        }
        #expect(abs(probe.intercept - 0.1088166) < 1e-4)
        #expect(zip(probe.decisions(features), labels).allSatisfy { ($0 > 0) == $1 })
    }

    @Test("Columns of zeros get no weight", arguments: [LogisticSettings.Penalty.l1, .l2])
    func constant(penalty: LogisticSettings.Penalty) throws {
        let probe = try logisticProbe(
            [0, 1, 7, 0, 2, 7, 0, 3, 7, 0, 4, 7], columns: 3, labels: [false, true, false, true],
            settings: LogisticSettings(penalty: penalty, inverseStrength: 10))
        #expect(probe.weights[0] == 0 && probe.weights[2] == 0)
        #expect(probe.weights[1] > 0)
    }

    @Test("With a strong L1 penalty only the intercept remains, at the classes' log-odds")
    func strongPenalty() throws {
        let probe = try logisticProbe(
            [1, 2, 3, 5], columns: 1, labels: [true, false, false, false],
            settings: LogisticSettings(penalty: .l1, inverseStrength: 1e-5))
        #expect(probe.weights == [0])
        #expect(abs(probe.intercept - Foundation.log(1 / 3.0)) < 1e-9)
    }

    @Test(
        "Classes that can be told apart have an optimum at every strength",
        arguments: [LogisticSettings.Penalty.l1, .l2], [1e-3, 1, 1e5, 1e10])
    func separable(penalty: LogisticSettings.Penalty, strength: Double) throws {
        let probe = try logisticProbe(
            [-3000, -2000, -1000, 1000, 2000, 3000], columns: 1,
            labels: [false, false, false, true, true, true],
            settings: LogisticSettings(penalty: penalty, inverseStrength: strength))
        #expect(probe.weights[0] > 0 && probe.weights[0].isFinite)
        #expect(abs(probe.intercept) < 1e-6)
    }

    @Test("Many fits at once give what one gives alone")
    func concurrent() async throws {
        let problems = try LogisticFixture.read()
        let settings = LogisticSettings(inverseStrength: 3)
        let fit = { @Sendable (index: Int) throws -> LogisticProbe in
            let problem = problems[index % problems.count]
            return try logisticProbe(
                try problem.values(), columns: problem.columns,
                labels: problem.labels.map { $0 == 1 }, settings: settings)
        }
        try await withThrowingTaskGroup(of: (Int, LogisticProbe).self) { group in
            for index in 0..<40 { group.addTask { (index, try fit(index)) } }
            for try await (index, probe) in group { #expect(try probe == fit(index)) }
        }
    }

    @Test("Labels of one class are an error that says so", arguments: [true, false])
    func oneClass(label: Bool) throws {
        let error = try #require(throws: ProbeError.self) {
            try logisticProbe(
                [1, 2, 3], columns: 1, labels: [label, label, label], settings: LogisticSettings())
        }
        #expect(error.code == .oneClass)
        #expect(error.message.contains("3 examples"))
    }

    @Test("Features that are no rows, not finite or punished by nothing are errors")
    func wrongInput() throws {
        let fit = { (features: [Float], strength: Double) in
            try logisticProbe(
                features, columns: 2, labels: [true, false],
                settings: LogisticSettings(inverseStrength: strength))
        }
        #expect(throws: ProbeError.self) { try fit([1, 2, 3], 1) }
        #expect(throws: ProbeError.self) { try fit([1, 2, 3, .nan], 1) }
        #expect(throws: ProbeError.self) { try fit([1, 2, 3, .infinity], 1) }
        #expect(throws: ProbeError.self) { try fit([1, 2, 3, 4], 0) }
        #expect(throws: ProbeError.self) { try fit([1, 2, 3, 4], .infinity) }
    }
}
