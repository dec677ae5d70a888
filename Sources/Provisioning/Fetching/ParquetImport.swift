import Basics
import Formats

/// Converts Parquet files to JSON lines with the `duckdb` command-line program.
///
/// Parquet is a large format whose readers take years to get right; datasets are converted once, by
/// a program that is kept well, and read ever after as lines of text.
public struct ParquetImport: Sendable {
    /// How the lines are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        case zstd, gzip, none

        /// The ending behind `.jsonl`.
        var ending: String {
            switch self {
            case .zstd: ".zst"
            case .gzip: ".gz"
            case .none: ""
            }
        }
    }

    /// Columns to keep, in this order; empty keeps all.
    public var columns: [String] = []
    /// Rows to keep of each split, from its start; nil keeps all.
    public var limit: Int?
    /// How the lines are compressed.
    public var compression = Compression.zstd
    /// Whether files that are there are replaced.
    public var replaces = false
    /// The program.
    private let program: ChildProgram

    /// The program's name.
    private static let programName = "duckdb"
    /// Endings under which a split is found by a run.
    private static let endings = ["jsonl", "csv", "parquet"].flatMap { kind in
        ["", ".gz", ".zst"].map { ".\(kind)\($0)" }
    }

    /// What the files hold under other names.
    private let recipe: ImportRecipe?

    /// Finds the program on the path.
    ///
    /// - Parameter dataset: the id of the repository, such as `org/name`.
    /// - Throws: ``RunError`` that says how to get the program.
    public init(of dataset: String) throws(RunError) {
        recipe = ImportRecipe.named(dataset)
        guard let program = ChildProgram(named: Self.programName) else {
            throw RunError(
                .missing,
                "Parquet files are converted by the program `duckdb`, which is not on the path",
                advice: "`pip install duckdb-cli` as root or in a virtual environment, "
                    + "`pip install --user duckdb-cli` without either, or a build of it in a folder of PATH"
            )
        }
        self.program = program
    }

    /// The file that a split becomes in a folder.
    public func target(of split: ParquetDataset.Split, in folder: String) -> String {
        stem(of: split, in: folder) + ".jsonl" + compression.ending
    }

    /// Refuses what would replace files or leave two files for one split, and splits with gaps.
    public func check(_ splits: [ParquetDataset.Split], in folder: String) throws(RunError) {
        for split in splits {
            let target = target(of: split, in: folder)
            let stem = stem(of: split, in: folder)
            for other in Self.endings.map({ stem + $0 }) where fileExists(other) {
                if other != target {
                    throw RunError(
                        .exists,
                        "\(other) is there already, and a run would not know which to read",
                        advice: "move it away, or another --out")
                }
                guard replaces else {
                    throw RunError(
                        .exists, "\(target) is there already",
                        advice: "--force to convert it again, or --splits without `\(split.name)`")
                }
            }
            if let gap = split.gap, limit == nil {
                throw RunError(
                    .unsuitable, "Split `\(split.title)` is not whole: \(gap)",
                    advice: "get the rest, or --limit ROWS for rows of its first files")
            }
        }
    }

    /// Converts a split and gives it its name when it is complete.
    ///
    /// - Returns: the number of rows.
    /// - Throws: ``RunError`` with what the program said.
    public func convert(_ split: ParquetDataset.Split, to folder: String) throws -> Int {
        let files = split.files.map { Self.literal(Self.withoutPatterns($0)) }
        let stored = "read_parquet([\(files.joined(separator: ", "))], hive_partitioning = false)"
        let source = recipe?.table(from: stored) ?? stored
        let rows = try wantedRows(of: split, source: source)
        let chosen =
            columns.isEmpty ? "*" : columns.map(Self.identifier).joined(separator: ", ")
        let clause = limit.map { " LIMIT \($0)" } ?? ""
        let target = target(of: split, in: folder)
        try makeFolder(parentFolder(of: target))
        let partial = PartialFile(of: target)
        _ = try ask(
            """
            COPY (SELECT \(chosen) FROM \(source)\(clause)) TO \(Self.literal(partial.path)) \
            (FORMAT json, COMPRESSION \(compression.rawValue));
            """, about: split)
        try partial.complete()
        return rows
    }

    /// The rows that a split will have, after a look at its columns.
    private func wantedRows(of split: ParquetDataset.Split, source: String) throws -> Int {
        let answer = try ask(
            """
            SELECT column_name, (SELECT count(*) FROM \(source)) AS rows \
            FROM (DESCRIBE SELECT * FROM \(source));
            """, about: split)
        let table = (try? JSON(parsing: answer, source: "duckdb"))?.elements ?? []
        let names = table.compactMap { $0["column_name"]?.text }
        guard !names.isEmpty, let rows = table[0]["rows"]?.integer else {
            throw RunError(
                .unsuitable, "\(program.path) did not say which columns \(split.files[0]) has",
                advice: "duckdb 1.0 or later")
        }
        if let unknown = columns.first(where: { !names.contains($0) }) {
            throw RunError(
                .unsuitable,
                "Split `\(split.title)` has no column `\(unknown)`; it has \(names.joined(separator: ", "))",
                advice: suggestion(for: unknown, among: names))
        }
        guard let limit else { return rows }
        if let gap = split.gap, rows < limit {
            throw RunError(
                .unsuitable,
                "Split `\(split.title)` has \(rows) rows of \(limit) that --limit asks for: \(gap)",
                advice: "get the rest, or a smaller --limit")
        }
        return min(rows, limit)
    }

    /// Lets the program carry out a statement.
    private func ask(_ statement: String, about split: ParquetDataset.Split) throws -> [UInt8] {
        // No settings of the user's own, and nothing from the network.
        let start = """
            SET autoinstall_known_extensions = false;
            SET preserve_insertion_order = true;

            """
        let ending = try program.run(
            ["-init", "/dev/null", "-batch", "-bail", "-json", ":memory:"],
            input: start + statement + "\n")
        guard ending.status == 0 else {
            let lines = ending.errors.split(separator: "\n").map { line in
                line.split(separator: " ").joined(separator: " ")
            }
            let said = lines.first { !$0.isEmpty } ?? "exit code \(ending.status)"
            throw RunError(
                .unsuitable, "Split `\(split.title)` cannot be converted: \(said)",
                advice: "check \(split.files[0]) and the room in the folder of the output")
        }
        return ending.output
    }

    /// The path of a split's file without its ending.
    private func stem(of split: ParquetDataset.Split, in folder: String) -> String {
        let parts = [folder, split.configuration, split.name].compactMap { $0 }
        return parts.joined(separator: "/")
    }

    /// A text as SQL takes it.
    static func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

    /// A column's name as SQL takes it.
    static func identifier(_ name: String) -> String {
        "\"\(name.replacing("\"", with: "\"\""))\""
    }

    /// A path in which the characters of file patterns stand for themselves.
    static func withoutPatterns(_ path: String) -> String {
        String(path.flatMap { "*?[".contains($0) ? "[\($0)]" : "\($0)" })
    }
}

extension ParquetDataset.Split {
    /// Configuration and name.
    public var title: String { (configuration.map { "\($0)/" } ?? "") + name }
}
