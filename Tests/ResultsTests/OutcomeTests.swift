import Testing

@testable import Results

struct OutcomeTests {
    /// Metrics of two categories in turn, and of ours.
    private static let outcome = Outcome(
        metrics: [Metric]("a", [("x", 1), ("n", 3)]) + [Metric]("b", [("y", nil)])
            + [Metric]("a", [("z", 2)]) + [Metric](own: [("own", 4), ("none", nil), ("parts", 5)]))

    /// What there is to know of them.
    private static let metrics = ["n", "parts"].map { MetricDescription($0, isCount: true) }

    @Test("Categories are upstream's, each once, and ours without a value are left out")
    func categories() {
        #expect(Self.outcome.categories.map(\.name) == ["a", "b"])
        #expect(Self.outcome.categories[0].metrics.map(\.name) == ["x", "n", "z"])
        #expect(Self.outcome.ownMetrics.map(\.name) == ["own", "parts"])
        #expect(Self.outcome["own"]?.isOwn == true && Self.outcome["none"] == nil)
    }

    @Test("Without one of its parts an outcome has no means, and its counts stay")
    func withoutMeans() {
        let outcome = Self.outcome.withoutMeans(
            missing: ["d"], of: 2, "datasets", described: Self.metrics)
        #expect(outcome.metrics.map(\.name) == ["x", "n", "y", "z", "parts"])
        #expect(outcome.metrics.map(\.value) == [nil, 3, nil, nil, 5])
        #expect(outcome.incomplete?.missing == ["d"])
        #expect(outcome.incomplete?.partialMeans.map(\.name) == ["x", "z", "own"])
        #expect(outcome.notes.count == 1)
    }

    @Test("A mean that is left out keeps no interval")
    func withoutIntervals() {
        var outcome = Self.outcome
        outcome.metrics[0].interval = 0...2
        let partial = outcome.withoutMeans(missing: ["d"], of: 2, "datasets", described: [])
        #expect(partial["x"]?.interval == nil)
        #expect(
            outcome.withoutMeans(missing: [], of: 2, "datasets", described: [])["x"]?.value == 1)
    }
}

struct MetricDescriptionTests {
    private static let metrics = [
        MetricDescription("top_1_accuracy", better: .higher, title: "top 1"),
        MetricDescription("top_*_accuracy", better: .lower), MetricDescription("top_*"),
    ]

    @Test(
        "The first description that matches a name is the metric's; a star stands for any text",
        arguments: [
            ("top_1_accuracy", "top_1_accuracy"), ("top_20_accuracy", "top_*_accuracy"),
            ("top_20_f1", "top_*"), ("top_accuracy", "top_*"), ("a_top_1", nil),
        ])
    func matching(name: String, description: String?) {
        #expect(Self.metrics[name]?.name == description)
    }

    @Test("Columns are the metrics with a title")
    func columns() {
        #expect(Self.metrics.columns.map(\.title) == ["top 1"])
        #expect(Self.metrics["top_1_accuracy"]?.better == .higher)
    }
}

struct ResultRowsTests {
    @Test("An interval has lines of its own, and a metric without a value has none")
    func intervals() {
        var outcome = Outcome(metrics: [Metric]("a", [("x", 1), ("y", nil)]))
        outcome.metrics[0].interval = 0.5...1.5
        outcome.metrics[0].items = 20
        let file = ResultFile(
            evaluation: "e", identifier: "", release: "r", id: "i", configuration: .null,
            outcome: outcome)
        #expect(
            ResultRows(file, hook: ("h", 3)).text == """
                e,r,i,h,3,a,x,1.0
                e,r,i,h,3,interval,x_low,0.5
                e,r,i,h,3,interval,x_high,1.5
                e,r,i,h,3,interval,x_items,20.0

                """)
    }
}
