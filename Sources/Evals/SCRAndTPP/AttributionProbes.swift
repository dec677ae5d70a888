import Basics
import EvalKit
import Probes

/// The probes of a run on the model's pooled activations.
struct AttributionProbes: Sendable {
    let run: AttributionRun
    let texts: AttributionTexts
    /// One for each chosen name.
    let probes: [LinearProbe]
    /// For each chosen name its probe's logits of all texts on the model's own activations.
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
    func logits(of place: Int) -> [Float] { logits[texts.chosen.firstIndex(of: place) ?? 0] }

    /// Keeps probes and their logits, so that pooled activations can go.
    private init(
        run: AttributionRun, texts: AttributionTexts, pooled: FeatureRows, probes: [LinearProbe],
        round: [AttributionEvaluation]
    ) {
        (self.run, self.texts, self.probes, self.round) = (run, texts, probes, round)
        let all = ProbeTask(
            rows: Array(0..<pooled.count), labels: [Bool](repeating: false, count: pooled.count))
        logits = probes.map { Probes.logits(of: $0, on: pooled, all) }
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
            let place = texts.chosen[index]
            let stream = "\(run.name).\(texts.names[place])"
            var (trainStream, testStream) = (
                work.generator("\(stream).train"), work.generator("\(stream).test")
            )
            let train = texts.task(.train, of: place, using: &trainStream)
            let test = texts.task(.test, of: place, using: &testStream)
            var generator = work.generator("\(stream).probe")
            return try trainedProbe(
                pooled, train, test: pooled, test, settings: work.settings.training,
                using: &generator
            ).probe
        }
        var generator = work.generator("\(run.name).clean")
        self.init(
            run: run, texts: texts, pooled: pooled, probes: probes,
            round: texts.round(using: &generator))
    }

    /// Probes trained one after the other with one generator, in SAE Bench's order.
    init(
        _ run: AttributionRun, with work: AttributionWork, using generator: inout TorchGenerator
    ) throws {
        let (texts, pooled) = try work.inputs(run)
        var probes: [LinearProbe] = []
        for place in texts.names.indices {
            let train = texts.task(.train, of: place, using: &generator)
            let test = texts.task(.test, of: place, using: &generator)
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
