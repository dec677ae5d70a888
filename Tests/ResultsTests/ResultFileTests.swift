import Basics
import Testing

@testable import Results

struct ResultFileTests {
    /// An outcome with a metric, a count, a metric of ours and details.
    private static let outcome = Outcome(
        metrics: [Metric]("quality", [("mse", 0.5), ("worst", -1)])
            + [Metric]("counts", [("tokens", 12)]) + [Metric](own: [("extra", 1e-5)]),
        details: DetailTable(key: "index", rows: .indices([0]), columns: []),
        saeBench: SAEBenchParts(config: .object(["model_name": .string("toy")])))

    /// What there is to know of its metrics.
    private static let metrics = [MetricDescription("tokens", isCount: true)]

    /// A configuration with a library version in its metadata.
    private static let configuration: JSON = .object([
        "d_in": .integer(8), "dtype": .string("float32"), "device": .string("cpu"),
        "metadata": .object(["sae_lens_version": .string("6.1.0")]),
    ])

    private static func bytes(
        _ outcome: Outcome = outcome, run: String = "run", type: String = "float32",
        time: Int = 1_700_000_000_000
    ) -> [UInt8] {
        let reference = toyReference(configuration: configuration)
        return ResultFile(
            evaluation: "core", identifier: ResultFile.identifier(ofRun: ContentHash.of(run)),
            time: time, release: reference.release, id: reference.id,
            configuration: reference.configuration(type: type), outcome: outcome
        ).bytes(describedBy: metrics)
    }

    private static func json(
        _ outcome: Outcome = outcome, run: String = "run", type: String = "float32"
    ) throws -> JSON {
        try JSON(parsing: bytes(outcome, run: run, type: type), source: "a result")
    }

