import ArgumentParser
import Autoencoders
import Basics
import Kernels
import Plans
import Results
import Runs
import SAEval

/// `saeval check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check config, files, memory and disk before any waiting.",
        discussion: "saeval check configs/quickstart.yaml")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Ranks that will run on one node.")
    var ranks = 1

    func run() throws {
        let configuration = try options.source.configuration(catalogue: evaluationCatalogue)
        if let note = try DeviceChoice(device: configuration.device, localRanks: ranks).note {
            Console.note(note)
        }
        let planner = try Planner(configuration, catalogue: evaluationCatalogue)
        let plan = try planner.plan()
        try plan.checkEarlierResults()
        try checkFolders(plan)
        try checkDatasets(plan)
        // No more threads work at a time than there are processors.
        let threads = min(coreCount, configuration.threads ?? max(1, coreCount / max(1, ranks)))
        let limit = memoryLimit(configuration)
        let (estimate, chunks) = PlanEstimate.fitting(
            plan, threads: threads, chunks: .processor, localRanks: ranks, limit: limit,
            programBytes: ProgramMemory.measured(hasMessaging: false),
            rates: planner.firingRates(of: plan))
        try estimate.check(localRanks: ranks, limit: limit)
        for note in plan.notes { Console.note(note) }
        var failures = plan.failedItems
        for cohort in plan.cohorts {
            for subject in cohort.cohort.subjects {
                do { _ = try loadAutoencoder(subject.reference) } catch {
                    failures.append(FailedItem(name: subject.name, reason: "\(error)"))
                }
            }
        }
        _ = try loadModel(plan)
        for failure in failures {
            Console.note("cannot be evaluated: \(failure.name): \(failure.reason)")
        }
        guard failures.isEmpty else { throw ExitCode(1) }
        print(
            "\(plan.itemCount) work items can run: model, autoencoders and datasets are whole, folders can be made, disk and memory suffice"
        )
        print(memoryLine(estimate, chunks, limit))
        if let note = estimate.weightsNote(localRanks: ranks, limit: limit) { Console.note(note) }
    }

    /// What a rank needs of memory and what there is.
    private func memoryLine(
        _ estimate: PlanEstimate, _ chunks: ChunkPolicy, _ limit: MemoryLimit?
    ) -> String {
        var line = "Peak memory of one rank: \(byteText(estimate.peakBytes))"
        if chunks != .processor {
            line += ", in pieces of \(chunks.tokens) tokens to keep within memory"
        }
        guard let limit else { return line }
        return line
            + "; \(ranks) rank\(ranks == 1 ? "" : "s") of a node may use \(byteText(limit.bytes))"
    }
}
