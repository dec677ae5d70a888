import Basics

/// What a run's journal tells of its results: which files were written, and under which conditions.
package struct ResultLedger {
    /// Conditions by their keys.
    package private(set) var conditions: [ContentHash: ResultConditions] = [:]
    /// What was last recorded of each file, by its path below `eval_results`.
    package private(set) var records: [String: JournalEntry.ResultRecord] = [:]

    /// A ledger of no journal yet.
    package init() {}

    /// Takes in an entry of the journal.
    package mutating func add(_ entry: JournalEntry) {
        switch entry {
        case .conditions(let conditions): self.conditions[conditions.key] = conditions
        case .results(let new): for record in new { records[record.file] = record }
        case .start, .unit, .failure, .made, .end: break
        }
    }

    /// The hooks that results go by, by file.
    package var hooks: [String: (name: String, layer: Int)] {
        records.mapValues { ($0.hook, $0.layer) }
    }
}
