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

    @Option(
        help: ArgumentHelp(
            "How long running tasks may go on after SIGTERM, SIGUSR1 or SIGINT.",
            valueName: "seconds"))
    var stopWithin = 15.0

    @Option(
        help: ArgumentHelp(
            "How long a rank may send no heartbeat before it counts as lost.",
            valueName: "seconds"))
    var watchdog = 60.0

    @Flag(help: "Go on without ranks that are lost; start with mpirun --enable-recovery.")
    var survive = false

    func validate() throws {
        for (name, value) in [("--stop-within", stopWithin), ("--watchdog", watchdog)]
        where !(1...86_400).contains(value) {
            throw ValidationError("\(name) takes 1 to 86400 seconds, not \(value)")
        }
    }

    func run() throws {
        StopSignal.listen()
        let source = try options.source
        var runOptions = RunOptions()
        (runOptions.stopWithinSeconds, runOptions.watchdogSeconds) = (stopWithin, watchdog)
        runOptions.survives = survive
        RankWatch.begin(watchdogSeconds: watchdog)
        let messenger = try startRanks()
        if let notice = messenger.notice { Console.note(notice) }
        let executor = RunExecutor(
            source: source, catalogue: evaluationCatalogue, messenger: messenger,
            options: runOptions)
        let summary = try executor.run()
        guard let summary else { return }
        show(summary)
        let code: Int32 = summary.isStopped ? 75 : summary.failures.isEmpty ? 0 : 1
        summary.leave?(code)
        if code != 0 { throw ExitCode(code) }
    }

    /// Starts MPI. Processes that do not find each other all end, and the first alone says why.
    private func startRanks() throws -> Messenger {
        do { return try Messenger.start() } catch let error as MessagingError
            where error.code == .launch && launchedRank() != 0
        { throw ExitCode(error.kind.rawValue) }
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
