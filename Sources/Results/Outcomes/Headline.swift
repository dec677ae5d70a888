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
