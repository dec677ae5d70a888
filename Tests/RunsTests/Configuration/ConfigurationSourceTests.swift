import Basics
import EvalKit
import Evals
import Testing

@testable import Plans

struct ConfigurationSourceTests {
    @Test("A flag goes before the environment, that before the file, that before the default")
    func precedence() throws {
        let file = shortest + "\nseed: 1\n"
        let environment = ["SAEVAL_SEED": "2"]
        let flag = [(keys: ["seed"], value: JSON.integer(3))]
        #expect(try configuration().seed == 42)
        #expect(try configuration(file).seed == 1)
        #expect(try configuration(file, environment: environment).seed == 2)
        #expect(try configuration(file, flags: flag, environment: environment).seed == 3)
        #expect(
            try configuration(file, flags: flag, assignments: ["seed=4"], environment: environment)
                .seed == 4)
        #expect(try configuration(environment: environment).seed == 2)
    }

    @Test(
        "Every key that the environment may set is read from it",
        arguments: [
            ("SAEVAL_MODEL", "m", "model", "\"m\""),
            ("SAEVAL_DTYPE", "bfloat16", "dtype", "\"bfloat16\""),
            ("SAEVAL_DEVICE", "cpu", "device", "\"cpu\""),
            ("SAEVAL_OUTPUT", "o", "output", "\"o\""),
            ("SAEVAL_ARTIFACTS", "x", "artifacts", "\"x\""), ("SAEVAL_SEED", "7", "seed", "7"),
            ("SAEVAL_THREADS", "3", "threads", "3"),
            ("SAEVAL_MEMORY_GIB", "1.5", "memory_gib", "1.5"),
            ("SAEVAL_DISK_GIB", "2.5", "disk_gib", "2.5"),
            ("SAEVAL_ACTIVATIONS", "store", "activations", "\"store\""),
        ])
    func environment(name: String, text: String, key: String, value: String) throws {
        let read = try configuration(environment: [name: text])
        #expect(read.tree[key]?.text() == value)
        #expect(read.origins.contains { $0.key == key && $0.origin == name })
    }

    @Test("Each value knows where it came from")
    func origins() throws {
        let read = try configuration(
            shortest + "\nmemory_gib: 2\n",
            flags: [(["memory_gib"], .integer(3)), (["seed"], .integer(1))],
            assignments: ["core.context_size=32"],
            environment: ["SAEVAL_SEED": "9", "SAEVAL_THREADS": "1"])
        let origins = Dictionary(uniqueKeysWithValues: read.origins.map { ($0.key, $0.origin) })
        #expect(origins["memory_gib"] == "--memory-gib")
        #expect(origins["seed"] == "--seed")
        #expect(origins["threads"] == "SAEVAL_THREADS")
        #expect(origins["evals.core.context_size"] == "--set")
        #expect(origins["model"]?.hasSuffix("config.yaml") == true)
    }

    @Test(
        "A path of keys sets a value below it, a known evaluation's name stands for its settings",
        arguments: [
            ("core.context_size=64", "core", "context_size", "64"),
            ("evals.core.context_size=64", "core", "context_size", "64"),
            ("core.dataset=a=b", "core", "dataset", "\"a=b\""),
            ("core.dataset='12'", "core", "dataset", "\"12\""),
            (
                "core.exclude_special_tokens_from_reconstruction=true", "core",
                "exclude_special_tokens_from_reconstruction", "true"
            ),
        ])
    func assignments(assignment: String, evaluation: String, key: String, value: String) throws {
        let read = try configuration(
            "model: m\nsaes: [f]\noutput: o\nevals: {core: {context_size: 16, batch_size_prompts: 2}}",
            assignments: [assignment])
        let settings = try #require(read.evals.first { $0.identifier == evaluation }?.settings)
        #expect(settings[key]?.text() == value)
        #expect(settings["batch_size_prompts"]?.integer == 2)
    }

    @Test("Top-level keys and datasets can be set by path")
    func topLevel() throws {
        let read = try configuration(assignments: [
            "output=runs/b", "datasets.a/b=c.jsonl", "saes=[x, y]",
        ])
        #expect(read.output == "runs/b")
        #expect(read.datasets.map { "\($0.id) \($0.path)" } == ["a/b c.jsonl"])
        #expect(read.saes.map(\.source) == [.path("x"), .path("y")])
    }

    @Test("Of two assignments to one key the later one counts")
    func laterAssignment() throws {
        #expect(try configuration(assignments: ["seed=1", "seed=2"]).seed == 2)
    }

    @Test(
        "An assignment that cannot be read is named",
        arguments: ["seed", "=3", ".=3", "model.name=3", "seed=[1", "core.context_size=\"a"])
    func badAssignments(text: String) throws {
        let error = try configurationError(assignments: [text])
        #expect(error.code == .badConfig)
        #expect(error.advice != nil)
    }

    @Test("Evaluations named by flag replace those of the file and keep its settings")
    func evaluations() throws {
        let text = "model: m\nsaes: [f]\noutput: o\nevals: {core: {context_size: 16}, other: {}}"
        let read = try configuration(text, evaluations: ["core"])
        #expect(read.evals.map(\.identifier) == ["core"])
        #expect(read.evals[0].settings["context_size"]?.integer == 16)
        let alone = try configuration("model: m\nsaes: [f]\noutput: o", evaluations: ["core"])
        #expect(alone.evals.map(\.identifier) == ["core"])
    }

    @Test("An unknown evaluation is named with the known ones")
    func unknownEvaluation() throws {
        let error = try #require(throws: EvaluationError.self) {
            _ = try configuration(evaluations: ["cor"])
        }
        #expect(error.code == .unknownEvaluation)
        #expect(error.advice?.hasPrefix("`core`") == true)
    }

    @Test(
        "Bad settings of an evaluation are found before anything is looked up",
        arguments: ["contxt_size=1", "context_size=1", "context_size=a"])
    func badSettings(assignment: String) throws {
        let error = try #require(throws: EvaluationError.self) {
            _ = try configuration(assignments: ["core.\(assignment)"])
        }
        #expect(error.message.contains("core"))
    }

    @Test("Flags alone make a config")
    func flagsAlone() throws {
        let source = ConfigurationSource(
            path: nil,
            flags: [
                (["model"], .string("m")), (["saes"], .array([.string("f")])),
                (["output"], .string("o")),
            ],
            evaluations: ["core"])
        let read = try source.configuration(
            catalogue: evaluationCatalogue, environment: { _ in nil })
        #expect(read.model == "m")
        #expect(read.evals.map(\.identifier) == ["core"])
    }

    @Test("A missing file, a folder and bytes that are no text are named")
    func files() throws {
        let folder = try TemporaryFolder()
        try writeFile([0x6D, 0xFF, 0xFE], to: "\(folder.path)/binary.yaml")
        for (path, code) in [
            ("\(folder.path)/none.yaml", RunDomain.Code.missing), (folder.path, .missing),
            ("\(folder.path)/binary.yaml", .badConfig),
        ] {
            let error = try #require(throws: RunError.self) {
                _ = try ConfigurationSource(path: path).configuration(
                    catalogue: evaluationCatalogue, environment: { _ in nil })
            }
            #expect(error.code == code)
            #expect(error.message.contains(path))
        }
    }
}
