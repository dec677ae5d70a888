import Activations
import Basics
import EvalKit
import Probes

/// The probes of a run on the model's pooled activations.
struct AttributionProbes: Sendable {
    let run: AttributionRun
    let texts: AttributionTexts
    /// One for each chosen name.
    let probes: [LinearProbe]
    /// For each chosen name its probe's logits of the test texts on the model's own activations, at
    /// the indices of the texts; those of other texts are not numbers.
    let logits: [[Float]]
    /// The round of evaluations on the model's own activations.
    let round: [AttributionEvaluation]

    /// Accuracies on the model's own activations.
    var accuracies: ProbeAccuracies {
        ProbeAccuracies(
            run: run, evaluations: round.map(\.name),
            accuracies: round.map { evaluation in
                let logits = logits(of: evaluation.probe)
                return accuracy(
                    ofLogits: evaluation.task.rows.map { logits[$0] },
                    labels: evaluation.task.labels)
            })
    }

    /// Logits of a chosen probe.
    func logits(of group: Int) -> [Float] { logits[texts.chosen.firstIndex(of: group) ?? 0] }

    /// Keeps probes and their logits, so that pooled activations can go.
    private init(
        run: AttributionRun, texts: AttributionTexts, pooled: FeatureRows, probes: [LinearProbe],
        round: [AttributionEvaluation]
    ) {
        let tests = texts.testTexts
        let task = ProbeTask(
            rows: tests, labels: [Bool](repeating: false, count: tests.count))
        self.init(
            run: run, texts: texts, probes: probes,
            testLogits: probes.map { Probes.logits(of: $0, on: pooled, task) }, round: round)
    }

    /// - Parameter testLogits: for each chosen name those of the test texts, ascending.
    private init(
        run: AttributionRun, texts: AttributionTexts, probes: [LinearProbe],
        testLogits: [[Float]], round: [AttributionEvaluation]
    ) {
        (self.run, self.texts, self.probes, self.round) = (run, texts, probes, round)
        let tests = texts.testTexts
        logits = testLogits.map { values in
            var logits = [Float](repeating: .nan, count: texts.rows.count)
            for (text, value) in zip(tests, values) { logits[text] = value }
            return logits
        }
    }
}

// MARK: - Keeping

extension AttributionProbes {
    /// The probes for the units that depend on them.
    var trained: TrainedProbes {
        let tests = texts.testTexts
        return TrainedProbes(
            run: run, weights: PackedFloats(probes.flatMap(\.weights)),
            biases: PackedFloats(probes.map(\.bias)),
            logits: PackedFloats(logits.flatMap { logits in tests.map { logits[$0] } }))
    }

    /// Probes that another unit has trained.
    ///
    /// - Throws: ``EvaluationError`` when they are not those of the run's texts.
    init(_ trained: TrainedProbes, with work: AttributionWork) throws {
        let (run, size) = (trained.run, work.context.cohort.activationSize)
        let texts = try AttributionTexts(
            try work.context.texts(work.settings.request(run)), run: run)
        let (count, tests) = (texts.chosen.count, texts.testTexts.count)
        guard trained.weights.values.count == count * size, trained.biases.values.count == count,
            trained.logits.values.count == count * tests
        else {
            throw EvaluationError(
                .damagedPartial,
                "The probes of \(run.name) hold \(trained.weights.values.count) weights and "
                    + "\(trained.logits.values.count) logits, expected \(count) times \(size) and "
                    + "\(tests)",
                advice: "run again with another `output` folder")
        }
        let probes = (0..<count).map { probe in
            LinearProbe(
                weights: Array(trained.weights.values[probe * size..<(probe + 1) * size]),
                bias: trained.biases.values[probe])
        }
        self.init(
            run: run, texts: texts, probes: probes,
            testLogits: (0..<count).map {
                Array(trained.logits.values[$0 * tests..<($0 + 1) * tests])
            }, round: Self.cleanRound(texts, run, with: work))
    }

    /// The evaluations on the model's own activations, drawn from a stream of their own.
    private static func cleanRound(
        _ texts: AttributionTexts, _ run: AttributionRun, with work: AttributionWork
    ) -> [AttributionEvaluation] {
        var generator = work.generator("\(run.name).clean")
        return texts.round(using: &generator)
    }
}

// MARK: - Training

extension AttributionProbes {
    /// Probes with named streams of their own, trained at the same time; those that are not evaluated
    /// are left out.
    ///
    /// A stream's name holds the evaluation, run and class, so that no number depends on order,
    /// threads or ranks.
    init(_ run: AttributionRun, with work: AttributionWork) throws {
        let (texts, pooled) = try work.inputs(run)
        let probes = try work.context.parallel(texts.chosen.count) { index in
            let group = texts.chosen[index]
            let stream = "\(run.name).\(texts.names[group])"
            var (trainStream, testStream) = (
                work.generator("\(stream).train"), work.generator("\(stream).test")
            )
            let train = texts.task(.train, of: group, using: &trainStream)
            let test = texts.task(.test, of: group, using: &testStream)
            var generator = work.generator("\(stream).probe")
            return try trainedProbe(
                pooled, train, test: pooled, test, settings: work.settings.training,
                using: &generator
            ).probe
        }
        self.init(
            run: run, texts: texts, pooled: pooled, probes: probes,
            round: Self.cleanRound(texts, run, with: work))
    }

    /// Probes trained one after the other with one generator, in SAE Bench's order.
    init(
        _ run: AttributionRun, with work: AttributionWork, using generator: inout TorchGenerator
    ) throws {
        let (texts, pooled) = try work.inputs(run)
        var probes: [LinearProbe] = []
        for group in texts.names.indices {
            let train = texts.task(.train, of: group, using: &generator)
            let test = texts.task(.test, of: group, using: &generator)
            probes.append(
                try trainedProbe(
                    pooled, train, test: pooled, test, settings: work.settings.training,
                    using: &generator
                ).probe)
        }
        self.init(
            run: run, texts: texts, pooled: pooled, probes: texts.chosen.map { probes[$0] },
            round: texts.round(using: &generator))
    }
}
