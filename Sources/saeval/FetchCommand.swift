import ArgumentParser
import Basics
import Formats
import Hub
import Messaging
import Plans
import Provisioning
import Reports
import Runs
import SAEval

/// `saeval fetch`
struct FetchCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Download what a config names on the Hugging Face hub into the local cache.",
        discussion: """
            saeval fetch configs/quickstart.yaml --dry-run

            The only command that uses the network. Files go to the cache of the Hugging Face tools (HF_HUB_CACHE, HF_HOME); a
            broken download goes on where it stopped. HF_ENDPOINT names another hub, HF_TOKEN proves who asks.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "List files and sizes, and download nothing.")
    var dryRun = false

    /// Fetches, on the first rank alone.
    func run() throws {
        // Under `mpirun` one process is enough.
        guard launchedRank() == 0 else { return }
        let configuration = try options.source.configuration(catalogue: evaluationCatalogue)
        let isWhole = noteUnnamedDatasets(configuration)
        let settings = try HubSettings()
        if settings.isOffline, (try? configuration.checkHubCache()) != nil {
            print("Everything is in the cache, as far as that can be told without the network")
        } else {
            let client = try HubClient(settings: settings, note: Console.note)
            try fetch(try FetchPlan(configuration, client: client))
        }
        if !isWhole { throw ExitCode(1) }
    }

    /// Shows the plan and carries it out.
    private func fetch(_ plan: FetchPlan) throws {
        guard !plan.repositories.isEmpty else {
            print("The config names nothing on the hub")
            return
        }
        print(table(of: plan).text, terminator: "")
        print(
            "\(byteText(plan.totalBytes)) in all, \(byteText(plan.missingBytes)) to download to "
                + plan.cache.folder)
        try plan.checkSpace()
        if dryRun { return }
        let progress = FetchProgress(total: plan.missingBytes)
        defer { progress.end() }
        try plan.fetch(progress: progress.add)
        progress.end()
        print("Everything is there")
    }

    /// One row for each file, or with many of them for each repository.
    private func table(of plan: FetchPlan) -> SummaryTable {
        if dryRun {
            let rows = plan.repositories.flatMap { repository in
                repository.entries.map { entry in
                    let state = entry.missingBytes.map {
                        $0 == entry.file.byteCount ? "to download" : "\(byteText($0)) to download"
                    }
                    return [
                        repository.listing.id.text, entry.file.path,
                        byteText(entry.file.byteCount), state ?? "there",
                    ]
                }
            }
            return SummaryTable(
                header: ["repository", "file", "size", "state"], rows: rows,
                textColumns: [0, 1, 3])
        }
        let rows = plan.repositories.map { repository in
            let sizes = repository.entries.map { $0.file.byteCount }
            return [
                repository.listing.id.text, repository.purposes.joined(separator: ", "),
                String(repository.listing.commit.prefix(8)), "\(repository.entries.count)",
                byteText(sizes.reduce(0) { $0 &+ $1 }),
                byteText(repository.entries.reduce(0) { $0 &+ ($1.missingBytes ?? 0) }),
            ]
        }
        return SummaryTable(
            header: ["repository", "for", "commit", "files", "size", "to download"], rows: rows,
            textColumns: [0, 1, 2])
    }

    /// Says which datasets have no file that could be fetched.
    ///
    /// - Returns: whether there are none.
    private func noteUnnamedDatasets(_ configuration: RunConfiguration) -> Bool {
        let ids = configuration.unnamedDatasets()
        for id in ids {
            Console.note(
                "dataset `\(id)` has no file that could be fetched. Try: "
                    + "`datasets: {\(id): \(HubPath.start)\(id)/FILE}` with a .jsonl file of that "
                    + "repository, or a local file.")
        }
        return ids.isEmpty
    }
}
