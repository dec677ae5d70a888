import Basics
import EvalKit
import Results

/// Turns accuracies into the metrics of TPP.
///
/// For an ablated class c: intended = clean accuracy of c - accuracy of c; unintended = the mean of
/// the same over the other classes; total = intended - unintended. Means over classes, then over
/// datasets.
///
/// - Source: Karvonen et al. 2025, app. D.
struct TPPOutcome {
    let settings: AttributionSettings
    let cohort: Cohort
    let partials: [AttributionPartial]

    private static let kinds = ["total_metric", "intended_diff_only", "unintended_diff_only"]

    /// The result; without means over datasets when one is missing.
    func outcome() throws -> Outcome {
        let runs = try AttributionOutcome.runs(settings, isSCR: false, partials)
        let names = AttributionOutcome.listedN(settings.nValues).flatMap { n in
            Self.kinds.map { Self.name(n, $0) }
        }
        let classes = runs.map { metrics($0.probes, $0.ablations, isPaired: false) }
        let datasets = classes.map { AttributionOutcome.means($0.map(\.values)) }
        let paired = runs.map { run in
            AttributionOutcome.means(
                metrics(run.probes, run.ablations, isPaired: true).map(\.values))
        }
        let whole = AttributionOutcome.means(datasets)
        let unstructured = zip(runs, classes).map { run, classes in
            JSONMember(
                key: run.probes.run.dataset,
                value: .object(
                    classes.map { name, values in
                        JSONMember(
                            key: name, value: .object(AttributionOutcome.members(values)))
                    }))
        }
        let outcome = Outcome(
            metrics: [Metric]("tpp_metrics", AttributionOutcome.listed(names, whole))
                + [Metric](
                    own: AttributionOutcome.suffixed(AttributionOutcome.means(paired), "_paired")
                        + AttributionOutcome.ablatedLatents(
                            "tpp", runs.map(\.ablations), settings.nValues)),
            details: AttributionOutcome.details(
                runs.map(\.probes.run), datasets.map { AttributionOutcome.listed(names, $0) }),
            saeBench: SAEBenchParts(
                config: settings.config(
                    isSCR: false, modelName: cohort.modelName,
                    activationType: cohort.activationType),
                unstructured: .object(unstructured)))
        return AttributionOutcome.complete(
            outcome, of: runs.map(\.probes.run), settings, isSCR: false)
    }

    private static func name(_ n: Int, _ kind: String) -> String { "tpp_threshold_\(n)_\(kind)" }

    /// The metrics of each ablated class of a dataset.
    private func metrics(
        _ probes: ProbeAccuracies, _ ablations: AblationAccuracies, isPaired: Bool
    ) -> [(name: String, values: NamedValues)] {
        ablations.ablated.map { ablated in
            let values = ablated.levels.flatMap { level -> NamedValues in
                let accuracies = isPaired ? level.pairedAccuracies : level.accuracies
                var (intended, others) = (0.0, [Double]())
                for (index, name) in probes.evaluations.enumerated() {
                    let loss = probes.accuracies[index] - accuracies[index]
                    if name == ablated.name { intended = loss } else { others.append(loss) }
                }
                let unintended = others.reduce(0, +) / Double(others.count)
                return zip(Self.kinds, [intended - unintended, intended, unintended]).map {
                    (Self.name(level.n, $0), $1)
                }
            }
            return (ablated.name, values)
        }
    }
}
