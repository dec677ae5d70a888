import ArgumentParser
import Basics
import Plans
import Reports
import Runs
import Storage

/// `saeval artifacts`
struct ArtifactsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifacts",
        abstract: "List or remove what runs share: token rows and activations.",
        discussion: "saeval artifacts ls", subcommands: [List.self, Remove.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List artifacts.",
            discussion: "saeval artifacts ls --artifacts artifacts")

        @Option(help: "The folder of artifacts.")
        var artifacts = "artifacts"

        func run() throws {
            let all = try ArtifactStore(
                folder: expandedPath(artifacts, of: "--artifacts")
            ).list()
            let rows = all.map { artifact in
                [
                    lastComponent(of: artifact.path), artifact.kind.rawValue,
                    artifact.problem ?? (artifact.isComplete ? "complete" : "partial"),
                    byteText(artifact.bytes),
                    artifact.metadata.filter { ["model", "hook", "dataset"].contains($0.name) }
                        .map { "\($0.name)=\($0.value)" }.joined(separator: " "),
                ]
            }
            print(
                SummaryTable(
                    header: ["artifact", "kind", "state", "size", "content"], rows: rows,
                    textColumns: [0, 1, 2, 4]
                ).text,
                terminator: "")
            print(
                "\(all.count) artifacts, \(byteText(all.reduce(0) { $0 + $1.bytes })) in \(artifacts)"
            )
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm",
            abstract: "Remove artifacts; runs make them again when they need them.",
            discussion: "saeval artifacts rm --all\nsaeval artifacts rm blocks.1.hook_resid_post")

        @Option(help: "The folder of artifacts.")
        var artifacts = "artifacts"

        @Flag(help: "Remove all of them.")
        var all = false

        @Argument(help: "Remove those whose file name contains this.")
        var names: [String] = []

        func validate() throws {
            if all == !names.isEmpty {
                throw ValidationError("name artifacts to remove, or say --all")
            }
        }

        func run() throws {
            let removal = try ArtifactStore(
                folder: expandedPath(artifacts, of: "--artifacts")
            ).remove { artifact in
                let file = lastComponent(of: artifact.path)
                return all || names.contains { file.contains($0) }
            }
            for artifact in removal.removed {
                print("removed \(artifact.path), \(byteText(artifact.bytes))")
            }
            for entry in removal.kept {
                Console.note("kept \(entry.artifact.path): \(entry.reason)")
            }
            if removal.removed.isEmpty, removal.kept.isEmpty {
                print("nothing to remove in \(artifacts)")
            }
            if !removal.kept.isEmpty { throw ExitCode(1) }
        }
    }
}
