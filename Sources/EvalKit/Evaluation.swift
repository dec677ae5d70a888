import Basics
import Corpora

/// One evaluation of the suite. It splits its work into units, evaluates one unit and merges
/// partial results; distributing, saving and resuming belong to `Runs`.
public protocol Evaluation: Sendable {
    associatedtype Settings: EvaluationSettings
    /// What one unit covers; the same unit gives the same bytes wherever it runs.
    associatedtype Unit: Codable & Sendable
    /// What one unit yields for one autoencoder.
    associatedtype Partial: Codable & Sendable

    /// The name in configs, folders and reports, such as `core`.
    static var identifier: String { get }
    /// One line for `saeval ls evals`.
    static var summary: String { get }

    /// The main numbers, for the table at the end of a run.
    static var headlines: [Headline] { get }

    init(settings: Settings)

    /// The rows of tokens whose activations at the cohort's hook must be there before units run.
    func rows(for cohort: Cohort) -> RowRequest?

    /// The units of work for a cohort in their canonical order, independent of the number of ranks.
    /// A unit may serve many autoencoders with one forward pass.
    ///
    /// - Throws: ``EvaluationError`` when the cohort cannot be evaluated.
    func units(for cohort: Cohort) throws -> [PlannedUnit<Unit>]

    /// Evaluates one unit for some of its subjects. What concerns one autoencoder alone fails
    /// alone: its place in the result holds the error. What concerns all is thrown.
    func evaluate(
        _ unit: Unit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<Partial, any Error>]

    /// Merges the partial results of one autoencoder, given in the order of `units(for:)`.
    func outcome(of partials: [Partial], for subject: SubjectIndex, in cohort: Cohort) throws
        -> Outcome
}

/// A column of the table at the end of a run.
public struct Headline: Sendable {
    /// The name of a metric.
    public var metric: String
    /// What stands above the column.
    public var title: String
    public var decimals: Int

    public init(_ metric: String, title: String, decimals: Int = 4) {
        (self.metric, self.title, self.decimals) = (metric, title, decimals)
    }
}

/// A unit, whom it serves and what it costs.
public struct PlannedUnit<Unit: Codable & Sendable>: Sendable {
    public var unit: Unit
    public var subjects: [SubjectIndex]
    /// Floating-point operations.
    public var cost: Double

    public init(unit: Unit, subjects: [SubjectIndex], cost: Double) {
        (self.unit, self.subjects, self.cost) = (unit, subjects, cost)
    }
}

/// The final result of one evaluation of one autoencoder.
public struct Outcome: Sendable {
    /// `eval_config` of SAE Bench's result file.
    public var config: JSON
    /// `eval_result_metrics`: category, then name and value, in SAE Bench's order.
    public var metrics: [(category: String, values: [(name: String, value: Double)])]
    /// `eval_result_details`.
    public var details: JSON
    /// Numbers that SAE Bench does not have, by name; they go to `results.csv` and
    /// `eval_result_unstructured`.
    public var additions: [(name: String, value: Double)]
    /// Names of counts, which are written without a fraction.
    public var integerMetrics: Set<String>

    public init(
        config: JSON, metrics: [(category: String, values: [(name: String, value: Double)])],
        details: JSON,
        additions: [(name: String, value: Double)], integerMetrics: Set<String> = []
    ) {
        (self.config, self.metrics, self.details) = (config, metrics, details)
        (self.additions, self.integerMetrics) = (additions, integerMetrics)
    }
}
