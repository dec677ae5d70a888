import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Configs and flags that cannot be followed.
    @Suite("Wrong configs")
    struct WrongConfigTests {
        static let mistakes = [
            Mistake(
                "an unknown key of the config", flags: ["--set", "outptu=here"],
                says: ["`outptu`", "--set", "`output`"]),
            Mistake(
                "an unknown key of `saes`", flags: ["--set", "saes=[{path: a, layer: [1]}]"],
                says: ["`saes.layer`", "`layers`"]),
            Mistake(
                "an unknown key of an evaluation", flags: ["--set", "core.contxt_size=3"],
                says: ["`contxt_size`", "evals.core", "`context_size`"]),
            Mistake(
                "an unknown evaluation", flags: ["--evals", "cores"], says: ["`cores`", "`core`"]),
            Mistake(
                "a text where a number belongs", flags: ["--set", "core.context_size=many"],
                says: ["evals.core.context_size", "\"many\"", "128"]),
            Mistake(
                "a list where a text belongs", flags: ["--set", "model=[1, 2]"],
                says: ["`model`", "--set", "[1, 2]", "a text"]),
            Mistake(
                "a value out of range", flags: ["--set", "core.context_size=1"],
                says: ["core.context_size", "is 1", "at least 2"]),
            Mistake(
                "an unknown dtype", flags: ["--dtype", "float64"],
                says: ["--dtype", "float64", "bfloat16"]),
            Mistake(
                "a GPU that is not there", flags: ["--device", "cuda"],
                says: ["`device`", "cuda", "auto"]),
            Mistake(
                "an unknown device", flags: ["--device", "tpu"], says: ["`device`", "tpu", "cpu"]),
            Mistake(
                "a layer that the model lacks", flags: ["--layers", "9"],
                says: ["layer 9", "configs/quickstart/model", "0 to 3"]),
            Mistake(
                "a bad regular expression", flags: ["--match", "("],
                says: ["saes.match", "\"(\"", "a regular expression"]),
            Mistake(
                "a regular expression that matches nothing", flags: ["--match", "nothing"],
                says: ["`nothing`", "None of the 1", "saeval ls saes"]),
            Mistake(
                "an assignment without a value", flags: ["--set", "core"],
                says: ["--set core", "--set core.context_size=64"]),
            Mistake(
                "an assignment without a key", flags: ["--set", "=3"],
                says: ["--set =3", "--set core.context_size=64"]),
            Mistake(
                "an assignment below a value", flags: ["--set", "model.name.first=x"],
                says: ["model.name.first", "no keys"]),
            Mistake(
                "a row longer than the model's context",
                flags: ["--set", "core.context_size=100000"],
                says: ["100000", "configs/quickstart/model", "at most 512"]),
            Mistake("a missing config", says: ["{}/no.yaml", "configs/quickstart.yaml"]) {
                ["run", $0.file("no.yaml")]
            },
            Mistake(
                "a config that is no YAML", says: ["{}/bad.yaml", "line 2", "correct that line"]
            ) {
                ["run", try $0.write("bad.yaml", "model: [\n")]
            },
            Mistake("a config that is a text", says: ["{}/text.yaml", "key: value"]) {
                ["run", try $0.write("text.yaml", "just a text\n")]
            },
            Mistake("a config that is not UTF-8", says: ["{}/bytes.yaml", "UTF-8"]) {
                ["run", try $0.write("bytes.yaml", [0x6D, 0xFF, 0xFE, 0x0A])]
            },
            Mistake("an empty config", says: ["`model`", "{}/empty.yaml", "--model"]) {
                ["run", try $0.write("empty.yaml", "")]
            },
            Mistake("a config with an alias", says: ["{}/alias.yaml", "alias"]) {
                ["run", try $0.write("alias.yaml", "model: &m x\noutput: *m\n")]
            },
            Mistake(
                "a key that stands twice", says: ["{}/twice.yaml", "`output` stands twice"]
            ) {
                ["run", try $0.write("twice.yaml", "model: a\noutput: b\noutput: c\n")]
            },
            Mistake(
                "an evaluation that stands twice", flags: ["--evals", "core,core"],
                says: ["`core` twice", "once"]),
            Mistake(
                "more threads than there can be", flags: ["--threads", "100000000"],
                says: ["`threads`", "--threads", "100000000", "at most 4096"]),
            Mistake(
                "memory beyond any machine", flags: ["--memory-gib", "1e300"],
                says: ["memory_gib", "1e+300", "at most"]),
            Mistake("no arguments at all", says: ["`model`", "--model"]) { _ in ["run"] },
        ]

        @Test(
            "One sentence names key, value and remedy, and nothing is written", arguments: mistakes)
        func mistake(_ mistake: Mistake) throws { try mistake.check() }

        @Test("Under mpirun rank 0 alone says it")
        func onRanks() throws {
            try Mistake("", flags: ["--set", "outptu=here"], says: ["`outptu`", "`output`"]).check(
                ranks: 3)
        }

        @Test("A wrong variable of the environment is named")
        func environment() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(bench.tiny(), variables: ["SAEVAL_SEED": "soon"])
            #expect(ending.status == 64)
            #expect(ending.errors.contains("`seed` in SAEVAL_SEED holds \"soon\""), "\(ending)")
        }

        @Test("Ranks started with different configs refuse to begin")
        func mixedConfigs() throws {
            let bench = try Workbench()
            let command =
                Program.onRanks(1, bench.tiny()) + [":", "-n", "2", Program.path]
                + bench.tiny(["--seed", "7"])
            let ending = try RunningProgram(command, folder: bench.path).ending(seconds: 60)
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("saeval: Rank 1 on "), "\(ending)")
            #expect(ending.errors.contains("reads another config than rank 0"), "\(ending)")
            #expect(ending.errors.contains("start all ranks with one command"), "\(ending)")
            #expect(!folderExists(bench.output))
            bench.expectNothingHalfWritten()
        }

        @Test(
            "Wrong usage of a subcommand ends with 64 and shows its usage",
            arguments: [
                ["fly"], ["run", "--colour", "red"], ["run", "--seed", "soon"],
                ["run", "--datasets", "a"],
                ["run", "--layers", "one"], ["run", "--saes", "x", "--layers", "one"], ["status"],
                ["artifacts", "rm"],
                ["artifacts", "rm", "--all", "x"], ["ls", "saes"],
                ["ls", "saes", "configs", "--match", "("],
            ])
        func usage(arguments: [String]) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(arguments)
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("Usage: saeval"), "\(ending)")
        }

        @Test(
            "A time of no seconds is refused by the name of its flag",
            arguments: ["--watchdog", "--stop-within"])
        func noTime(flag: String) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(bench.tiny([flag, "0"]))
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("\(flag) takes 1 to 86400 seconds, not 0"), "\(ending)")
            #expect(!folderExists(bench.output))
        }
    }
}
