import Activations
import Corpora
import EvalKit
import Results

/// SAE Bench's targeted probe perturbation: whether ablating the latents that matter to one class's
/// probe harms that probe alone.
///
/// - Source: Karvonen et al. 2025, app. D; `sae_bench/evals/scr_and_tpp` of SAE Bench 0.6.0;
///   differences in this folder's README.
public struct TPP: Evaluation {
    public static let identifier = "tpp"
    public static let summary =
        "how far ablating a class's latents harms its probe and not those of other classes"

    public static let metrics =
        [10, 20, 50].map { n in
            MetricDescription(
                "tpp_threshold_\(n)_total_metric", better: .higher, title: "TPP n=\(n)")
        }
        + ["", "_paired"].flatMap { suffix in
            [
                ("total_metric", .higher), ("intended_diff_only", .higher),
                ("unintended_diff_only", .lower),
            ].map { kind, better in
                MetricDescription("tpp_threshold_*_\(kind)\(suffix)", better: better)
            }
        }

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
        try TPPOutcome(settings: settings, cohort: cohort, partials: partials).outcome()
    }

    private func plan(_ cohort: Cohort) -> AttributionPlan {
        AttributionPlan(
            identifier: Self.identifier, isSCR: false, settings: settings, cohort: cohort)
    }

    /// The work in a context.
    func work(in context: any EvaluationContext) -> AttributionWork {
        AttributionWork(
            identifier: Self.identifier, isSCR: false, settings: settings, context: context)
    }
}
