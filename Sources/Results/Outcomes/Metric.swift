/// Numbers by name, in order; nil where there is none.
public typealias NamedValues = [(name: String, value: Double?)]

/// One number of an outcome.
public struct Metric: Sendable {
    /// Its name, such as `ce_loss_score`.
    public var name: String
    /// Upstream's heading for it, or ``ownCategory``.
    public var category: String
    /// The number; nil where there is none.
    public var value: Double?
    /// The interval around the value, where one is known.
    public var interval: ClosedRange<Double>?
    /// How many items, such as documents or latents, the interval rests on.
    public var items: Int?

    /// The category of numbers that upstream does not have.
    public static let ownCategory = "saeval"

    /// Whether the definition is ours and not upstream's.
    public var isOwn: Bool { category == Self.ownCategory }

    /// Takes all values.
    public init(
        _ name: String, category: String, value: Double?, interval: ClosedRange<Double>? = nil,
        items: Int? = nil
    ) {
        (self.name, self.category, self.value) = (name, category, value)
        (self.interval, self.items) = (interval, items)
    }
}

extension [Metric] {
    /// Metrics of one of upstream's categories.
    public init(_ category: String, _ values: NamedValues) {
        self = values.map { Metric($0.name, category: category, value: $0.value) }
    }

    /// Metrics of ours; those without a value are left out.
    public init(own values: NamedValues) {
        self = Self(Metric.ownCategory, values.filter { $0.value != nil })
    }
}
