import ArgumentParser
import Basics
import Glibc
import Runs
import SAEval

/// The program: one subcommand for each task.
@main
struct SaevalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saeval",
        abstract: "Evaluate sparse autoencoders on language models, on a laptop or a cluster.",
        discussion: """
            saeval run configs/quickstart.yaml
            mpirun -n 5 --bind-to none saeval run configs/quickstart.yaml

            Exit codes: 0 done; 1 something failed; 64 wrong usage, config or input; 75 stopped early, or another run has the
            folder: the same command goes on later.
            """,
        version: "saeval \(programVersion)",
        subcommands: [
            RunCommand.self, PlanCommand.self, CheckCommand.self, FetchCommand.self,
            StatusCommand.self, TraceCommand.self, SubmitCommand.self, ListCommand.self,
            DataCommand.self, ArtifactsCommand.self,
            BundleCommand.self, BenchCommand.self,
        ])

    static func main() {
        if let refusal = StackLimit.refusal {
            Console.note(refusal)
            Glibc.exit(FailureKind.failure.rawValue)
        }
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
            ProgramEnd.leave(FailureKind(of: error).rawValue)
        }
    }
}
