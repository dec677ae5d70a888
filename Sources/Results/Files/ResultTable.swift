import Basics

/// `results.csv`: the lines of all result files in a run's folder, also of those that an earlier
/// config made.
package struct ResultTable {
    /// The run's folder.
    private let folder: String
    /// Files of the plan in its order, by their paths below `eval_results`.
    private let order: [String: Int]
    /// The hooks that files which this run does not write go by, where that is known.
    private let hooks: [String: (name: String, layer: Int)]
    /// The lines of each file; empty for what is not a result.
    private var lines: [String: String] = [:]
    /// What was written last.
    private var written: String?
    /// Sentences on files that are not results.
    private var notes: [String] = []

    /// - Parameters:
    ///   - files: result files in the order of the plan, below `eval_results`.
    ///   - hooks: those that other files go by.
    package init(folder: String, files: [String], hooks: [String: (name: String, layer: Int)] = [:])
    {
        (self.folder, self.hooks) = (folder, hooks)
        order = Dictionary(files.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    /// Takes in the lines of a file that was just written.
    package mutating func set(_ file: String, _ rows: ResultRows) { lines[file] = rows.text }

    /// Writes the table where it changed: files of the plan in its order, then others by name.
    ///
    /// - Returns: sentences on files that are not results, each once.
    package mutating func write() throws -> [String] {
        let files = resultFiles().sorted {
            let (first, second) = (order[$0] ?? .max, order[$1] ?? .max)
            return first == second ? $0.utf8.lexicographicallyPrecedes($1.utf8) : first < second
        }
        let path = "\(folder)/results.csv"
        guard !files.isEmpty || fileExists(path) else { return [] }
        var text = ResultRows.header
        for file in files { text += lines[file] ?? read(file) }
        defer { notes = [] }
        guard text != written else { return notes }
        try writeFile(Array(text.utf8), to: path)
        written = text
        return notes
    }

    /// The result files below `eval_results`.
    private func resultFiles() -> [String] {
        let root = "\(folder)/eval_results"
        return ((try? folderContents(root)) ?? []).flatMap { evaluation in
            ((try? folderContents("\(root)/\(evaluation)")) ?? [])
                .filter { $0.hasSuffix(resultEnding) }.map { "\(evaluation)/\($0)" }
        }
    }

    /// The lines of a file that this run did not write.
    private mutating func read(_ file: String) -> String {
        let path = "\(folder)/eval_results/\(file)"
        let rows = (try? JSON(file: path)).flatMap { ResultFile($0, hasDetails: false) }
            .map { ResultRows($0, hook: hooks[file]) }
        if rows == nil { notes.append("\(path) is not a result file; results.csv leaves it out") }
        lines[file] = rows?.text ?? ""
        return rows?.text ?? ""
    }
}
