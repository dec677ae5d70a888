import Basics
import Foundation
import Testing

@testable import saeval

/// Whether runs on clusters made for a test are wanted, which take minutes with a debug build; `.ci/run`
/// does the same with the program that users run.
let clustersAreWanted = ProcessInfo.processInfo.environment["SAEVAL_CLUSTERS"] != nil

extension ProgramTests {
    /// Batch jobs, and what they leave.
    @Suite("Slurm")
    struct SlurmTests {
        /// Why no cluster can be started here; nil when one can.
        static let missing: String? = {
            let names = ["slurmctld", "slurmd", "munged", "sbatch"].filter { name in
                !["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"].contains {
                    FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
                }
            }
            return names.isEmpty ? nil : "not installed: \(names.joined(separator: ", "))"
        }()

        @Test(
            "Runs through Slurm give the bytes of one rank: on two nodes, requeued, cancelled, as an array",
            .disabled(
                if: missing != nil, "Slurm is not installed: apt-get install slurm-wlm munge"),
            .enabled(if: clustersAreWanted, "takes minutes: set SAEVAL_CLUSTERS=1")
        )
        func cluster() throws {
            let bench = try Workbench()
            let script = "\(Program.root)/Tests/Fixtures/slurm/end-to-end.sh"
            let process = try RunningProgram(
                ["bash", script], folder: bench.path, variables: ["SAEVAL_BINARY": Program.path])
            let ending = try process.ending(seconds: 600)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.hasSuffix("\n7 passed, 0 failed\n"), "\(ending)")
        }

        /// The arguments of a submission that prints its script.
        static func dry(_ bench: Workbench, _ more: [String] = []) -> [String] {
            [
                "submit", "configs/quickstart.yaml", "--nodes", "2", "--time", "1:00:00",
                "--output",
                bench.output, "--dry-run",
            ] + more
        }

        @Test("submit --dry-run prints the script and writes nothing")
        func dryRun() throws {
            let bench = try Workbench()
            let site = try bench.write("site.yaml", "partition: slow\nmodules: openmpi\n")
            let ending = try bench.saeval(
                Self.dry(
                    bench,
                    ["--site", site, "--partition", "quick", "--match", ".*topk", "--saes", "x"]))
            #expect(ending.status == 0, "\(ending)")
            for line in [
                "#SBATCH --nodes=2", "#SBATCH --partition=quick", "module load openmpi",
                "#SBATCH --output=\(bench.output)/slurm-%j.out", "program=\(Program.path)",
                "set -- configs/quickstart.yaml --output \(bench.output) --match '.*topk' --saes x",
            ] { #expect(ending.output.contains("\n\(line)\n"), "lacks “\(line)”: \(ending)") }
            #expect(!folderExists(bench.output))
        }

        static let mistakes = [
            Mistake(
                "a config with an unknown key", says: ["`outptu`", "`output`"],
                { dry($0, ["--set", "outptu=a"]) }),
            Mistake(
                "a site file with an unknown key",
                says: ["{}/site.yaml", "`partion`", "`partition`"],
                { dry($0, ["--site", try $0.write("site.yaml", "partion: a\n")]) }),
            Mistake(
                "a missing site file", says: ["{}/none.yaml", "--site"],
                { dry($0, ["--site", $0.file("none.yaml")]) }),
            Mistake(
                "a signal before the start", says: ["--signal-lead 3600", "--time 1:00:00"],
                { dry($0, ["--signal-lead", "3600"]) }),
            Mistake(
                "a rank for half a GPU", says: ["--ranks-per-node 4", "--gpus-per-node 2"],
                { dry($0, ["--gpus-per-node", "2", "--ranks-per-node", "4"]) }),
        ]

        @Test("submit refuses what cannot be followed, and names the remedy", arguments: mistakes)
        func refused(_ mistake: Mistake) throws { try mistake.check() }

        @Test(
            "Wrong options of submit end with code 64 and name the nearest",
            arguments: [(["--nods", "2"], "--nodes"), (["--time", "1:0:0"], "--nodes 2")])
        func wrongOptions(arguments: [String], says: String) throws {
            let ending = try Workbench().saeval(["submit", "configs/quickstart.yaml"] + arguments)
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains(says), "\(ending)")
        }

        @Test("Every option of submit that is not the run's stays out of the run's arguments")
        func ownOptions() throws {
            let bench = try Workbench()
            func options(_ command: String) throws -> Set<Substring> {
                let help = try bench.saeval([command, "--help"])
                #expect(help.status == 0, "\(help)")
                let words = help.output.split { $0.isWhitespace || ",.".contains($0) }
                return Set(words.filter { $0.hasPrefix("--") })
            }
            let own = try options("submit").subtracting(try options("plan"))
                .filter { !$0.contains("=") }.subtracting(["--dry-run"])
            #expect(own == Set(SubmitCommand.own.map { $0[...] }))
            #expect(
                SubmitCommand.runArguments(of: ["a", "--nodes", "2", "--time=3", "--set", "b=c"])
                    == [
                        "a", "--set", "b=c",
                    ])
        }

        @Test("trace shows the ranks of a run and writes a timeline")
        func trace() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.small(), ranks: 2).status == 0)
            let ending = try bench.saeval([
                "trace", bench.output, "--output", bench.file("trace.json"),
            ])
            #expect(ending.status == 0, "\(ending)")
            for part in ["rank", "waiting s", "Makespan: ", "Efficiency: 0.", "Longest task: "] {
                #expect(ending.output.contains(part), "does not say “\(part)”: \(ending)")
            }
            let events = try JSON(file: bench.file("trace.json"))["traceEvents"]?.elements ?? []
            let units = bench.count(bench.output + "/log.jsonl", "\"event\": \"unit\"")
            #expect(units > 0 && events.count { $0["cat"]?.text == "unit" } == units)
            #expect(events.allSatisfy { $0["ts"]?.double != nil && $0["dur"]?.double != nil })
        }

        @Test("status follows a run that goes on, and does not disturb it")
        func live() throws {
            let bench = try Workbench()
            let run = try bench.start(FaultTests.longer(bench), ranks: 2)
            try run.wait(for: "unit", in: bench.output + "/log.jsonl")
            let status = try bench.saeval(["status", bench.output])
            #expect(status.status == 0, "\(status)")
            #expect(status.output.contains("unfinished"), "\(status)")
            #expect(status.output.contains("last event"), "\(status)")
            #expect(status.output.contains("running: rank "), "\(status)")
            #expect(try run.ending().status == 0)
            #expect(try bench.results().differences(from: FaultTests.undisturbed.get()) == [])
        }
    }
}
