import ArgumentParser
import Basics
import Plans
import Provisioning
import Runs
import SAEval

/// `saeval submit`
struct SubmitCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Write a batch script for a config and submit it to Slurm.",
        discussion: """
            saeval submit configs/quickstart.yaml --nodes 2 --time 4:00:00 --dry-run
            saeval submit configs/quickstart.yaml --nodes 1 --time 1-0 --gpus-per-node 4 --output runs/b

            The script is slurm/cpu.sbatch, or slurm/gpu.sbatch with --gpus-per-node, filled in. A site file (YAML) holds what a
            cluster wants: modules, partition, account, qos, sbatch (a list of options), environment, launcher, program,
            ranks_per_node, cpus_per_rank. All flags of `saeval run` that change a config go on to the run.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Machines; needed.")
    var nodes: Int?

    @Option(help: "How long one start may take, such as 4:00:00; the work may take longer. Needed.")
    var time: String?

    @Option(help: "Ranks on each machine; with GPUs one for each.")
    var ranksPerNode: Int?

    @Option(help: "GPUs of each machine.")
    var gpusPerNode: Int?

    @Option(help: "Cores of a rank.")
    var cpusPerRank: Int?

    @Option(help: "The partition.")
    var partition: String?

    @Option(help: "The account that pays.")
    var account: String?

    @Option(help: "The quality of service.")
    var qos: String?

    @Option(
        help: ArgumentHelp(
            "Any other option of sbatch, written --sbatch=--constraint=rome; may be repeated.",
            valueName: "option"))
    var sbatch: [String] = []

    @Option(help: "A YAML file with what the cluster wants.")
    var site: String?

    @Option(help: "How often the job goes back into the queue after its time limit.")
    var requeue = 5

    @Option(help: "Seconds between the signal to stop and the time limit.")
    var signalLead = 120

    @Flag(help: "Print the script, and submit nothing.")
    var dryRun = false

    /// Options that are not passed on to the run.
    static let own = [
        "--nodes", "--time", "--ranks-per-node", "--gpus-per-node", "--cpus-per-rank",
        "--partition", "--account", "--qos", "--sbatch", "--site", "--requeue", "--signal-lead",
    ]

    /// Checks that the needed options are there. They are no required options of the parser, which
    /// would then say that they are missing instead of that one is misspelled.
    func validate() throws {
        for (name, isThere) in [("--nodes 2", nodes != nil), ("--time 4:00:00", time != nil)]
        where !isThere {
            throw ValidationError("how many machines and how long? add \(name)")
        }
    }

    /// Writes and submits the script.
    func run() throws {
        let configuration = try options.source.configuration(catalogue: evaluationCatalogue)
        let words = CommandLine.arguments.dropFirst().drop { $0 != "submit" }.dropFirst()
            .filter { $0 != "--dry-run" }
        let log = configuration.output.replacing("%", with: "%%") + "/slurm-%j.out"
        let script = try BatchScript(
            try request(), site: try wholeSite(), arguments: Self.runArguments(of: words),
            program: OwnProgram.start, log: log,
            command: (["saeval", "submit"] + words.map(shellWord)).joined(separator: " "))
        if dryRun {
            print(script.text, terminator: "")
            return
        }
        let job = try script.submit(writingTo: "\(configuration.output)/job.sbatch")
        let folder = shellWord(configuration.output)
        print("Job \(job), from \(configuration.output)/job.sbatch")
        print("What it says:   \(configuration.output)/slurm-\(job).out")
        print("How far it is:  saeval status \(folder)")
        print("Where time goes: saeval trace \(folder)")
        print("To end it:      scancel \(job)")
    }

    /// What is asked for.
    private func request() throws -> BatchRequest {
        var request = BatchRequest(nodes: nodes ?? 1, time: time ?? "")
        (request.ranksPerNode, request.gpusPerNode) = (ranksPerNode, gpusPerNode)
        (request.coresPerRank, request.requeues) = (cpusPerRank, requeue)
        request.signalLead = signalLead
        try request.validate()
        return request
    }

    /// The site's file with the command line's options over it.
    private func wholeSite() throws -> BatchSite {
        var whole =
            try site.map {
                try BatchSite(file: expandedPath($0, of: "--site"))
            } ?? BatchSite()
        for (name, value) in [("partition", partition), ("account", account), ("qos", qos)] {
            if let value { try whole.set("--\(name)=\(value)", from: "--\(name)") }
        }
        for option in sbatch { try whole.set(option, from: "--sbatch") }
        return whole
    }

    /// The words of a command line of `submit` that are the run's: all but options of `own` with
    /// their values.
    static func runArguments(of words: [String]) -> [String] {
        var kept: [String] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            let name = String(word.prefix { $0 != "=" })
            if own.contains(name) {
                index += name == word ? 2 : 1
            } else {
                kept.append(word)
                index += 1
            }
        }
        return kept
    }
}
