import Basics

/// What an evaluation found out about one autoencoder, whatever file it is written to.
public struct Outcome: Sendable {
    /// The numbers in the order in which they are listed, ours last.
    public var metrics: [Metric]
    /// The numbers behind them.
    public var details: DetailTable
    /// What a reader of the numbers must know, one sentence each, such as a part that is missing.
    public var notes: [String]
    /// Set where parts of the evaluation are missing; its means are then not among the metrics.
    /// See ``withoutMeans(missing:of:_:described:)``.
    public var incomplete: IncompleteMeans?
    /// What SAE Bench's result file has beside all this.
    public var saeBench: SAEBenchParts

    /// Takes all values of a complete outcome.
    public init(
        metrics: [Metric], details: DetailTable = DetailTable(), notes: [String] = [],
        saeBench: SAEBenchParts = SAEBenchParts()
    ) {
        (self.metrics, self.details, self.notes) = (metrics, details, notes)
        self.saeBench = saeBench
    }

    /// A metric by its name; nil where there is none.
    public subscript(name: String) -> Metric? { metrics.first { $0.name == name } }

    /// Upstream's metrics by category, in the order in which both are listed.
    public var categories: [(name: String, metrics: [Metric])] {
        var categories: [(name: String, metrics: [Metric])] = []
        for metric in metrics where !metric.isOwn {
            if let index = categories.firstIndex(where: { $0.name == metric.category }) {
                categories[index].metrics.append(metric)
            } else {
                categories.append((metric.category, [metric]))
            }
        }
        return categories
    }

    /// The metrics that upstream does not have.
    public var ownMetrics: [Metric] { metrics.filter(\.isOwn) }
}

/// What SAE Bench's result file has beside an outcome's numbers.
public struct SAEBenchParts: Sendable {
    /// `eval_config`: the settings as SAE Bench spells them.
    public var config: JSON
    /// `eval_result_unstructured`: an object, or null.
    public var unstructured: JSON
    /// Values that the rows of `eval_result_details` end with, by key: one for each row.
    public var detailsTrailing: [(name: String, values: [JSON])]
    /// Keys that SAE Bench writes after all others.
    public var trailing: [(name: String, value: JSON)]

    /// Takes all values; each is described at the property of its name.
    public init(
        config: JSON = .object([]), unstructured: JSON = .null,
        detailsTrailing: [(name: String, values: [JSON])] = [],
        trailing: [(name: String, value: JSON)] = []
    ) {
        (self.config, self.unstructured) = (config, unstructured)
        (self.detailsTrailing, self.trailing) = (detailsTrailing, trailing)
    }
}
