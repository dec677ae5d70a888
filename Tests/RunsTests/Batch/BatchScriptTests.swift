import Basics
import Foundation
import Testing

@testable import Plans
@testable import Provisioning

/// A script for a config.
private func script(
    _ change: (inout BatchRequest) -> Void = { _ in }, site: BatchSite = BatchSite(),
    arguments: [String] = ["a.yaml"]
) throws -> String {
    var request = BatchRequest(nodes: 3, time: "2:00:00")
    change(&request)
    return try BatchScript(
        request, site: site, arguments: arguments, program: "/bin/saeval",
        log: "runs/a/slurm-%j.out",
        command: "saeval submit a.yaml"
    ).text
}

/// A site's settings.
private func readSite(_ yaml: String) throws -> BatchSite {
    try BatchSite(tree: try parseYAML(yaml, source: "site.yaml"), source: "site.yaml")
}

struct BatchScriptTests {
    @Test(
        "The templates are the scripts in the folder slurm",
        arguments: [("cpu", BatchTemplate.cpu), ("gpu", BatchTemplate.gpu)])
    func templates(name: String, text: String) throws {
        let file = try readFile("\(packageFolder)/slurm/\(name).sbatch")
        #expect(text == String(decoding: file, as: UTF8.self))
    }

    @Test("A filled script differs from its template in what was asked for, and in its first lines")
    func filled() throws {
        let text = try script {
            ($0.ranksPerNode, $0.coresPerRank, $0.requeues, $0.signalLead) = (5, 7, 2, 200)
        }
        let template = Set(BatchTemplate.cpu.split(separator: "\n").map(String.init))
        let added = text.split(separator: "\n").dropFirst(4).map(String.init).filter {
            !template.contains($0)
        }
        #expect(
            added == [
                "#SBATCH --nodes=3", "#SBATCH --ntasks-per-node=5", "#SBATCH --cpus-per-task=7",
                "#SBATCH --time=2:00:00",
                "# At least 200 seconds before that limit all ranks get USR1: they finish what they have begun, and",
                "#SBATCH --signal=USR1@200",
                "# What the program says; a requeued job writes on in the same file.",
                "#SBATCH --output=runs/a/slurm-%j.out", "# The config, and flags of `saeval run`.",
                "set -- a.yaml", "program=/bin/saeval", "requeues=2", "stop_within=150",
                "srun --mpi=pmix \"$program\" run --threads \"$SRUN_CPUS_PER_TASK\" \\",
            ])
    }

    @Test("Every script is one that bash reads, in which no line of sbatch comes after a command")
    func isShell() throws {
        let folder = try TemporaryFolder()
        let texts = [
            try script(), try script { $0.gpusPerNode = 4 },
            try script(
                site: readSite(
                    "{modules: [a b, c], environment: {A: it's, B: 1}, sbatch: [--x=a b]}"),
                arguments: ["it's a config.yaml", "--match", ".*(a|b)$"]),
        ]
        for text in texts {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-n", try folder.write(text, to: "script")]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(text)")
            let lines = text.split(separator: "\n")
            let command = try #require(lines.firstIndex { !$0.hasPrefix("#") })
            #expect(!lines[command...].contains { $0.hasPrefix("#SBATCH") })
            #expect(lines[..<command].contains { $0 == "#SBATCH --nodes=3" })
        }
    }

    @Test("GPUs choose the other template and give a rank to each")
    func gpus() throws {
        let text = try script { $0.gpusPerNode = 2 }
        for line in ["--gpus-per-task=1", "--gpu-bind=per_task:1", "--ntasks-per-node=2"] {
            #expect(text.contains("\n#SBATCH \(line)\n"))
        }
    }

    @Test("A site's file is followed: options, modules, variables, launcher and program")
    func site() throws {
        let text = try script(
            site: readSite(
                """
                modules: [openmpi/4.1, hdf5]
                partition: big
                sbatch: ["--constraint=rome", "--exclusive", "--mem-per-cpu=2G"]
                environment: {HF_HOME: /scratch/my hf, N: 3}
                launcher: srun --mpi=pmix_v4 --cpu-bind=cores
                program: /opt/saeval
                ranks_per_node: 16
                """))
        for line in [
            "#SBATCH --partition=big", "#SBATCH --constraint=rome", "#SBATCH --exclusive",
            "#SBATCH --mem-per-cpu=2G", "#SBATCH --ntasks-per-node=16", "program=/opt/saeval",
            "module load openmpi/4.1 hdf5", "export HF_HOME='/scratch/my hf'", "export N=3",
            "srun --mpi=pmix_v4 --cpu-bind=cores \"$program\" run --threads \"$SRUN_CPUS_PER_TASK\" \\",
        ] { #expect(text.contains("\n\(line)\n"), "lacks \(line)") }
        #expect(!text.contains("--mem-per-cpu=4G"))
    }

    @Test(
        "Keys and values of a site's file that cannot be followed are named",
        arguments: [
            ("partion: a", "`partion`", "`partition`"),
            ("modules: {a: b}", "`modules`", "a list of texts"),
            ("sbatch: [constraint=x]", "`constraint=x`", "--name=value"),
            ("environment: {A-B: 1}", "A-B", "letters"), ("environment: {A: [1]}", "[1]", "texts"),
            ("ranks_per_node: 0", "`ranks_per_node`", "at least 1"),
            ("launcher: \"a\\nb\"", "`launcher`", "one line"),
            ("partition: 3", "`partition`", "a text"),
            ("- a", "no `key: value` lines", "partition"),
        ])
    func wrongSite(yaml: String, names: String, advice: String) throws {
        let error = try #require(throws: RunError.self) { _ = try readSite(yaml) }
        #expect(error.message.contains(names), "\(error)")
        #expect(error.description.contains(advice), "\(error)")
    }

    /// A request that does not fit, and what is said of it.
    struct WrongNumber: Sendable, CustomTestStringConvertible {
        /// The option and its value, which the message names.
        var testDescription: String
        /// Makes the request wrong.
        var change: @Sendable (inout BatchRequest) -> Void

        init(_ says: String, _ change: @escaping @Sendable (inout BatchRequest) -> Void) {
            (testDescription, self.change) = (says, change)
        }
    }

    @Test(
        "Numbers that do not fit are refused",
        arguments: [
            WrongNumber("--nodes 0") { $0.nodes = 0 },
            WrongNumber("--ranks-per-node 0") { $0.ranksPerNode = 0 },
            WrongNumber("--time soon") { $0.time = "soon" },
            WrongNumber("--time 0") { $0.time = "0" },
            WrongNumber("--signal-lead 7200") { $0.signalLead = 7200 },
            WrongNumber("--requeue -1") { $0.requeues = -1 },
            WrongNumber("--gpus-per-node 2") { ($0.gpusPerNode, $0.ranksPerNode) = (2, 3) },
        ])
    func wrongNumbers(_ wrong: WrongNumber) throws {
        let error = try #require(throws: RunError.self) { _ = try script(wrong.change) }
        #expect(error.message.contains(wrong.testDescription), "\(error)")
        #expect(error.advice != nil)
    }

    @Test(
        "Time limits are read as Slurm writes them",
        arguments: [
            ("90", 5400), ("10:30", 630), ("1:02:03", 3723), ("1-0", 86_400), ("2-3:30", 185_400),
            ("1-00:00:05", 86_405), ("0", nil), ("", nil), ("1:2:3:4", nil), ("a", nil),
            ("-5", nil),
            ("1--2", nil), ("5:", nil), ("0x10", nil), ("1.5", nil), ("9999999", nil),
        ] as [(String, Int?)])
    func limits(text: String, seconds: Int?) {
        #expect(BatchRequest.seconds(ofLimit: text) == seconds)
    }

    @Test(
        "Words reach the run as they were written",
        arguments: [
            "plain", "", "a b", "it's", "$HOME", "`id`", "a\"b", "*", "--set=a=[1, 2]", "ä", "~",
        ])
    func words(word: String) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "printf %s \(shellWord(word))"]
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(String(decoding: bytes, as: UTF8.self) == word)
    }
}
