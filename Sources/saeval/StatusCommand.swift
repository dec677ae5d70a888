import ArgumentParser
import Basics
import Runs

/// `saeval status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what of a run is done, what failed and how long it will take.",
        discussion: "saeval status runs/quickstart")

    @Argument(help: "The run's folder.")
    var folder: String

    func run() throws {
        let status = try RunStatus(folder: folder)
        print("\(folder): \(status.state)")
        print(
            "\(status.donePartials) of \(status.partials) partial results, \(status.percent) % of the work"
        )
        print(
            "\(status.autoencoders) autoencoders, evaluations: \(status.evaluations.joined(separator: ", "))"
        )
        if let left = status.secondsLeft {
            print("\(durationText(left)) left on \(status.ranks) ranks")
        }
        for failure in status.failures { print("failed: \(failure.name): \(failure.reason)") }
        if !status.failures.isEmpty { throw ExitCode(1) }
    }
}
