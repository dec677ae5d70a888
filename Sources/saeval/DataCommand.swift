import ArgumentParser
import Basics
import Formats
import Messaging
import Provisioning
import Runs

/// `saeval data`
struct DataCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Prepare datasets.",
        discussion: "saeval data import fancyzhx/ag_news", subcommands: [Import.self])

    /// `saeval data import`
    struct Import: ParsableCommand {
        /// Name, purpose and examples.
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Convert a dataset's Parquet files to JSON lines, once.",
            discussion: """
                saeval data import LabHC/bias_in_bios --columns hard_text,profession,gender --splits train,test
                saeval data import Helsinki-NLP/europarl --config en-fr --limit 2501
                saeval data import fancyzhx/ag_news --from downloads/ag_news

                Looks in the cache of the Hugging Face tools (HF_HUB_CACHE, HF_HOME), or in a folder. Writes OUT/ORG/NAME/SPLIT.jsonl.zst
                and prints the lines to put in a config. Needs the program duckdb on the path: pip install duckdb-cli.
                """)

        @Argument(help: "The dataset's id on the hub: ORG/NAME or ORG/NAME@REVISION.")
        var dataset: String

        @Option(help: "Take the Parquet files below this folder instead of the cache's.")
        var from: String?

        @Option(help: "The folder under which ORG/NAME is made.")
        var out = "data"

        @Option(help: "Columns to keep, such as text,label; otherwise all.")
        var columns: String?

        @Option(help: "Splits to convert, such as train,test; otherwise all.")
        var splits: String?

        @Option(
            name: .customLong("config"),
            help: "Configurations to convert, such as en-fr,de-en; otherwise all.")
        var configurations: String?

        @Option(help: "Rows to keep of each split, from its start.")
        var limit: Int?

        @Option(help: "zstd, gzip or none.")
        var compression = ParquetImport.Compression.zstd

        @Flag(help: "Replace files that are there.")
        var force = false

        /// Checks flags before anything is read.
        func validate() throws {
            if let limit, limit < 1 {
                throw ValidationError("--limit \(limit) keeps no rows; give at least 1")
            }
        }

        /// Converts split after split, on the first rank alone.
        func run() throws {
            guard launchedRank() == 0 else { return }
            let id = try HubID(dataset)
            let found =
                try from.map { try ParquetDataset(folder: $0) }
                ?? ParquetDataset(id, in: HubCache())
            let chosen = try choose(from: found)
            var converter = try ParquetImport(of: id.repository)
            converter.columns = names(in: columns) ?? []
            (converter.limit, converter.compression) = (limit, compression)
            converter.replaces = force
            let folder = "\(out)/\(id.repository)"
            try converter.check(chosen, in: folder)
            for split in chosen {
                let rows = try converter.convert(split, to: folder)
                Console.note("\(converter.target(of: split, in: folder)): \(rows) rows")
            }
            let path = path(of: chosen, id: id.repository, folder: folder)
            let line = JSON.object([JSONMember(key: id.repository, value: .string(path))])
            print(
                try yamlText(of: .object([JSONMember(key: "datasets", value: line)])),
                terminator: "")
        }

        /// The splits that the flags keep.
        private func choose(from found: ParquetDataset) throws -> [ParquetDataset.Split] {
            let all = found.splits
            try check(
                configurations, among: all.compactMap(\.configuration), what: "configuration",
                of: found)
            var kept = all
            if let wanted = names(in: configurations) {
                kept = all.filter { $0.configuration.map(wanted.contains) ?? false }
            }
            try check(splits, among: kept.map(\.name), what: "split", of: found)
            guard let wanted = names(in: splits) else { return kept }
            return kept.filter { wanted.contains($0.name) }
        }

        /// Refuses names that the dataset does not have.
        private func check(
            _ list: String?, among known: [String], what: String, of found: ParquetDataset
        ) throws {
            let known = Set(known).sorted()
            for name in names(in: list) ?? [] where !known.contains(name) {
                throw RunError(
                    .unsuitable, "There is no \(what) `\(name)` below \(found.folder)",
                    advice: known.isEmpty
                        ? "the command without that flag" : suggestion(for: name, among: known))
            }
        }

        /// The names in a list such as `train,test`.
        private func names(in list: String?) -> [String]? {
            list.map { $0.split(separator: ",").map(String.init) }
        }

        /// The folder that a config names: that of a configuration when it stands for itself.
        private func path(
            of splits: [ParquetDataset.Split], id: String, folder: String
        ) -> String {
            let names = Set(splits.map(\.configuration))
            // The configurations of europarl are pairs of languages, and an evaluation reads several.
            guard id != "Helsinki-NLP/europarl", names.count == 1,
                let name = splits[0].configuration
            else { return folder }
            return "\(folder)/\(name)"
        }
    }
}

extension ParquetImport.Compression: ExpressibleByArgument {}
