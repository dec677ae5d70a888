import Basics
import Probes
import Testing

/// Forty rows of three features with the label `x₀ + x₁ / 2 > 0`.
struct PublishedExample {
    let rows: FeatureRows
    /// All rows.
    let task: ProbeTask
    /// The even rows.
    let test: ProbeTask

    init() {
        let scale: [(step: Int, modulus: Int, half: Int)] = [(7, 11, 5), (3, 7, 3), (5, 13, 6)]
        let values: [[Float]] = (0..<40).map { i in
            scale.map { step, modulus, half in
                Float(Double(step * i % modulus - half) / Double(half))
            }
        }
        let labels = values.map { $0[0] + 0.5 * $0[1] > 0 }
        rows = FeatureRows(dense: values.flatMap { $0 }, columns: 3)
        task = ProbeTask(rows: Array(0..<40), labels: labels)
        let even = Array(stride(from: 0, to: 40, by: 2))
        test = ProbeTask(rows: even, labels: even.map { labels[$0] })
    }
}

struct AdamWTrainingTests {
    private let example = PublishedExample()

    private func train(_ rows: FeatureRows, _ settings: AdamWSettings, seed: UInt64 = 42) throws
        -> AdamWResult
    {
        var generator = TorchGenerator(seed: seed)
        return try trainedProbe(
            rows, example.task, test: rows, example.test, settings: settings, using: &generator)
    }

    /// The example's rows with zeros left out and columns that never occur.
    private func sparse(width: Int, stride: Int) -> FeatureRows {
        var (values, indices, starts): ([Float], [Int32], [Int]) = ([], [], [0])
        for row in 0..<40 {
            for column in 0..<3 where example.rows.values[3 * row + column] != 0 {
                values.append(example.rows.values[3 * row + column])
                indices.append(Int32(column * stride))
            }
            starts.append(values.count)
        }
        return FeatureRows(sparse: values, indices: indices, starts: starts, columns: width)
    }

    @Test("A probe with a penalty ends where SAE Bench's does")
    func penalty() throws {
        let result = try train(
            example.rows,
            AdamWSettings(
                learningRate: 1e-3, batchSize: 16, epochs: 3, patience: 10, l1Penalty: 1e-3))
        let expected: [Float] = [0.44437739, 0.48124436, -0.13265279]
        for (weight, value) in zip(result.probe.weights, expected) {
            #expect(abs(weight - value) < 2e-7)
        }
        #expect(abs(result.probe.bias - 0.52747202) < 2e-7)
        #expect(result.accuracy == Double(Float(0.6)))
    }

    @Test("A probe without progress stops at the epoch at which SAE Bench's does")
    func patience() throws {
        let result = try train(
            example.rows,
            AdamWSettings(learningRate: 1e-2, batchSize: 10, epochs: 100, patience: 10))
        #expect(result.epochs == 17)
        let expected: [Float] = [0.71112597, 0.64286339, 0.08995502]
        for (weight, value) in zip(result.probe.weights, expected) {
            #expect(abs(weight - value) < 5e-7)
        }
        #expect(abs(result.probe.bias - 0.35622442) < 5e-7)
        #expect(result.accuracy == Double(Float(0.85)))
    }

    @Test("Sparse rows give the probe of the same rows stored whole", arguments: [nil, 1e-3])
    func sparseRows(penalty: Double?) throws {
        let settings = AdamWSettings(
            learningRate: 1e-2, batchSize: 7, epochs: 5, patience: 5, l1Penalty: penalty)
        let rows = sparse(width: 21, stride: 9)
        var whole = [Float](repeating: 0, count: 40 * 21)
        for row in 0..<40 {
            for column in 0..<3 {
                whole[21 * row + 9 * column] = example.rows.values[3 * row + column]
            }
        }
        let (first, second) = (
            try train(rows, settings), try train(FeatureRows(dense: whole, columns: 21), settings)
        )
        for (a, b) in zip(first.probe.weights, second.probe.weights) { #expect(abs(a - b) < 1e-6) }
        #expect(first.accuracy == second.accuracy)
        #expect(first.epochs == second.epochs)
    }

    @Test("Features that never occur only decay")
    func decay() throws {
        let settings = AdamWSettings(learningRate: 1e-2, batchSize: 10, epochs: 1, patience: 1)
        let result = try train(sparse(width: 21, stride: 9), settings)
        var generator = TorchGenerator(seed: 42)
        let start = generator.linearLayer(inputs: 21).weights
        let factor = Float(1 - 1e-2 * 0.01)
        for column in 0..<21 where column % 9 != 0 {
            #expect(
                result.probe.weights[column] == (0..<4).reduce(start[column]) { w, _ in w * factor }
            )
        }
    }

    @Test("Training takes the draws of one layer and one permutation an epoch")
    func draws() throws {
        let trace = PermutationTrace()
        var generator = TorchGenerator(seed: 9)
        generator.trace = trace
        _ = try trainedProbe(
            example.rows, example.task, test: example.rows, example.test,
            settings: AdamWSettings(learningRate: 1e-3, batchSize: 16, epochs: 4, patience: 4),
            using: &generator)
        var other = TorchGenerator(seed: 9)
        _ = other.linearLayer(inputs: 3)
        let expected = (0..<4).map { _ in other.permutation(40).map { Int32($0) } }
        #expect(trace.permutations == expected)
        #expect(generator.next() == other.next())
    }

    @Test("Rows that are not finite are refused")
    func notFinite() {
        var values = example.rows.values
        values[4] = .infinity
        #expect(throws: ProbeError.self) {
            try train(FeatureRows(dense: values, columns: 3), .attribution)
        }
    }

    @Test("Tasks that do not fit their rows are refused")
    func misfits() {
        var generator = TorchGenerator(seed: 1)
        let narrow = FeatureRows(dense: [1, 2, 3, 4], columns: 2)
        let missing = ProbeTask(rows: [99], labels: [true])
        for (test, task, testTask) in [
            (narrow, example.task, ProbeTask(rows: [0], labels: [true])),
            (example.rows, missing, example.test), (example.rows, example.task, missing),
            (example.rows, ProbeTask(rows: [], labels: []), example.test),
        ] {
            #expect(throws: ProbeError.self) {
                try trainedProbe(
                    example.rows, task, test: test, testTask, settings: .attribution,
                    using: &generator)
            }
        }
    }

    @Test("Accuracies are means in single precision and 0 counts as negative")
    func accuracies() {
        #expect(
            accuracy(ofLogits: [1, -1, 0], labels: [true, true, false]) == Double(Float(2) / 3))
        let probe = LinearProbe(weights: [1, 0, 0], bias: -0.5)
        let expected = example.task.rows.count {
            (example.rows.values[3 * $0] > 0.5) == example.task.labels[$0]
        }
        #expect(
            accuracy(of: probe, on: example.rows, example.task)
                == Double(Float(expected) / 40))
    }
}
