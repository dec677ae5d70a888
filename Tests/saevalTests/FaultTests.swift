import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Kills and requests to stop, and going on after them.
    @Suite("Kills and stops")
    struct FaultTests {
        @Test(
            "Disturbed at random moments and resumed on other numbers of ranks, a run gives the same bytes",
            arguments: [
                ("kill", 2), ("signal", 2), ("stop", 1), ("calls", 6), ("flips", 3),
            ])
        func disturbed(kind: String, rounds: Int) throws {
            let bench = try Workbench()
            let factor =
                ProcessInfo.processInfo.environment["SAEVAL_FAULT_FACTOR"].flatMap { Int($0) } ?? 1
            let script = "\(Program.root)/Tests/Fixtures/faults/faults.sh"
            let process = try RunningProgram(
                ["bash", script, kind, "\(rounds * factor)", "\(UInt16.random(in: 1...30_000))"],
                folder: bench.path,
                variables: ["SAEVAL_BINARY": Program.path])
            let ending = try process.ending(seconds: 120 + 60 * rounds * factor)
            #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
            #expect(
                ending.output.hasSuffix("\n\(rounds * factor) passed, 0 failed\n"),
                "\(ending.output)")
        }

        /// The arguments of a run that takes long enough to be hit.
        static func longer(_ bench: Workbench) -> [String] {
            bench.small(["--threads", "1"], sparsityBatches: 24)
        }

        /// What such a run gives when nobody stops it.
        static let undisturbed = Result<RunResults, any Error> {
            let bench = try Workbench()
            #expect(try bench.saeval(longer(bench)).status == 0)
            return try bench.results()
        }

        @Test(
            "A request to stop ends with code 75, and the same command finishes the run",
            arguments: [
                (nil, SIGTERM, "unit"), (nil, SIGINT, "block"), (3, SIGUSR1, "unit"),
            ] as [(Int?, Int32, String)])
        func stop(ranks: Int?, number: Int32, during event: String) throws {
            let bench = try Workbench()
            let arguments = Self.longer(bench)
            let first = try bench.start(arguments, ranks: ranks)
            let log = bench.output + "/log.jsonl"
            try first.wait(for: event, in: log)
            first.send(number)
            let stopped = try first.ending()
            #expect(stopped.status == 75, "\(stopped)")
            #expect(
                stopped.errors.contains("the same command goes on where it stopped"), "\(stopped)")

            let status = try bench.saeval(["status", bench.output])
            #expect(status.status == 0)
            #expect(status.output.contains("unfinished"), "\(status)")
            #expect(status.output.contains(" left on ") == (event == "unit"), "\(status)")

            let second = try bench.saeval(arguments)
            #expect(second.status == 0, "\(second)")
            let goesOn =
                event == "unit"
                ? second.errors.contains("partial results are there already")
                : bench.contains(log, "is resumed with")
            #expect(goesOn, "\(second)")
            #expect(try bench.results().differences(from: Self.undisturbed.get()) == [])
        }

        @Test("A finished run that is started again computes nothing and changes no result")
        func again() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let names = bench.files(below: bench.output).filter { $0.contains("results") }
            let bytes = try names.map { try readFile("\(bench.output)/\($0)") }
            let units = bench.count(bench.output + "/journal.jsonl", "{\"unit\":")
            let again = try bench.saeval(bench.tiny(), ranks: 2)
            #expect(again.status == 0, "\(again)")
            #expect(again.output.contains("blocks.1.hook_resid_post__topk"))
            #expect(try names.map { try readFile("\(bench.output)/\($0)") } == bytes)
            #expect(bench.count(bench.output + "/journal.jsonl", "{\"unit\":") == units)
        }

        @Test("What a killed run was writing is removed by the next, and files of others stay")
        func leftovers() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            try bench.write("run/results.csv.4711.partial", "half a table")
            try bench.write("run/eval_results/core/x_eval_results.json.99.partial", "{")
            try bench.write("run/notes.partial", "mine")
            let name = try #require(
                bench.files(below: bench.artifacts).first { $0.hasSuffix(".h5") })
            try bench.write("artifacts/\(name).lock", "")
            try bench.remove("run/journal.jsonl")
            #expect(try bench.saeval(bench.tiny()).status == 0)
            #expect(bench.files(below: bench.artifacts).count == 2)
            #expect(
                bench.files(below: bench.path).filter { $0.hasSuffix(".partial") } == [
                    "run/notes.partial"
                ])
        }

        @Test("A torn last line of the journal is told, cut off and done again")
        func tornJournal() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let results = try bench.results()
            let journal = bench.output + "/journal.jsonl"
            let bytes = try readFile(journal)
            let lines = bytes.split(separator: 0x0A)
            let unit = try #require(
                lines.lastIndex { String(decoding: $0, as: UTF8.self).contains("{\"unit\":") })
            try truncateFile(journal, to: lines[unit].endIndex - 20)
            let ending = try bench.saeval(bench.tiny())
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("the last line was torn"), "\(ending)")
            #expect(ending.errors.contains("2 of 3 partial results are there"), "\(ending)")
            #expect(try bench.results() == results)
        }

        @Test("A damaged line inside the journal is named, and nothing is written")
        func damagedJournal() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let journal = bench.output + "/journal.jsonl"
            try flipByte(journal, at: 40)
            let bytes = try readFile(journal)
            let ending = try bench.saeval(bench.tiny())
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("Line 1 of \(journal) differs"), "\(ending)")
            #expect(ending.errors.contains("delete that line"), "\(ending)")
            #expect(try readFile(journal) == bytes)
        }

        @Test("A second run on the same folder is refused while the first goes on")
        func inUse() throws {
            let bench = try Workbench()
            let first = try bench.start(Self.longer(bench))
            let lock = bench.output + "/run.lock"
            try first.wait(for: "start", in: bench.output + "/log.jsonl")
            let second = try bench.saeval(Self.longer(bench))
            #expect(second.status == 75, "\(second)")
            #expect(
                second.errors.contains("\(lock) is in use by another run (process "), "\(second)")
            #expect(second.errors.contains("another --output folder"), "\(second)")
            let ending = try first.ending()
            #expect(ending.status == 0, "\(ending)")
            #expect(!fileExists(lock))
        }

        @Test("A full disk ends a run with code 1, and with more room the same command finishes it")
        func fullDisk() throws {
            let bench = try Workbench()
            // A file may have 8 KiB here; the signal that comes with it is ignored.
            let words = bench.tiny().map { "'\($0)'" }.joined(separator: " ")
            let limited = try RunningProgram(
                ["bash", "-c", "trap '' XFSZ; ulimit -f 8; exec \(Program.path) \(words)"],
                folder: bench.path
            ).ending()
            #expect(limited.status == 1, "\(limited)")
            #expect(limited.errors.contains(".outOfSpace]"), "\(limited)")
            #expect(limited.errors.contains(" Try: make room"), "\(limited)")
            let ending = try bench.saeval(bench.tiny())
            #expect(ending.status == 0, "\(ending)")
        }

        /// Starts such a run on three ranks that goes on without those that are lost.
        private static func surviving(_ bench: Workbench) throws -> RunningProgram {
            let command = ["mpirun", "--enable-recovery"] + Program.onRanks(3, []).dropFirst()
            return try RunningProgram(
                command + longer(bench) + ["--survive", "--watchdog", "15"], folder: bench.path)
        }

        @Test("With --survive a run goes on without a rank that is killed and gives the same bytes")
        func survives() throws {
            let bench = try Workbench()
            let run = try Self.surviving(bench)
            let log = bench.output + "/log.jsonl"
            try run.wait(for: "block", in: log)
            let victim = try #require(run.children.last)
            kill(victim, SIGKILL)
            let ending = try run.ending()
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("the run goes on without it"), "\(ending)")
            #expect(bench.contains(log, "\"event\": \"lost\""))
            #expect(try bench.results().differences(from: Self.undisturbed.get()) == [])
        }

        @Test("A rank that was given up and wakes again gets no more work and changes no result")
        func wakesLate() throws {
            let bench = try Workbench()
            let run = try Self.surviving(bench)
            let log = bench.output + "/log.jsonl"
            // It holds a block, or is handed one, without which no unit can begin.
            try run.wait(for: "block", in: log)
            let sleeper = try #require(run.children.last)
            kill(sleeper, SIGSTOP)
            try run.wait(for: "lost", in: log)
            kill(sleeper, SIGCONT)
            let ending = try run.ending()
            #expect(ending.status == 0, "\(ending)")
            let lines = String(decoding: try readFile(log), as: UTF8.self).split(separator: "\n")
            let lost = try #require(lines.firstIndex { $0.contains("\"event\": \"lost\"") })
            #expect(lines[lost].contains("\"rank\": 2"), "\(lines[lost])")
            let begun = lines[lost...].filter {
                $0.contains("\"event\": \"begin\", \"rank\": 2,")
            }
            #expect(begun == [])
            #expect(try bench.results().differences(from: Self.undisturbed.get()) == [])
        }

        @Test(
            "A killed rank ends the job within ten seconds, and the same command finishes the run")
        func deadRank() throws {
            let bench = try Workbench()
            let run = try bench.start(Self.longer(bench), ranks: 3)
            try run.wait(for: "block", in: bench.output + "/log.jsonl")
            kill(try #require(run.children.last), SIGKILL)
            let ending = try run.ending(seconds: 10)
            // mpirun ends with the signal of the first rank that died.
            #expect(ending.status == 128 + SIGKILL, "\(ending)")
            #expect(ending.errors.contains("rank 2"), "\(ending)")
            #expect(try bench.saeval(Self.longer(bench)).status == 0)
            #expect(try bench.results().differences(from: Self.undisturbed.get()) == [])
        }
    }
}

extension Workbench {
    /// Whether a file is there and contains a text.
    func contains(_ path: String, _ text: String) -> Bool { count(path, text) > 0 }

    /// How often a file contains a text; 0 when it is missing.
    func count(_ path: String, _ text: String) -> Int {
        guard let bytes = FileManager.default.contents(atPath: path) else { return 0 }
        return occurrences(of: Data(text.utf8), in: bytes)
    }

    /// The bytes of all artifacts, by path.
    func artifactBytes() throws -> [String: [UInt8]] {
        try Dictionary(
            uniqueKeysWithValues: files(below: artifacts).map {
                ($0, try readFile("\(artifacts)/\($0)"))
            })
    }
}
