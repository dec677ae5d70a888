import Basics
import Foundation
import Testing

@testable import saeval

extension ProgramTests {
    /// The other subcommands, and what `run` writes.
    @Suite("Commands")
    struct CommandTests {
        @Test("plan shows items, arithmetic, bytes and memory, and touches nothing")
        func plan() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.small(["--seed", "7"], command: "plan"),
                variables: ["SAEVAL_DTYPE": "float16"])
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.isEmpty, "\(ending)")
            for part in [
                "Work items (SAE x evaluation x layer): 2", "TFLOP", "Activations on disk: 2.3 MiB",
                "Peak memory of one rank", "gpt_neox, 4 layers of 128", "# seed from --seed",
                "# dtype from SAEVAL_DTYPE",
                "# model from Tests/Fixtures/configs/core.yaml", "context_size: 32",
            ] {
                #expect(ending.output.contains(part), "does not say “\(part)”: \(ending.output)")
            }
            #expect(try folderContents(bench.path) == [])
        }

        @Test(
            "plan and check list autoencoders that cannot be evaluated and end with code 1",
            arguments: ["plan", "check"])
        func planWithFailure(command: String) throws {
            let bench = try Workbench()
            try bench.copy(WrongAutoencoderTests.whole, to: "saes/good")
            try bench.copy("Tests/Fixtures/saes/tiny-res/topk", to: "saes/narrow")
            let ending = try bench.saeval(bench.tiny(command: command, saes: bench.file("saes")))
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("cannot be evaluated: saes/narrow: "), "\(ending)")
            #expect(!folderExists(bench.output) && !folderExists(bench.artifacts))
        }

        @Test("check says that everything is there, and touches nothing")
        func check() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(bench.small(["--ranks", "2"], command: "check"))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.hasPrefix("2 work items can run"), "\(ending)")
            #expect(try folderContents(bench.path) == [])
        }

        @Test(
            "check refuses what run would refuse",
            arguments: [
                WrongFileTests.places[8], WrongFileTests.models[3], noText,
                WrongFileTests.datasets[5],
            ] + WrongFileTests.places.prefix(5))
        func checkRefuses(_ mistake: Mistake) throws { try mistake.check(command: "check") }

        /// A dataset of which only its first record tells that it has no text.
        static let noText = Mistake(
            "a dataset without a column of texts", dataset: Array("{\"words\": \"a\"}\n".utf8),
            says: ["words", "column `text`"])

        @Test(
            "plan says which folder cannot be made", arguments: WrongFileTests.places.prefix(5))
        func planRefuses(_ mistake: Mistake) throws { try mistake.check(command: "plan") }

        @Test(
            "--layers and --match narrow what a config names",
            arguments: [
                (["--layers", "2"], 7), (["--match", ".*topk"], 6),
                (["--match", ".*topk", "--layers", "1"], 2),
            ] as [([String], Int)])
        func narrowed(flags: [String], count: Int) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                ["plan", "configs/quickstart.yaml", "--evals", "core"] + flags)
            #expect(ending.status == 0, "\(ending)")
            #expect(
                ending.output.contains("Work items (SAE x evaluation x layer): \(count)"),
                "\(ending)")
            let none = try bench.saeval(
                ["plan", "configs/quickstart.yaml", "--match", "nothing"])
            #expect(none.status == 64, "\(none)")
            #expect(none.errors.contains("keeps none of the "), "\(none)")
        }

        @Test("Home and variables in the path of a flag are written out")
        func paths() throws {
            let bench = try Workbench()
            let variables = ["HOME": bench.path, "PART": "x"]
            let arguments = bench.tiny().filter { $0 != "--output" && $0 != bench.output }
            try bench.copy("configs/quickstart/toyworld/corpus/heldout.jsonl", to: "x.jsonl")
            let ending = try bench.saeval(
                arguments + ["--output=~/$PART/run", "--set", "core.dataset=~/${PART}.jsonl"],
                variables: variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(fileExists(bench.file("x/run/results.csv")))
            let unset = try bench.saeval(arguments + ["--output=$NO_SUCH/run"])
            #expect(unset.status == 64, "\(unset)")
            #expect(unset.errors.contains("`output` in --output holds `$NO_SUCH/run`"), "\(unset)")
        }

        @Test("A stack that is too small for a run is told", arguments: [64, 256])
        func smallStack(kibibytes: Int) throws {
            let bench = try Workbench()
            let words = bench.tiny().map { "'\($0)'" }.joined(separator: " ")
            let ending = try RunningProgram(
                ["bash", "-c", "ulimit -s \(kibibytes); exec \(Program.path) \(words)"],
                folder: bench.path
            ).ending()
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("may have \(kibibytes) KiB"), "\(ending)")
            #expect(ending.errors.contains(" Try: `ulimit -s 8192`"), "\(ending)")
        }

        @Test("A run writes the folder that the design promises, and its config repeats it")
        func folder() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(bench.tiny(["--threads", "1"]))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.isEmpty, "\(ending)")
            #expect(
                bench.files(below: bench.output) == [
                    "config.yaml",
                    "eval_results/core/toyworld-res_blocks.1.hook_resid_post__topk_eval_results.json",
                    "journal.jsonl", "log.jsonl", "results.csv",
                ])
            for line in try readFile(bench.output + "/log.jsonl").split(separator: 0x0A) {
                let event = try JSON(parsing: Array(line), source: "log.jsonl")
                #expect(event["time"]?.double != nil && event["event"]?.text != nil)
            }
            let results = try bench.results()
            try bench.copy(bench.output + "/config.yaml", to: "again.yaml")
            let again = try bench.saeval([
                "run", bench.file("again.yaml"), "--output", bench.file("again"),
            ])
            #expect(again.status == 0, "\(again)")
            #expect(try bench.results(bench.file("again")) == results)
        }

        @Test("status tells a finished run")
        func status() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let ending = try bench.saeval(["status", bench.output])
            #expect(ending.status == 0, "\(ending)")
            #expect(
                ending.output.hasPrefix(
                    "\(bench.output): done\n3 of 3 partial results, 100 % of the work\n1 autoencoders"
                ))
        }

        @Test("status of a folder without a run says what to name")
        func statusOfNothing() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(["status", bench.file("none")])
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("\(bench.file("none")) holds no run"), "\(ending)")
            #expect(ending.errors.contains(" Try: "), "\(ending)")
        }

        @Test("ls lists autoencoders, models and evaluations")
        func list() throws {
            let bench = try Workbench()
            let saes = try bench.saeval(["ls", "saes", "configs/quickstart/saes/sae_lens"])
            #expect(saes.status == 0, "\(saes)")
            #expect(saes.output.split(separator: "\n").count == 2 + 19, "\(saes)")
            let some = try bench.saeval([
                "ls", "saes", "configs/quickstart/saes/sae_lens", "--match", ".*__topk",
            ])
            #expect(some.status == 0, "\(some)")
            #expect(some.output.split(separator: "\n").count == 2 + 3, "\(some)")
            let models = try bench.saeval(["ls", "models", "configs/quickstart/model"])
            #expect(models.status == 0, "\(models)")
            let known = "gemma3_text, gpt2, gpt_neox, llama, mistral, olmo2, qwen2, qwen3"
            for part in [known, "configs/quickstart/model", "4096"] {
                #expect(models.output.contains(part), "\(models)")
            }
            let evals = try bench.saeval(["ls", "evals"])
            #expect(evals.status == 0, "\(evals)")
            #expect(evals.output.hasPrefix("core: "), "\(evals)")
            #expect(evals.output.contains("  context_size: 128\n"), "\(evals)")
        }

        @Test("artifacts lists what runs left, removes it by name or all, and runs make it again")
        func artifacts() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.small()).status == 0)
            let artifacts = try bench.artifactBytes()
            let list = try bench.saeval(["artifacts", "ls", "--artifacts", bench.artifacts])
            #expect(list.status == 0, "\(list)")
            #expect(list.output.contains("3 artifacts, "), "\(list)")
            #expect(list.output.contains("hook=blocks.2.hook_resid_post"), "\(list)")
            let one = try bench.saeval([
                "artifacts", "rm", "--artifacts", bench.artifacts, "blocks.2",
            ])
            #expect(one.status == 0, "\(one)")
            #expect(try bench.artifactBytes().count == 2)
            try bench.write("artifacts/activations/mine.h5", "not ours")
            let all = try bench.saeval(["artifacts", "rm", "--artifacts", bench.artifacts, "--all"])
            #expect(all.status == 1, "\(all)")
            #expect(all.errors.contains("mine.h5"), "\(all)")
            #expect(bench.files(below: bench.artifacts) == ["activations/mine.h5"])
            try bench.remove("artifacts/activations/mine.h5")
            try bench.remove("run")
            #expect(try bench.saeval(bench.small()).status == 0)
            #expect(try bench.artifactBytes() == artifacts)
        }

        @Test("artifacts rm of nothing is no error", arguments: [["--all"], ["blocks.7"]])
        func removeNothing(arguments: [String]) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                ["artifacts", "rm", "--artifacts", bench.artifacts] + arguments)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.contains("nothing to remove in \(bench.artifacts)"), "\(ending)")
        }

        static let subcommands: [[String]] = [
            [], ["run"], ["plan"], ["check"], ["status"], ["ls"], ["ls", "saes"], ["ls", "models"],
            ["ls", "evals"], ["fetch"],
            ["artifacts"], ["artifacts", "ls"], ["artifacts", "rm"], ["bench"], ["submit"],
            ["trace"], ["bundle"],
        ]

        @Test(
            "--help ends with 0, and its examples are commands that parse", arguments: subcommands)
        func help(subcommand: [String]) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(subcommand + ["--help"])
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.contains("USAGE: saeval"), "\(ending)")
            let examples = Self.examples(in: ending.output)
            #expect(!examples.isEmpty, "no example: \(ending.output)")
            for example in examples {
                let words = example.split(separator: " ").map {
                    String($0.replacing("'", with: ""))
                }
                let arguments = Array(words.drop { $0 != "saeval" }.dropFirst())
                #expect(Array(arguments.prefix(subcommand.count)) == subcommand)
                #expect(throws: Never.self, "\(example)") {
                    _ = try SaevalCommand.parseAsRoot(arguments)
                }
            }
        }

        /// The command lines above the usage of a help text.
        static func examples(in help: String) -> [Substring] {
            help.components(separatedBy: "USAGE:")[0].split(separator: "\n")
                .filter { $0.hasPrefix("saeval ") || $0.hasPrefix("mpirun ") }
        }

        @Test("--version names the program")
        func version() throws {
            let ending = try Workbench().saeval(["--version"])
            #expect(ending.status == 0)
            #expect(ending.output.hasPrefix("saeval "))
        }
    }
}
