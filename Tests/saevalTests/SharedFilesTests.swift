import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Two runs that share one folder of artifacts.
    @Suite("Shared artifacts")
    struct SharedFilesTests {
        /// Starts a run, stops it in the middle of writing activations, and starts another run with
        /// other SAEs at the same hooks, which then waits.
        private static func stoppedAndWaiting(_ bench: Workbench) throws -> (
            first: RunningProgram, second: RunningProgram
        ) {
            let first = try bench.start(bench.small(sparsityBatches: 60))
            try first.wait(for: "begin", in: bench.output + "/log.jsonl")
            first.send(SIGSTOP)
            let other = bench.small(
                ["--output", bench.file("other")], kinds: "relu", sparsityBatches: 60)
            let second = try bench.start(other)
            try second.wait(for: "waiting") {
                let log = FileManager.default.contents(atPath: bench.file("other/log.jsonl"))
                return log.map { occurrences(of: Data("waiting: ".utf8), in: $0) > 0 } ?? false
            }
            return (first, second)
        }

        @Test("A run waits for the activations that another one writes, says so, and uses them")
        func waits() throws {
            let bench = try Workbench()
            let (first, second) = try Self.stoppedAndWaiting(bench)
            first.send(SIGCONT)
            #expect(try first.ending().status == 0)
            let ending = try second.ending()
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("waiting: \(bench.artifacts)/activations/"), "\(ending)")
            #expect(ending.errors.contains("--artifacts"), "\(ending)")
            #expect(ending.errors.contains(" is free after "), "\(ending)")
            let log = try readFile(bench.file("other/log.jsonl"))
            #expect(occurrences(of: Data(#""event": "block""#.utf8), in: Data(log)) == 0)
        }

        @Test("A run that is told to stop while it waits ends with 75, and goes on later")
        func stops() throws {
            let bench = try Workbench()
            let (first, second) = try Self.stoppedAndWaiting(bench)
            second.send(SIGTERM)
            let stopped = try second.ending()
            #expect(stopped.status == 75, "\(stopped)")
            first.send(SIGKILL)
            _ = try first.ending()
            let again = try bench.saeval(
                bench.small(
                    ["--output", bench.file("other")], kinds: "relu", sparsityBatches: 60))
            #expect(again.status == 0, "\(again)")
            #expect(!again.errors.contains("waiting"), "\(again)")
        }

        @Test("Tokens of rows and of labelled texts are listed with their dataset, and removed")
        func listsTexts() throws {
            let bench = try Workbench()
            let run = try bench.saeval(
                ConceptTests.arguments(bench, ["--evals", "sparse_probing"]))
            #expect(run.status == 0, "\(run)")
            let list = try bench.saeval(["artifacts", "ls", "--artifacts", bench.artifacts])
            #expect(list.status == 0 && !list.output.contains("not written by"), "\(list)")
            #expect(list.output.contains("dataset="), "\(list)")
            let removal = try bench.saeval([
                "artifacts", "rm", "--all", "--artifacts", bench.artifacts,
            ])
            #expect(removal.status == 0, "\(removal)")
            #expect(bench.files(below: bench.artifacts).isEmpty)
        }
    }
}
