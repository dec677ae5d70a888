import ArgumentParser
import Basics
import Results
import Runs

/// `saeval status`
struct StatusCommand: ParsableCommand {
    /// Name, purpose and an example.
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show what of a run is done, what runs where, what failed and how long it will take.",
        discussion: """
            saeval status runs/quickstart

            Reads the run's folder from any machine that sees it, while the run goes on or afterwards.
            """)

    @Argument(help: "The run's folder.")
    var folder: String

    /// Reads the folder and tells.
    func run() throws {
        let status = try RunStatus(folder: folder)
        print("\(folder): \(status.state)")
        print(
            "\(status.donePartials) of \(status.partials) partial results, \(status.percent) % of the work"
        )
        print(
            "\(status.autoencoders) autoencoders, evaluations: \(status.evaluations.joined(separator: ", "))"
        )
        if let results = status.results {
            print("\(status.writtenResults) of \(results) results written")
        }
        if let left = status.secondsLeft {
            print("\(durationText(left)) left on \(status.ranks) ranks")
        }
        for line in Self.lines(of: status) { print(line) }
        for failure in status.failures { print("failed: \(failure.name): \(failure.reason)") }
        if !status.failures.isEmpty { throw ExitCode(1) }
    }

    /// What the log adds while a run is not done.
    private static func lines(of status: RunStatus) -> [String] {
        var lines: [String] = []
        if status.starts > 1 { lines.append("started \(status.starts) times") }
        guard let seconds = status.silentSeconds else { return lines }
        switch status.ending {
        case "stop":
            lines.append("stopped early \(durationText(seconds)) ago; the same command goes on")
        case "error": lines.append("ended by an error \(durationText(seconds)) ago, see log.jsonl")
        case "end": lines.append("the last start ended \(durationText(seconds)) ago")
        default:
            lines.append("last event \(durationText(seconds)) ago")
            for entry in status.running {
                let rank = "rank \(entry.rank)" + (entry.host.map { " on \($0)" } ?? "")
                lines.append("running: \(rank) for \(durationText(entry.seconds)): \(entry.task)")
            }
        }
        for entry in status.lost { lines.append("lost: rank \(entry.rank): \(entry.reason)") }
        return lines
    }
}
