import Activations
import Basics
import Corpora
import Results

/// One evaluation of the suite. It splits its work into units, evaluates one unit and merges
/// partial results; distributing, saving and resuming belong to `Runs`.
public protocol Evaluation: Sendable {
    /// What a config can set, with the published values as defaults.
    associatedtype Settings: EvaluationSettings
    /// What one unit covers; the same unit gives the same bytes wherever it runs.
    associatedtype Unit: Codable & Hashable & Sendable
    /// What one unit yields for one autoencoder.
    associatedtype Partial: Codable & Sendable

    /// The name in configs, folders and reports, such as `core`.
    static var identifier: String { get }
    /// One line for `saeval ls evals`.
    static var summary: String { get }

    /// What readers should know about its metrics, those of the table at the end of a run among them.
    static var metrics: [MetricDescription] { get }

    /// Takes settings that passed their own checks.
    init(settings: Settings)

    /// The inputs whose activations at the cohort's hook must be there before units run.
    ///
    /// An input that cannot be made is reported, and the units that read it are left out.
    func inputs(for cohort: Cohort) -> [InputRequest]

    /// Refuses an autoencoder that this evaluation cannot take, before anything is loaded.
    ///
    /// - Throws: ``EvaluationError`` with value and limit.
    func check(_ subject: Subject, in cohort: Cohort) throws

    /// Refuses labelled texts that this evaluation cannot use, when a run is planned: the units that
    /// read them are then left out like those of an input that cannot be made.
    ///
    /// - Throws: ``EvaluationError`` that names the dataset, what it holds and what is needed.
    func check(_ texts: TextRows, of request: TextRequest) throws

    /// The units of work for a cohort in their canonical order, independent of the number of ranks.
    /// A unit may serve many autoencoders with one forward pass.
    ///
    /// - Throws: ``EvaluationError`` when the cohort cannot be evaluated.
    func units(for cohort: Cohort) throws -> [PlannedUnit<Unit>]

    /// Evaluates one unit for some of its subjects. What concerns one autoencoder alone fails
    /// alone: the result holds its error. What concerns all is thrown.
    func evaluate(
        _ unit: Unit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<Partial, any Error>]

    /// Merges the partial results of one autoencoder, given in the order of `units(for:)`, without
    /// those of units whose inputs could not be made.
    func outcome(of partials: [Partial], for subject: SubjectIndex, in cohort: Cohort) throws
        -> Outcome
}

extension Evaluation {
    /// Takes every autoencoder.
    public func check(_ subject: Subject, in cohort: Cohort) throws {}
    /// Uses all labelled texts.
    public func check(_ texts: TextRows, of request: TextRequest) throws {}
}

/// A unit, whom it serves and what it costs.
public struct PlannedUnit<Unit: Codable & Sendable>: Sendable {
    /// What it covers.
    public var unit: Unit
    /// The autoencoders for which it yields a partial result.
    public var subjects: [SubjectIndex]
    /// Floating-point operations of matrix products; other loops count as many as take the same
    /// time. See ``LoopCost``.
    public var cost: Double
    /// The same for each stored token of its inputs, whose number the plan knows, on top.
    public var costPerToken: Double
    /// Indices of the inputs that it reads among `inputs(for:)`; nil for all.
    public var inputs: [Int]?
    /// Whether the partial result is the same for all subjects, as that of a baseline is; it is
    /// then computed once and kept when autoencoders come and go.
    public var isSharedByAllSubjects: Bool
    /// Indices among `units(for:)` of earlier units that it depends on, since it reads their partial
    /// results. It waits for them, and fails for an autoencoder for which one of them failed.
    public var dependsOn: [Int]
    /// What it holds in memory.
    public var memory: UnitMemory

    /// A planned unit.
    ///
    /// - Parameter cost: floating-point operations; `costPerToken` adds those of each stored token of
    ///   the inputs.
    public init(
        unit: Unit, subjects: [SubjectIndex], cost: Double, costPerToken: Double = 0,
        inputs: [Int]? = nil, isSharedByAllSubjects: Bool = false, dependsOn: [Int] = [],
        memory: UnitMemory = .little
    ) {
        (self.unit, self.subjects, self.memory) = (unit, subjects, memory)
        (self.cost, self.costPerToken) = (cost, costPerToken)
        (self.inputs, self.isSharedByAllSubjects, self.dependsOn) = (
            inputs, isSharedByAllSubjects, dependsOn
        )
    }
}

/// What loops over the features of probes and of pooled texts cost beside matrix products.
public enum LoopCost {
    /// Operations of a product in the time of one operation of such a loop.
    public static let factor = 4.0
    /// Features that take as long as what else is done for an example.
    public static let overhead = 256.0
}
