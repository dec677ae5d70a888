import ArgumentParser
import Basics
import Reports
import Results
import Runs

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
        let totals = trace.totals
        print(Self.table(of: totals).text)
        for line in Self.lines(of: totals) { print(line) }
        guard let output else { return }
        try writeFile(Array((trace.chromeTrace.text() + "\n").utf8), to: output)
        print("Timeline: \(output)")
    }

    /// Seconds of each rank.
    private static func table(of totals: RunTrace.Totals) -> SummaryTable {
        let seconds = { (value: Double) in decimal(value, places: 2) }
        let rows = totals.ranks.map { entry in
            [
                "\(entry.rank)", entry.host ?? "-", "\(entry.tasks)", seconds(entry.busy),
                seconds(entry.loading), seconds(entry.reading), seconds(entry.writing),
                seconds(entry.waiting), decimal(entry.share, places: 3),
            ]
        }
        return SummaryTable(
            header: [
                "rank", "host", "tasks", "busy s", "loading s", "reading s", "writing s",
                "waiting s", "share",
            ],
            rows: rows, textColumns: [1])
    }

    /// The numbers of the whole run, one a line.
    private static func lines(of totals: RunTrace.Totals) -> [String] {
        let busy = totals.ranks.reduce(0) { $0 + $1.busy }
        var lines = [
            "Makespan: \(decimal(totals.makespan, places: 2)) s, starts of the program: \(totals.starts)",
            "Efficiency: \(decimal(totals.efficiency, places: 4)) "
                + "(\(decimal(busy, places: 2)) busy seconds of all ranks)",
        ]
        if let cores = totals.coreSeconds {
            lines.append(
                "CPU seconds: at most \(decimal(cores, places: 2)), busy seconds times threads")
        }
        if let longest = totals.longest {
            lines.append(
                "Longest task: \(decimal(longest.seconds, places: 2)) s on rank \(longest.rank): "
                    + longest.name)
        }
        if totals.cutOff > 0 {
            lines.append("Tasks that were begun and not ended: \(totals.cutOff)")
        }
        return lines
    }
}
