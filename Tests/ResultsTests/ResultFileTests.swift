import Basics
import Testing

@testable import Results

struct ResultFileTests {
    /// An outcome with a metric, a count and an addition.
    private static let outcome = Outcome(
        config: .object(["model_name": .string("toy")]),
        metrics: [("quality", [("mse", 0.5), ("worst", -1)]), ("counts", [("tokens", 12)])],
        details: .array([.object(["index": .integer(0)])]), additions: [("extra", 1e-5)],
        integerMetrics: ["tokens"])

    /// A configuration with a library version in its metadata.
    private static let configuration: JSON = .object([
        "d_in": .integer(8), "dtype": .string("float32"), "device": .string("cpu"),
        "metadata": .object(["sae_lens_version": .string("6.1.0")]),
    ])

    private static func bytes(
        run: String = "run", type: String = "float32", time: Int = 1_700_000_000_000
    ) -> [UInt8] {
        ResultFile(
            identifier: "core", runKey: ContentHash.of(run), outcome: outcome,
            reference: toyReference(configuration: configuration), activationType: type
        ).bytes(time: time)
    }

    private static func json(run: String = "run", type: String = "float32") throws -> JSON {
        try JSON(parsing: bytes(run: run, type: type), source: "a result")
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
        let file = ResultFile(
            identifier: "core", runKey: ContentHash.of("run"), outcome: outcome,
            reference: toyReference(configuration: Self.configuration), activationType: "float32")
        let json = try JSON(parsing: file.bytes(time: 1), source: "a result")
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
        let file = ResultFile(
            identifier: "core", runKey: ContentHash.of("run"),
            outcome: Self.outcome.withoutMeans(missing: ["d/2"], of: 2, "datasets", keeping: []),
            reference: toyReference(configuration: Self.configuration), activationType: "float32")
        let json = try JSON(parsing: file.bytes(time: 1), source: "a result")
        #expect(
            json["eval_result_metrics"]?.text()
                == #"{"quality": {"mse": null, "worst": null}, "counts": {"tokens": null}}"#)
        let own = json["eval_result_unstructured"]?["saeval"]
        #expect(
            own?["incomplete"]?.text()
                == #"{"missing": ["d/2"], "partial_means": "#
                + #"{"mse": 0.5, "worst": -1.0, "tokens": 12.0, "extra": 1e-05}}"#)
        #expect(own?["notes"]?.elements?.count == 1)
        #expect(!ResultFile.isComplete(file.bytes(time: 1)))
        #expect(ResultFile.isComplete(Self.bytes()) && !ResultFile.isComplete([]))
    }

    @Test("Equal content gives equal bytes, and the time is all that may differ")
    func sameBytes() {
        #expect(Self.bytes() == Self.bytes())
        #expect(Self.bytes() != Self.bytes(time: 1))
        #expect(ResultFile.time(in: Self.bytes()) == 1_700_000_000_000)
    }

    @Test(
        "Bytes that are no result have no time",
        arguments: ["", "{", "[]", "{}", "{\"datetime_epoch_millis\": \"a\"}"])
    func noTime(text: String) { #expect(ResultFile.time(in: Array(text.utf8)) == nil) }
}
