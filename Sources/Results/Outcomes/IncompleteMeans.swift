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
    /// The same outcome, in which no mean over fewer parts than asked for passes as the score: all
    /// metrics are nil and ``incomplete`` has their values.
    ///
    /// - Parameters:
    ///   - missing: the parts without a result; without any the outcome stays as it is.
    ///   - count: how many parts there should be.
    ///   - kind: what a part is, in the plural.
    ///   - counts: names of additions that are not means and stay.
    public func withoutMeans(
        missing: [String], of count: Int, _ kind: String, keeping counts: Set<String>
    ) -> Outcome {
        guard !missing.isEmpty else { return self }
        var outcome = self
        let values = metrics.flatMap(\.values).compactMap { name, value in
            value.map { (name: name, value: $0) }
        }
        outcome.incomplete = IncompleteMeans(
            missing: missing,
            partialMeans: values + additions.filter { !counts.contains($0.name) })
        outcome.metrics = metrics.map { category, values in
            (category, values.map { ($0.name, nil) })
        }
        outcome.additions = additions.filter { counts.contains($0.name) }
        let names = missing.map { "`\($0)`" }.joined(separator: ", ")
        outcome.notes.append(
            "Incomplete: \(missing.count) of \(count) \(kind) could not be evaluated (\(names)), so "
                + "means over all of them are left out; `incomplete.partial_means` holds those over "
                + "the others.")
        return outcome
    }
}
