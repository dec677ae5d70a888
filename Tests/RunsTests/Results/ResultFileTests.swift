import Basics
import EvalKit
import Testing

@testable import Runs

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

struct ResultWriterTests {
    /// An evaluation whose outcome is the sum of its partial results.
    private static func evaluation() throws -> AnyEvaluation {
        try AnyEvaluation(Sums.self, settings: Sums.Settings())
    }

    /// A plan of one unit whose results go to a folder.
    private static func plan(_ folder: TemporaryFolder) -> RunPlan {
        var plan = toyPlan()
        plan.output = folder.path
        plan.evaluations = [.init(identifier: "sums", settings: "{}")]
        return plan
    }

    private static let path = "eval_results/sums/tiny_res_blocks.0_a_eval_results.json"

    @Test("A result is written once all its partial results are there")
    func complete() throws {
        let folder = try TemporaryFolder()
        var writer = ResultWriter(plan: Self.plan(folder), evaluations: [try Self.evaluation()])
        try writer.write([:])
        #expect(writer.results.isEmpty)
        #expect(!fileExists("\(folder.path)/\(Self.path)"))
        try writer.write([ContentHash.of("unit"): "5"])
        #expect(writer.results.map(\.id) == ["blocks.0/a"])
        let json = try JSON(file: "\(folder.path)/\(Self.path)")
        #expect(json["eval_result_metrics"]?["all"]?["sum"]?.double == 5)
    }

    @Test("A result with the same content keeps its file and time, another one replaces it")
    func rewriting() throws {
        let folder = try TemporaryFolder()
        var writer = ResultWriter(plan: Self.plan(folder), evaluations: [try Self.evaluation()])
        try writer.write([ContentHash.of("unit"): "5"])
        let file = "\(folder.path)/\(Self.path)"
        let old = String(decoding: try readFile(file), as: UTF8.self)
        let time = try #require(ResultFile.time(in: Array(old.utf8)))
        let earlier = Array(old.replacing("\(time)", with: "1234567890123").utf8)
        try writeFile(earlier, to: file)
        try writer.write([ContentHash.of("unit"): "5"])
        #expect(try readFile(file) == earlier)
        try writer.write([ContentHash.of("unit"): "6"])
        #expect(try JSON(file: file)["eval_result_metrics"]?["all"]?["sum"]?.double == 6)
    }

    @Test("The table has one line for each number")
    func table() throws {
        let folder = try TemporaryFolder()
        var writer = ResultWriter(plan: Self.plan(folder), evaluations: [try Self.evaluation()])
        try writer.writeTable()
        #expect(!fileExists("\(folder.path)/results.csv"))
        try writer.write([ContentHash.of("unit"): "5"])
        try writer.writeTable()
        let text = String(decoding: try readFile("\(folder.path)/results.csv"), as: UTF8.self)
        #expect(
            text == """
                eval,release,sae_id,hook,layer,category,metric,value
                sums,tiny/res,blocks.0/a,blocks.0.hook_resid_post,0,all,sum,5.0
                sums,tiny/res,blocks.0/a,blocks.0.hook_resid_post,0,saeval,"twice, or so",10.0

                """)
    }

    @Test("A quote inside a field of the table stands twice")
    func quotes() throws {
        let folder = try TemporaryFolder()
        var plan = Self.plan(folder)
        plan.cohorts[0].cohort.subjects[0].reference.release = "the \"best\" of all"
        var writer = ResultWriter(plan: plan, evaluations: [try Self.evaluation()])
        try writer.write([ContentHash.of("unit"): "5"])
        try writer.writeTable()
        let text = String(decoding: try readFile("\(folder.path)/results.csv"), as: UTF8.self)
        #expect(text.contains(#"sums,"the ""best"" of all",blocks.0/a,"#), "\(text)")
    }
}
