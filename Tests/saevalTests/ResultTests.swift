import Basics
import Foundation
import Testing

extension ProgramTests {
    /// What is in a run's folder, while it goes on and after other runs.
    @Suite("Results")
    struct ResultTests {
        /// The names of the autoencoders that the table of a run has lines of.
        private func names(in bench: Workbench) throws -> Set<String> {
            let text = String(decoding: try readFile("\(bench.output)/results.csv"), as: UTF8.self)
            return Set(
                text.split(separator: "\n").dropFirst().map {
                    String($0.split(separator: ",")[2])
                })
        }

        @Test("Results are there while a run goes on, and stay when it is killed")
        func early() throws {
            let bench = try Workbench()
            let kinds = "topk|relu|gated|jumprelu"
            let arguments = bench.small(["--threads", "1"], kinds: kinds, sparsityBatches: 24)
            let running = try bench.start(arguments)
            try running.wait(for: "results.csv") { fileExists(bench.output + "/results.csv") }
            running.send(SIGKILL)
            #expect(try running.ending().status == 128 + SIGKILL)
            let files = bench.files(below: bench.output + "/eval_results").filter {
                $0.hasSuffix(".json")
            }
            #expect((1..<8).contains(files.count))
            for file in files { _ = try JSON(file: "\(bench.output)/eval_results/\(file)") }
            #expect(try !names(in: bench).isEmpty)
            let status = try bench.saeval(["status", bench.output])
            #expect(status.output.contains(": unfinished\n"), "\(status)")
            #expect(status.output.contains("\n\(files.count) of 8 results written\n"), "\(status)")

            let resumed = try bench.saeval(arguments)
            #expect(resumed.status == 0, "\(resumed)")
            let other = try Workbench()
            let whole = other.small(kinds: kinds, sparsityBatches: 24)
            #expect(try other.saeval(whole).status == 0)
            #expect(try bench.results().differences(from: other.results()) == [])
            let done = try bench.saeval(["status", bench.output])
            #expect(done.output.contains(": done\n"), "\(done)")
            #expect(done.output.contains("\n8 of 8 results written\n"), "\(done)")
        }

        @Test("A run of other settings in the same folder is refused, whatever it evaluates")
        func otherSettings() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let before = try bench.results()
            let journal = try readFile(bench.output + "/journal.jsonl")
            let other =
                "configs/quickstart/saes/sae_lens/toyworld-res/blocks.2.hook_resid_post__relu"
            for (saes, command) in [(nil, "run"), (other, "run"), (nil, "check"), (nil, "plan")] {
                let ending = try bench.saeval(
                    bench.tiny(["--set", "core.context_size=8"], command: command, saes: saes))
                #expect(ending.status == 64, "\(ending)")
                #expect(
                    ending.errors.contains(
                        "\(bench.output) holds 1 result of `core` with `core.context_size` 16, now 8"
                    ), "\(ending)")
                #expect(ending.errors.contains(" Try: give another folder after --output"))
            }
            #expect(try bench.results() == before)
            #expect(try readFile(bench.output + "/journal.jsonl") == journal)
            try bench.remove("run/eval_results/core")
            #expect(try bench.saeval(bench.tiny(["--set", "core.context_size=8"])).status == 0)
        }

        @Test("Lines of autoencoders that left the config stay, as their files do")
        func fewer() throws {
            let bench = try Workbench()
            let all = ["--layers", "1"]
            #expect(try bench.saeval(bench.small(all, kinds: "topk|relu")).status == 0)
            let table = try readFile(bench.output + "/results.csv")
            #expect(try bench.saeval(bench.small(all, kinds: "topk")).status == 0)
            #expect(try names(in: bench).count == 2)
            #expect(bench.files(below: bench.output + "/eval_results").count == 2)
            // The same lines in another order, with the hook that their files do not name.
            let lines = { (bytes: [UInt8]) in Set(bytes.split(separator: 0x0A)) }
            #expect(try lines(readFile(bench.output + "/results.csv")) == lines(table))
        }

        @Test("A name that no file can have keeps no result from being written")
        func longName() throws {
            let bench = try Workbench()
            let deep = Array(repeating: String(repeating: "a", count: 110), count: 3)
            try bench.copy(WrongAutoencoderTests.whole, to: "saes/" + deep.joined(separator: "/"))
            try bench.copy(WrongAutoencoderTests.whole, to: "saes/plain")
            for command in ["check", "run"] {
                let ending = try bench.saeval(
                    bench.tiny(command: command, saes: bench.file("saes")))
                #expect(ending.status == 0, "\(ending)")
            }
            let files = bench.files(below: bench.output + "/eval_results")
            #expect(files.count == 2)
            let long = try #require(files.first { $0.contains(deep[0]) })
            let json = try JSON(file: "\(bench.output)/eval_results/\(long)")
            #expect(json["sae_lens_id"]?.text?.hasSuffix(deep[2]) == true)
            #expect(try names(in: bench).count == 2)
        }

        @Test(
            "Two autoencoders with one file are refused by path before anything is computed",
            arguments: ["plan", "check", "run"])
        func sameName(command: String) throws {
            let mistake = Mistake(
                "two autoencoders with one file",
                says: [
                    "{}/saes/a_b/c (a_b/c)", "{}/saes/a/b_c (a/b_c)", "a_b_c_eval_results.json",
                ]
            ) { bench in
                for name in ["a_b/c", "a/b_c"] {
                    try bench.copy(WrongAutoencoderTests.whole, to: "saes/\(name)")
                }
                return bench.tiny(command: command, saes: bench.file("saes"))
            }
            try mistake.check()
        }

        @Test("A result that cannot be written fails alone")
        func unwritable() throws {
            let bench = try Workbench()
            for name in ["a", "b"] {
                try bench.copy(WrongAutoencoderTests.whole, to: "saes/\(name)")
            }
            let blocked = "run/eval_results/core/saes_a_eval_results.json"
            try bench.write(blocked + "/file", "")
            let run = bench.tiny(saes: bench.file("saes"))
            let ending = try bench.saeval(run)
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("not evaluated: saes/a (core): "), "\(ending)")
            #expect(ending.errors.contains(bench.file(blocked)), "\(ending)")
            #expect(ending.output.contains("saes/b"), "\(ending)")
            #expect(try names(in: bench) == ["b"])
            let status = try bench.saeval(["status", bench.output])
            #expect(status.status == 1, "\(status)")
            #expect(status.output.contains("1 of 2 results written"), "\(status)")
            try bench.remove(blocked)
            #expect(try bench.saeval(run).status == 0)
            #expect(try names(in: bench) == ["a", "b"])
        }
    }
}
