import ArgumentParser
import Basics
import Kernels
import Reports
import Runs
import SAEval

/// `saeval plan`
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a config would run and what it costs; touches nothing.",
        discussion: "saeval plan configs/quickstart.yaml --set core.context_size=64")

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.source.configuration(catalogue: evaluationCatalogue)
        let planner = try Planner(configuration, catalogue: evaluationCatalogue)
        let outline = try planner.outline()
        let plan = outline.plan
        print("Config (flag before environment before file before default):")
        print(try planner.resolvedConfiguration().yaml(), terminator: "")
        for entry in configuration.origins { print("  # \(entry.key) from \(entry.origin)") }
        print(
            "\nModel \(plan.modelName): \(plan.model.architecture), \(plan.model.layers) layers of \(plan.model.modelSize), "
                + "\(plan.model.parameters) parameters in \(plan.modelFolder)\n")
        print(cohortTable(plan).text)
        show(PlanEstimate(plan, threads: configuration.threads ?? coreCount), plan)
        for failure in plan.failedItems {
            Console.note("cannot be evaluated: \(failure.name): \(failure.reason)")
        }
        if !plan.failedItems.isEmpty { throw ExitCode(1) }
    }

    private func cohortTable(_ plan: RunPlan) -> SummaryTable {
        let rows = plan.cohorts.enumerated().map { index, entry in
            let units = plan.units.filter { $0.cohort == index }
            return [
                entry.cohort.hook.description, "\(entry.cohort.subjects.count)", "\(units.count)",
                decimal(units.reduce(0) { $0 + $1.cost } / 1e12, places: 3),
            ]
        }
        return SummaryTable(header: ["hook", "SAEs", "units", "TFLOP"], rows: rows)
    }

    private func show(_ estimate: PlanEstimate, _ plan: RunPlan) {
        let total = estimate.harvestOperations + estimate.unitOperations
        print(
            "Work items (SAE x evaluation x layer): \(plan.itemCount) in \(plan.units.count) units")
        print(
            "Arithmetic: \(decimal(total / 1e12, places: 3)) TFLOP, of which \(decimal(estimate.harvestOperations / 1e12, places: 3)) fill the activation store"
        )
        print("At 70 GFLOP/s a core: \(durationText(total / 7e10)) on one core")
        print(
            "Activations on disk: \(byteText(estimate.activationBytes)) in \(plan.artifacts), of which \(byteText(estimate.newBytes)) are to be written"
        )
        print(
            "Peak memory of one rank: \(byteText(estimate.peakBytes)), beside \(byteText(estimate.mappedBytes)) of weights that all ranks of a node share"
        )
    }
}

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
        let plan = try Planner(configuration, catalogue: evaluationCatalogue).plan()
        let threads = configuration.threads ?? max(1, coreCount / max(1, ranks))
        let estimate = PlanEstimate(plan, threads: threads)
        try estimate.check(plan, localRanks: ranks, memoryBytes: memoryLimit(configuration))
        var failures = plan.failedItems
        for cohort in plan.cohorts {
            for subject in cohort.cohort.subjects {
                do { _ = try loadAutoencoder(subject.reference) } catch {
                    failures.append(RunPlan.FailedItem(name: subject.name, reason: "\(error)"))
                }
            }
        }
        _ = try loadModel(plan)
        for failure in failures {
            Console.note("cannot be evaluated: \(failure.name): \(failure.reason)")
        }
        guard failures.isEmpty else { throw ExitCode(1) }
        print(
            "\(plan.itemCount) work items can run: model, autoencoders and datasets are whole, disk and memory suffice"
        )
    }
}
