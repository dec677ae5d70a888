import ArgumentParser
import Basics
import Glibc
import Kernels
import Messaging
import Runs
import SAEval

/// `saeval run`
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a config, or resume it; safe to repeat.",
        discussion: """
            saeval run configs/quickstart.yaml
            mpirun -n 5 --bind-to none saeval run configs/quickstart.yaml
            saeval run configs/quickstart.yaml --output runs/b --set core.context_size=64
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let source = try options.source
        let messenger = try Messenger.start()
        let executor = RunExecutor(
            source: source, catalogue: evaluationCatalogue, messenger: messenger,
            backend: CPUBackend())
        guard let summary = try executor.run() else { return }
        show(summary)
        if summary.isStopped { throw ExitCode(75) }
        if !summary.failures.isEmpty { throw ExitCode(1) }
    }

    private func show(_ summary: RunSummary) {
        print(summary.tables, terminator: "")
        if !summary.results.isEmpty {
            print("Results: \(summary.folder)/results.csv and \(summary.folder)/eval_results")
        }
        for failure in summary.failures {
            Console.note("not evaluated: \(failure.name): \(failure.reason)")
        }
        if summary.isStopped {
            Console.note("stopped early; the same command goes on where it stopped")
        }
    }
}
