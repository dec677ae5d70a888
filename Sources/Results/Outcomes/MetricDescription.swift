/// What readers need to know about a metric beside its values. An evaluation lists those of its
/// metrics of which there is something to say, the most specific name first.
public struct MetricDescription: Sendable {
    /// Which of two values is better.
    public enum Direction: Sendable {
        case higher, lower
    }

    /// The metric's name; one `*` stands for any text, such as the number of latents of a probe.
    public var name: String
    /// Which values are better; nil where neither are.
    public var better: Direction?
    /// Whether it counts something. A count has no fraction and is no mean, so it holds when parts of
    /// an evaluation are missing.
    public var isCount: Bool
    /// The heading of its column in the table at the end of a run; nil for a metric without one.
    public var title: String?
    /// Decimals in that table.
    public var decimals: Int

    /// Takes all values.
    public init(
        _ name: String, better: Direction? = nil, isCount: Bool = false, title: String? = nil,
        decimals: Int = 4
    ) {
        (self.name, self.better, self.isCount) = (name, better, isCount)
        (self.title, self.decimals) = (title, decimals)
    }

    /// Whether a metric's name is this one.
    fileprivate func matches(_ name: String) -> Bool {
        guard let star = self.name.firstIndex(of: "*") else { return self.name == name }
        let (start, end) = (self.name[..<star], self.name[star...].dropFirst())
        return name.count >= start.count + end.count && name.hasPrefix(start)
            && name.hasSuffix(end)
    }
}

extension [MetricDescription] {
    /// The description of a metric: the first that matches its name.
    public subscript(name: String) -> MetricDescription? { first { $0.matches(name) } }

    /// The metrics with a column in the table at the end of a run, from left to right.
    public var columns: [MetricDescription] { filter { $0.title != nil } }

    /// Whether a metric counts something.
    func isCount(_ name: String) -> Bool { self[name]?.isCount ?? false }
}