    @Test("The keys are those of SAE Bench in its order")
    func keys() throws {
        #expect(
            try Self.json().members?.map(\.key) == [
                "eval_type_id", "eval_config", "eval_id", "datetime_epoch_millis",
                "eval_result_metrics",
                "eval_result_details", "sae_bench_commit_hash", "sae_lens_id",
                "sae_lens_release_id",
                "sae_lens_version", "sae_cfg_dict", "eval_result_unstructured",
            ])
    }

    @Test("Values stand where SAE Bench has them, counts without a fraction")
    func values() throws {
        let json = try Self.json()
        #expect(json["eval_type_id"]?.text == "core")
        #expect(json["eval_config"]?.text() == #"{"model_name": "toy"}"#)
        #expect(json["datetime_epoch_millis"]?.integer == 1_700_000_000_000)
        #expect(
            json["eval_result_metrics"]?.text()
                == #"{"quality": {"mse": 0.5, "worst": -1.0}, "counts": {"tokens": 12}}"#)
        #expect(json["eval_result_details"]?.text() == #"[{"index": 0}]"#)
        #expect(json["sae_lens_id"]?.text == "blocks.0/a")
        #expect(json["sae_lens_release_id"]?.text == "tiny/res")
        #expect(json["sae_lens_version"]?.text == "6.1.0")
        #expect(json["eval_result_unstructured"]?.text() == #"{"saeval": {"extra": 1e-05}}"#)
    }

    @Test("Notes stand beside our own numbers, and without any there is no key for them")
    func notes() throws {
        var outcome = Self.outcome
        outcome.notes = ["One part is missing.", "Say \"so\"."]
        let json = try Self.json(outcome)
        #expect(
            json["eval_result_unstructured"]?["saeval"]?.text()
                == #"{"extra": 1e-05, "notes": ["One part is missing.", "Say \"so\"."]}"#)
    }

    @Test(
        "The autoencoder's type is the one that it was evaluated in",
        arguments: ["float32", "bfloat16"])
    func type(name: String) throws {
        let configuration = try #require(try Self.json(type: name)["sae_cfg_dict"])
        #expect(configuration["dtype"]?.text == name)
        #expect(configuration.members?.map(\.key) == ["d_in", "dtype", "device", "metadata"])
    }

    @Test("The id is a version-4 UUID that follows from the run", arguments: 0..<50)
    func identifier(seed: Int) throws {
        let id = try #require(try Self.json(run: "\(seed)")["eval_id"]?.text)
        #expect(
            id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/)
                != nil)
        #expect(try id == Self.json(run: "\(seed)")["eval_id"]?.text)
        #expect(try id != Self.json(run: "\(seed) again")["eval_id"]?.text)
    }

    @Test("What is missing and the means over the rest stand beside our own numbers")
    func incomplete() throws {
        let json = try Self.json(
            Self.outcome.withoutMeans(
                missing: ["d/2"], of: 2, "datasets", described: Self.metrics))
        #expect(
            json["eval_result_metrics"]?.text()
                == #"{"quality": {"mse": null, "worst": null}, "counts": {"tokens": 12}}"#)
        let own = json["eval_result_unstructured"]?["saeval"]
        #expect(
            own?["incomplete"]?.text()
                == #"{"missing": ["d/2"], "partial_means": "#
                + #"{"mse": 0.5, "worst": -1.0, "extra": 1e-05}}"#)
        #expect(own?["notes"]?.elements?.count == 1)
    }

    @Test("Equal content gives equal bytes, and the time is all that may differ")
    func sameBytes() throws {
        #expect(Self.bytes() == Self.bytes())
        #expect(Self.bytes() != Self.bytes(time: 1))
        #expect(try ResultFile(Self.json())?.time == 1_700_000_000_000)
    }

    @Test("The text is that of the whole tree, written with two spaces")
    func text() throws {
        for outcome in [Self.outcome, Self.full, Outcome(metrics: [])] {
            let text = try Self.json(outcome).text(indent: 2)
            #expect(String(decoding: Self.bytes(outcome), as: UTF8.self) == text)
        }
    }

    /// An outcome that has all that a file can hold.
    private static let full: Outcome = {
        var outcome = Self.outcome
        outcome.metrics[0].interval = 0.25...0.75
        outcome.metrics[0].items = 40
        outcome.metrics[3].interval = 0...1
        outcome.details = DetailTable(
            key: "dataset_name", [("a", [("x", 1), ("y", nil)]), ("b", [("x", -1), ("y", 2.5)])])
        outcome.saeBench.unstructured = .object(["a": .object(["x": .integer(-1)])])
        outcome.saeBench.detailsTrailing = [("by_k", [.object([]), .object(["1": .number(2)])])]
        outcome.saeBench.trailing = [("by_k", .null), ("more", .array([.integer(1)]))]
        outcome.notes = ["One part is missing."]
        return outcome
    }()

    @Test("A file that is read and written again has the same bytes", arguments: [false, true])
    func roundTrip(isComplete: Bool) throws {
        let outcome = Self.full.withoutMeans(
            missing: isComplete ? [] : ["d/2"], of: 2, "datasets", described: Self.metrics)
        let bytes = Self.bytes(outcome)
        let file = try #require(ResultFile(JSON(parsing: bytes, source: "a result")))
        #expect(file.bytes(describedBy: Self.metrics) == bytes)
        #expect(file.outcome["tokens"]?.value == 12 && file.outcome["tokens"]?.isOwn == false)
        #expect(file.outcome["mse"]?.value == (isComplete ? 0.5 : nil))
        #expect(file.outcome["extra"]?.isOwn == (isComplete ? true : nil))
        #expect(file.outcome.incomplete?.missing == (isComplete ? nil : ["d/2"]))
        #expect(file.outcome["mse"]?.items == (isComplete ? 40 : nil))
        #expect(file.outcome.details.columns.map(\.name) == ["x", "y"])
    }

    @Test("Details are left out where nobody reads them")
    func withoutDetails() throws {
        let file = try #require(ResultFile(Self.json(Self.full), hasDetails: false))
        #expect(file.outcome.details.count == 0 && file.outcome["mse"]?.value == 0.5)
    }

    @Test("Values that are of no use are left out when a foreign file is read")
    func foreign() throws {
        let text = """
            {"eval_type_id": "e", "sae_lens_release_id": "r", "sae_lens_id": "i",
            "eval_result_metrics": {"c": {"m": 1, "text": "x", "none": null}, "odd": 3},
            "eval_result_details": [{"first_letter": "a", "n": 3}, {"n": 4}, {}],
            "eval_result_unstructured": {"saeval": {"intervals": {"m": {"low": 2, "high": 1}}}}}
            """
        let file = try #require(ResultFile(JSON(parsing: Array(text.utf8), source: "a result")))
        #expect(file.outcome.metrics.map(\.name) == ["m", "none"])
        #expect(file.outcome["m"]?.interval == nil && file.outcome.details.count == 0)
    }

    @Test(
        "What lacks a name or numbers is no result",
        arguments: [
            "[]", "{}", "{\"datetime_epoch_millis\": 1}",
            "{\"eval_type_id\": \"e\", \"sae_lens_release_id\": \"r\", \"sae_lens_id\": \"i\"}",
        ])
    func noResult(text: String) throws {
        #expect(try ResultFile(JSON(parsing: Array(text.utf8), source: "a text")) == nil)
    }
}
