/// What takes the place of an outcome's means when some of the parts that they are over, such as
/// datasets, could not be evaluated.
public struct IncompleteMeans: Sendable {
    /// The parts without a result, in the order of the settings.
    public var missing: [String]
    /// Means over the other parts by metric, as they would stand in the outcome.
    public var partialMeans: [(name: String, value: Double)]

    /// Takes all values.
    public init(missing: [String], partialMeans: [(name: String, value: Double)]) {
        (self.missing, self.partialMeans) = (missing, partialMeans)
    }
}

extension Outcome {
    /// The same outcome, in which no mean over fewer parts than asked for passes as the score:
    /// upstream's metrics are nil, ours are left out, and ``incomplete`` has their values. Counts
    /// stay.
    ///
    /// - Parameters:
    ///   - missing: the parts without a result; without any the outcome stays as it is.
    ///   - count: how many parts there should be.
    ///   - kind: what a part is, in the plural.
    ///   - descriptions: say which metrics are counts.
    public func withoutMeans(
        missing: [String], of count: Int, _ kind: String,
        described descriptions: [MetricDescription]
    ) -> Outcome {
        guard !missing.isEmpty else { return self }
        var outcome = self
        let isMean = { (metric: Metric) in !descriptions.isCount(metric.name) }
        outcome.incomplete = IncompleteMeans(
            missing: missing,
            partialMeans: metrics.filter(isMean).compactMap { metric in
                metric.value.map { (metric.name, $0) }
            })
        outcome.metrics = metrics.filter { !($0.isOwn && isMean($0)) }.map { metric in
            isMean(metric) ? Metric(metric.name, category: metric.category, value: nil) : metric
        }
        let names = missing.map { "`\($0)`" }.joined(separator: ", ")
        outcome.notes.append(
            "Incomplete: \(missing.count) of \(count) \(kind) could not be evaluated (\(names)), so "
                + "means over all of them are left out; `incomplete.partial_means` holds those over "
                + "the others.")
        return outcome
    }
}
