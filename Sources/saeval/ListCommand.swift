import ArgumentParser
import Autoencoders
import Basics
import LanguageModels
import Plans
import Reports
import Runs
import SAEval

/// `saeval ls`
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List autoencoders, models or evaluations.",
        discussion: "saeval ls evals",
        subcommands: [Autoencoders.self, Models.self, Evaluations.self])

    struct Autoencoders: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "saes",
            abstract: "List the autoencoders below folders, or published ones.",
            discussion: """
                saeval ls saes configs/quickstart/saes/sae_lens --match '.*topk.*'
                saeval ls saes --release 'gemma-scope-2b-pt-res' --id 'layer_12/.*16k.*'
                """)

        @Argument(help: "Folders to look in.")
        var folders: [String] = []

        @OptionGroup var published: PublishedOptions

        @Option(help: "Keep published ones of this model, such as gemma-2-2b.")
        var model: String?

        @Option(help: "Keep those whose <release>/<id> this regular expression matches as a whole.")
        var match: String?

        func validate() throws {
            let isPublished = !published.isEmpty || model != nil
            guard folders.isEmpty == isPublished else {
                throw ValidationError(
                    isPublished
                        ? "folders and --release do not go together; name one of the two"
                        : "name a folder, or published autoencoders by --release")
            }
            if let match, (try? Regex(match)) == nil {
                throw ValidationError(
                    "--match \(match) is no regular expression; write one such as '.*topk.*'")
            }
        }

        func run() throws {
            if folders.isEmpty { return try listPublished() }
            var rows: [[String]] = []
            for folder in folders {
                let survey = try surveyAutoencoders(under: folder)
                if survey.found.isEmpty, survey.unread.isEmpty {
                    _ = try findAutoencoders(under: folder)
                }
                for reference in survey.found {
                    let name = "\(reference.release)/\(reference.id)"
                    if let match, try Regex(match).wholeMatch(in: name) == nil { continue }
                    rows.append([
                        name, reference.hookName, reference.architecture, "\(reference.modelSize)",
                        "\(reference.latents)", byteText(reference.storedBytes),
                    ])
                }
                if let note = survey.note { Console.note(note) }
            }
            print(
                SummaryTable(
                    header: ["SAE", "hook", "architecture", "width", "latents", "size"], rows: rows,
                    textColumns: [0, 1, 2]
                ).text, terminator: "")
        }

        /// Lists entries of the directory.
        private func listPublished() throws {
            let all = [(release: ".*", id: ".*")]
            let listing = try PublishedListing(
                pairs: published.isEmpty ? all : published.pairs, model: model, match: match)
            print(listing.table.text, terminator: "")
            Console.note(listing.count)
        }
    }

    struct Models: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "models",
            abstract: "List the architectures that run, and describe models.",
            discussion: "saeval ls models configs/quickstart/model")

        @Argument(help: "Model folders or hub ids to describe.")
        var models: [String] = []

        func run() throws {
            print("Architectures: \(supportedArchitectures.joined(separator: ", "))")
            let rows = try models.map { name in
                let model = try describeModel(name)
                return [
                    name, model.architecture, "\(model.layers)", "\(model.modelSize)",
                    "\(model.vocabulary)",
                    "\(model.contextSize)", "\(model.parameters)",
                ]
            }
            guard !rows.isEmpty else { return }
            print(
                SummaryTable(
                    header: [
                        "model", "architecture", "layers", "width", "vocabulary", "context",
                        "parameters",
                    ],
                    rows: rows, textColumns: [0, 1]
                ).text, terminator: "")
        }
    }

    struct Evaluations: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evals", abstract: "List the evaluations and their settings.",
            discussion: "saeval ls evals")

        func run() {
            for entry in evaluationCatalogue {
                print("\(entry.identifier): \(entry.summary)")
                for setting in entry.defaults.members ?? [] {
                    print("  \(setting.key): \(setting.value.text())")
                }
            }
        }
    }
}
