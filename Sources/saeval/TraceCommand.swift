import ArgumentParser
import Basics
import Reports
import Results

/// `saeval trace`
struct TraceCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Show where the time of a run went, rank by rank.",
        discussion: """
            saeval trace runs/quickstart
            saeval trace runs/quickstart --output trace.json

            The file opens in chrome://tracing and https://ui.perfetto.dev. It can be written while the run goes on. Several
            starts of a run are shown one after the other.
            """)

    @Argument(help: "The run's folder.")
    var folder: String

    @Option(help: "Write the timeline in Chrome's trace format to this file.")
    var output: String?

    /// Reads the log and shows it.
    func run() throws {
        let trace = try RunTrace(folder: folder)
        print(TraceText(trace).text)
        guard let output else { return }
        try writeFile(Array((trace.chromeTrace.text() + "\n").utf8), to: output)
        print("Timeline: \(output)")
    }
}
