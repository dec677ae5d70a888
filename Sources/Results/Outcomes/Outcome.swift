import Basics

/// The final result of one evaluation of one autoencoder.
public struct Outcome: Sendable {
    /// `eval_config` of SAE Bench's result file.
    public var config: JSON
    /// `eval_result_metrics`: category, then name and value, in SAE Bench's order; nil is written as
    /// null.
    public var metrics: [(category: String, values: [(name: String, value: Double?)])]
    /// `eval_result_details`.
    public var details: JSON
    /// `eval_result_unstructured` as SAE Bench writes it: an object, or null.
    public var unstructured: JSON
    /// Keys that SAE Bench writes after all others.
    public var trailing: [(name: String, value: JSON)]
    /// Numbers that SAE Bench does not have, by name; they go to `results.csv` and
    /// `eval_result_unstructured`.
    public var additions: [(name: String, value: Double)]
    /// Names of counts, which are written without a fraction.
    public var integerMetrics: Set<String>
    /// What a reader of the numbers must know, one sentence each, such as a part that is missing;
    /// they go to `eval_result_unstructured.saeval.notes` and below the table of a run.
    public var notes: [String]
    /// Set where parts of the evaluation are missing; metrics are then nil. See
    /// ``withoutMeans(missing:of:_:keeping:)``.
    public var incomplete: IncompleteMeans?

    public init(
        config: JSON, metrics: [(category: String, values: [(name: String, value: Double?)])],
        details: JSON, unstructured: JSON = .null, trailing: [(name: String, value: JSON)] = [],
        additions: [(name: String, value: Double)], integerMetrics: Set<String> = [],
        notes: [String] = []
    ) {
        (self.config, self.metrics, self.details) = (config, metrics, details)
        (self.unstructured, self.trailing) = (unstructured, trailing)
        (self.additions, self.integerMetrics) = (additions, integerMetrics)
        self.notes = notes
    }
}
