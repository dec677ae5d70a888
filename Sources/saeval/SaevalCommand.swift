import ArgumentParser
import Basics
import Glibc
import Hub
import Runs
import SAEval

/// The program: one subcommand for each thing that can be done.
@main
struct SaevalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saeval",
        abstract: "Evaluate sparse autoencoders on language models, on a laptop or a cluster.",
        discussion: """
            saeval run configs/quickstart.yaml
            mpirun -n 5 --bind-to none saeval run configs/quickstart.yaml

            Exit codes: 0 done, 1 something failed, 64 wrong usage or config, 75 stopped early and resumable.
            """,
        version: "saeval \(programVersion)",
        subcommands: [
            RunCommand.self, PlanCommand.self, CheckCommand.self, FetchCommand.self,
            StatusCommand.self, TraceCommand.self, SubmitCommand.self, ListCommand.self,
            DataCommand.self, ArtifactsCommand.self,
            BundleCommand.self, BenchCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
            ProgramEnd.leave(0)
        } catch let error as ExitCode {
            ProgramEnd.leave(error.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code == .success || code == .validationFailure
                || "\(type(of: error))".contains("CommandError")
            {
                ProgramEnd.prepare(code: code.rawValue)
                exit(withError: error)
            }
            Console.note("\(error)")
            ProgramEnd.leave(UserFault.isAtFault(error) ? 64 : 1)
        }
    }
}

/// Which errors are the config's or the user's.
enum UserFault {
    /// Whether an error calls for exit code 64 rather than 1.
    static func isAtFault(_ error: any Error) -> Bool {
        switch error {
        case let error as RunError: error.code != .lostRank
        case let error as EvaluationError: error.code != .notFinite && error.code != .damagedPartial
        case let error as HubError: error.code == .badSetting || error.code == .notFound
        case is MessagingFault: false
        default: true
        }
    }
}

/// An error of a rank's own.
struct MessagingFault: Error {}
