import Activations
import Corpora
import EvalKit
import Results

/// SAE Bench's spurious-correlation removal: whether ablating the latents of one concept frees a
/// probe from it that has learnt two concepts as one.
///
/// - Source: Karvonen et al. 2025, app. D, after Marks et al. 2024; `sae_bench/evals/scr_and_tpp`
///   of SAE Bench 0.6.0; differences in this folder's README.
public struct SCR: Evaluation {
    public static let identifier = "scr"
    public static let summary =
        "how far ablating a concept's latents frees a biased probe from that concept"

    public static let metrics =
        [10, 20, 50].map { n in
            MetricDescription("scr_metric_threshold_\(n)", better: .higher, title: "SCR n=\(n)")
        }
        + ["metric", "dir1", "dir2"].map { MetricDescription("scr_\($0)_*", better: .higher) } + [
            MetricDescription("scr_runs_without_metric", isCount: true),
            MetricDescription("scr_directions_without_gap", isCount: true),
        ]

    let settings: AttributionSettings

    public init(settings: AttributionSettings) { self.settings = settings }

    public func inputs(for cohort: Cohort) -> [InputRequest] { plan(cohort).inputs }

    public func check(_ subject: Subject, in cohort: Cohort) throws {
        try plan(cohort).check(subject)
    }

    public func units(for cohort: Cohort) throws -> [PlannedUnit<AttributionUnit>] {
        plan(cohort).units()
    }

    public func evaluate(
        _ unit: AttributionUnit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<AttributionPartial, any Error>] {
        try work(in: context).evaluate(unit, subjects: subjects)
    }

    public func outcome(
        of partials: [AttributionPartial], for subject: SubjectIndex, in cohort: Cohort
    ) throws -> Outcome {
        try SCROutcome(settings: settings, cohort: cohort, partials: partials).outcome()
    }

    private func plan(_ cohort: Cohort) -> AttributionPlan {
        AttributionPlan(
            identifier: Self.identifier, isSCR: true, settings: settings, cohort: cohort)
    }

    /// The work in a context.
    func work(in context: any EvaluationContext) -> AttributionWork {
        AttributionWork(
            identifier: Self.identifier, isSCR: true, settings: settings, context: context)
    }
}
