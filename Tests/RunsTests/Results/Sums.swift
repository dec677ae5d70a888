import Basics
import Corpora
import EvalKit

@testable import Activations
@testable import Plans
@testable import Results
@testable import Runs

/// An evaluation that adds numbers. A sum below 0 lacks a part.
struct Sums: Evaluation {
    /// Nothing to set.
    struct Settings: EvaluationSettings {
        func validate() throws(EvaluationError) {}
    }

    static let identifier = "sums"
    static let summary = "adds numbers"
    static let metrics: [MetricDescription] = []

    init(settings: Settings) {}

    func inputs(for cohort: Cohort) -> [InputRequest] { [] }

    func units(for cohort: Cohort) throws -> [PlannedUnit<Int>] { [] }

    func evaluate(
        _ unit: Int, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<Double, any Error>] { [:] }

    func outcome(of partials: [Double], for subject: SubjectIndex, in cohort: Cohort) throws
        -> Outcome
    {
        let sum = partials.reduce(0, +)
        return Outcome(
            metrics: [Metric]("all", [("sum", sum)]) + [Metric](own: [("twice, or so", 2 * sum)])
        ).withoutMeans(
            missing: sum < 0 ? ["the rest"] : [], of: 2, "parts", described: Self.metrics)
    }
}
