import ArgumentParser
import Basics
import Kernels
import Plans
import Reports
import Runs
import SAEval

/// `saeval plan`
struct PlanCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a config would run and what it costs; touches nothing.",
        discussion: """
            saeval plan configs/quickstart.yaml --set core.context_size=64
            saeval plan configs/gemma-2-2b/layers-5-12-19.yaml --machine node-64 --simulate --ranks 8,64,512

            Neither weights nor datasets need to be there: what is not on disk counts by what is known of its size.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "The machine whose hours are told: h100, rtx-3090, node-64, laptop, or this, which is measured. All of them without it.",
            valueName: "name"))
    var machine: String?

    @Flag(help: "Print the plan as JSON.")
    var json = false

    @OptionGroup var simulation: SimulationOptions

    /// Plans, prints and perhaps simulates.
    func run() throws {
        let configuration = try options.source.configuration(catalogue: evaluationCatalogue)
        let planner = try Planner(configuration, catalogue: evaluationCatalogue)
        let start = ContinuousClock.now
        let outline = try planner.outline()
        if outline.missing.isEmpty { try outline.plan.checkEarlierResults() }
        try checkFolders(outline.plan)
        let planningSeconds = (ContinuousClock.now - start) / .seconds(1)
        let profiles = try machines(configuration)
        let summary = PlanSummary(
            outline, threads: min(coreCount, configuration.threads ?? coreCount),
            machines: profiles,
            rates: planner.firingRates(of: outline.plan),
            limit: configuration.memoryGiB == nil ? nil : memoryLimit(configuration))
        let results = try simulation.results(
            of: outline, on: profiles, planningSeconds: planningSeconds)
        if json {
            print(try PlanReport(plan: summary, simulation: results).text())
        } else {
            print("Config (flag before environment before file before default):")
            print(try planner.resolvedConfiguration().yaml(), terminator: "")
            for entry in configuration.origins { print("  # \(entry.key) from \(entry.origin)") }
            print("\n" + PlanText(outline.plan, summary).text, terminator: "")
            if let results { print("\n" + results.text, terminator: "") }
        }
        for note in outline.plan.notes { Console.note(note) }
        for failure in outline.plan.failedItems {
            Console.note("cannot be evaluated: \(failure.name): \(failure.reason)")
        }
        if !outline.plan.failedItems.isEmpty { throw ExitCode(1) }
    }

    /// The machines whose hours are told.
    private func machines(_ configuration: RunConfiguration) throws -> [MachineProfile] {
        guard let machine else { return MachineProfile.named }
        guard machine == "this" else { return [try MachineProfile.named(machine)] }
        return [try MachineProfile.measured(in: configuration.artifacts, cores: coreCount)]
    }
}
