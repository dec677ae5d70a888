import ArgumentParser
import Basics
import Plans
import Reports
import Runs

/// Flags of `saeval plan` that ask for a simulated run.
struct SimulationOptions: ParsableArguments {
    @Flag(help: "Simulate the run with its scheduler and print how well ranks are used.")
    var simulate = false

    @Option(help: ArgumentHelp("Numbers of ranks to simulate.", valueName: "n,n"))
    var ranks = "8,64,512"

    @Option(
        help: ArgumentHelp(
            "Take the seconds of tasks from this run's log instead of from --machine.",
            valueName: "run"))
    var from: String?

    @Option(help: "Cores that all ranks share; otherwise each has its own.")
    var cores: Int?

    /// Numbers of ranks.
    private var counts: [Int] {
        get throws {
            try ranks.split(separator: ",").map { text in
                guard let count = Int(text), (1...100_000).contains(count) else {
                    throw ValidationError("--ranks \(ranks) is not a list such as 8,64,512")
                }
                return count
            }
        }
    }

    /// Checks values.
    func validate() throws {
        _ = try counts
        if let cores, !(1...100_000).contains(cores) {
            throw ValidationError("--cores takes 1 to 100000, not \(cores)")
        }
        if !simulate, from != nil || cores != nil {
            throw ValidationError("--from and --cores belong to --simulate")
        }
    }

    /// Simulates where that is asked for.
    ///
    /// - Parameters:
    ///   - profiles: the machines of the plan; node-64 counts where there are several.
    ///   - planningSeconds: what planning took here; reading what is not here yet comes on top.
    func results(
        of outline: PlanOutline, on profiles: [MachineProfile], planningSeconds: Double
    ) throws -> SimulationReport? {
        guard simulate else { return nil }
        let chosen = profiles.count == 1 ? profiles[0] : MachineProfile.node64
        // Rank 0 reads all weights once for their hashes.
        let missing = outline.missing.compactMap(\.bytes).reduce(0, +)
        let planningSeconds = planningSeconds + Double(missing) / chosen.diskBytesPerSecond
        let measured = try from.map { try MeasuredSeconds(run: $0) }
        return SimulationReport(
            of: outline, on: chosen, measured: measured, ranks: try counts, cores: cores,
            planningSeconds: planningSeconds)
    }
}

extension SimulationReport {
    /// The report as people read it.
    var text: String {
        let percent = { (share: Double) in decimal(100 * share, places: 1) + " %" }
        let table = SummaryTable(
            header: [
                "ranks", "makespan", "seconds", "efficiency", "loading", "file system", "serial",
                "waiting", "limited by",
            ],
            rows: lines.map {
                [
                    "\($0.ranks)", durationText($0.makespan), decimal($0.makespan, places: 1),
                    percent($0.efficiency), percent($0.loading), percent($0.fileSystem),
                    percent($0.serial), percent($0.waiting), $0.limit?.rawValue ?? "nothing",
                ]
            }, textColumns: [8])
        return "Simulated with the seconds of \(source): \(tasks) tasks, "
            + "\(durationText(arithmeticSeconds)) of one core, before and after all tasks \(decimal(planningSeconds, places: 1)) s\n"
            + table.text
            + "Longest chain: \(durationText(longestChainSeconds)), its largest task \(durationText(longestTaskSeconds)): \(longestTask)\n"
    }
}

/// What `saeval plan --json` prints.
struct PlanReport: Encodable {
    /// What would run.
    var plan: PlanSummary
    /// Simulated runs; nil when none was asked for.
    var simulation: SimulationReport?

    /// The report as JSON text, keys in snake case.
    func text() throws -> String { try JSON(encoding: self).text() }
}
