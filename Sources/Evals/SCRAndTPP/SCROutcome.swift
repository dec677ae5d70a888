import Basics
import EvalKit
import Results

/// Turns accuracies into the metrics of SCR.
///
/// The biased probe has learnt two concepts as one. For direction 1 the latents of `male / female`
/// are ablated and the probe is tested on `professor / nurse`; for direction 2 the roles change.
/// score = (accuracy after - accuracy before) / (accuracy of that concept's own probe - accuracy
/// before). The metric is the score of the direction in which the biased probe was worse.
///
/// - Source: Karvonen et al. 2025, app. D.
struct SCROutcome {
    let settings: AttributionSettings
    let cohort: Cohort
    let partials: [AttributionPartial]

    /// A gap from which on a score is not 0, as in SAE Bench.
    private static let smallestGap = 0.001

    private static let kinds = ["dir1", "metric", "dir2"]

    /// The result; without means over pairs when one is missing.
    func outcome() throws -> Outcome {
        let runs = try AttributionOutcome.runs(settings, isSCR: true, partials)
        let names = AttributionOutcome.listedN(settings.nValues).flatMap { n in
            Self.kinds.map { Self.name(n, $0) }
        }
        let scores = runs.map { values($0.probes, $0.ablations, isPaired: false) }
        let paired = runs.map { values($0.probes, $0.ablations, isPaired: true) }
        let gaps = runs.map { run in Self.directions.map { gap(run.probes, $0) } }
        let undecided = runs.count { direction($0.probes) == nil }
        let additions: NamedValues = [
            ("scr_runs_without_metric", Double(undecided)),
            (
                "scr_directions_without_gap",
                Double(gaps.joined().count { $0 < Self.smallestGap })
            ),
        ]
        let outcome = Outcome(
            metrics: [Metric](
                "scr_metrics", AttributionOutcome.listed(names, AttributionOutcome.means(scores)))
                + [Metric](
                    own: AttributionOutcome.suffixed(AttributionOutcome.means(paired), "_paired")
                        + AttributionOutcome.ablatedLatents(
                            "scr", runs.map(\.ablations), settings.nValues) + additions),
            details: AttributionOutcome.details(
                runs.map(\.probes.run), scores.map { AttributionOutcome.listed(names, $0) }),
            saeBench: SAEBenchParts(
                config: settings.config(
                    isSCR: true, modelName: cohort.modelName,
                    activationType: cohort.activationType)))
        return AttributionOutcome.complete(
            outcome, of: runs.map(\.probes.run), settings, isSCR: true)
    }

    private static func name(_ n: Int, _ kind: String) -> String { "scr_\(kind)_threshold_\(n)" }

    /// Ablated and evaluated concept of a direction.
    private struct Direction {
        var ablated: String
        var evaluated: String

        /// SAE Bench's name of the biased probe on the evaluated concept.
        var biased: String {
            AttributionTexts.name(of: AttributionTexts.pairs[2].0, on: evaluated)
        }
    }

    private static let directions = [
        Direction(ablated: AttributionTexts.pairs[0].0, evaluated: AttributionTexts.pairs[1].0),
        Direction(ablated: AttributionTexts.pairs[1].0, evaluated: AttributionTexts.pairs[0].0),
    ]

    /// The scores of a run for each number of latents.
    private func values(
        _ probes: ProbeAccuracies, _ ablations: AblationAccuracies, isPaired: Bool
    ) -> NamedValues {
        let metric = direction(probes)
        return settings.nValues.enumerated().flatMap { level, n -> NamedValues in
            let scores = Self.directions.map { direction in
                score(probes, ablations, direction, level: level, isPaired: isPaired)
            }
            return [
                (Self.name(n, "dir1"), scores[0]),
                (Self.name(n, "metric"), metric.map { scores[$0] }),
                (Self.name(n, "dir2"), scores[1]),
            ]
        }
    }

    /// The direction that is the metric: the one in which the biased probe is worse; nil when it is
    /// as bad in both.
    private func direction(_ probes: ProbeAccuracies) -> Int? {
        let original = Self.directions.map { accuracy(probes, $0.biased) }
        return original[0] == original[1] ? nil : original[0] < original[1] ? 0 : 1
    }

    /// How much better the evaluated concept's own probe is than the biased one.
    private func gap(_ probes: ProbeAccuracies, _ direction: Direction) -> Double {
        accuracy(probes, direction.evaluated) - accuracy(probes, direction.biased)
    }

    private func score(
        _ probes: ProbeAccuracies, _ ablations: AblationAccuracies, _ direction: Direction,
        level: Int, isPaired: Bool
    ) -> Double {
        let gap = gap(probes, direction)
        guard gap >= Self.smallestGap,
            let ablated = ablations.ablated.first(where: { $0.name == direction.ablated }),
            let place = probes.evaluations.firstIndex(of: direction.biased)
        else { return 0 }
        let level = ablated.levels[level]
        let changed = (isPaired ? level.pairedAccuracies : level.accuracies)[place]
        return (changed - accuracy(probes, direction.biased)) / gap
    }

    /// An accuracy on the model's own activations.
    private func accuracy(_ probes: ProbeAccuracies, _ name: String) -> Double {
        probes.evaluations.firstIndex(of: name).map { probes.accuracies[$0] } ?? .nan
    }
}
