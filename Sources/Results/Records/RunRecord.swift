import Basics
import Foundation
import Storage

/// One line of a run's journal.
package enum JournalEntry: Codable {
    /// A start of the program.
    case start(StartRecord)
    /// A finished unit: its partial results. A later start uses them whatever the number of ranks.
    case unit(UnitRecord)
    /// What results rest on, which name it by its key.
    case conditions(ResultConditions)
    /// Results whose partial results are all there and whose files are about to be written.
    case results([ResultRecord])
    /// An autoencoder that failed; tried again at the next start.
    case failure(evaluation: String, subject: String, reason: String)
    /// Activations that this run makes and may remove.
    case made(ContentHash)
    /// All work is done and all results are written.
    case end

    /// What a start found.
    package struct StartRecord: Codable {
        var plan: ContentHash
        /// Partial results of the whole plan, and those that were there already.
        package var partials: Int
        var donePartials: Int
        /// Cost of the whole plan, and of what was there already, in floating-point operations.
        package var cost: Double
        var doneCost: Double
        var autoencoders: Int
        var evaluations: [String]
        var ranks: Int
        var epochSeconds: Double
        /// Results of the whole plan; journals of older versions do not tell.
        var results: Int?

        /// Takes all values.
        package init(
            plan: ContentHash, partials: Int, donePartials: Int, cost: Double, doneCost: Double,
            autoencoders: Int, evaluations: [String], ranks: Int, epochSeconds: Double,
            results: Int? = nil
        ) {
            (self.plan, self.partials, self.donePartials) = (plan, partials, donePartials)
            (self.cost, self.doneCost, self.autoencoders) = (cost, doneCost, autoencoders)
            (self.evaluations, self.ranks, self.epochSeconds) = (evaluations, ranks, epochSeconds)
            self.results = results
        }
    }

    /// One result of a run.
    package struct ResultRecord: Codable {
        /// Its file below `eval_results`.
        package var file: String
        /// The evaluation.
        package var evaluation: String
        /// The autoencoder: its name, its path and the hash of its files.
        package var release: String
        package var id: String
        package var path: String
        package var autoencoder: ContentHash
        /// The hook that the result goes by.
        var hook: String
        var layer: Int
        /// The key of its conditions.
        package var conditions: ContentHash

        /// Takes all values.
        package init(
            file: String, evaluation: String, release: String, id: String, path: String,
            autoencoder: ContentHash, hook: String, layer: Int, conditions: ContentHash
        ) {
            (self.file, self.evaluation, self.release) = (file, evaluation, release)
            (self.id, self.path, self.autoencoder) = (id, path, autoencoder)
            (self.hook, self.layer, self.conditions) = (hook, layer, conditions)
        }
    }

    /// Partial results of one unit.
    package struct UnitRecord: Codable {
        package var evaluation: String
        var unit: String
        var rank: Int
        package var seconds: Double
        package var cost: Double
        var epochSeconds: Double
        var subjects: [String]
        var keys: [ContentHash]
        package var partials: [String]

        /// Takes all values.
        package init(
            evaluation: String, unit: String, rank: Int, seconds: Double, cost: Double,
            epochSeconds: Double, subjects: [String], keys: [ContentHash], partials: [String]
        ) {
            (self.evaluation, self.unit, self.rank) = (evaluation, unit, rank)
            (self.seconds, self.cost, self.epochSeconds) = (seconds, cost, epochSeconds)
            (self.subjects, self.keys, self.partials) = (subjects, keys, partials)
        }
    }
}

/// The journal and what it says is finished.
package final class RunRecord {
    private let journal: Journal
    /// Keeps other runs from the same folder.
    private let lock: FileLock
    /// Partial results by content key.
    package private(set) var partials: [ContentHash: String] = [:]
    /// Activations that this run made, by content key.
    package private(set) var made: Set<ContentHash> = []
    /// Results that were written.
    package private(set) var ledger = ResultLedger()
    /// What opening the journal had to mend.
    package var notice: String? { journal.notice }

    /// Opens or makes the journal of a run's folder and locks it.
    package init(folder: String) throws {
        lock = try FileLock(path: "\(folder)/run.lock", purpose: .journal)
        journal = try Journal(path: "\(folder)/journal.jsonl")
        for text in journal.entries {
            guard let entry = Self.entry(of: text) else { continue }
            add(entry)
        }
    }

    /// Writes an entry and returns when it is on disk.
    package func append(_ entry: JournalEntry) throws {
        guard !lock.isLost else {
            throw RunError(
                .inUse, "Another run took over the folder, since this one stood still for a while",
                advice: "let that one end")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try journal.append(String(decoding: try encoder.encode(entry), as: UTF8.self))
        add(entry)
    }

    private func add(_ entry: JournalEntry) {
        ledger.add(entry)
        switch entry {
        case .unit(let record):
            for (key, partial) in zip(record.keys, record.partials) { partials[key] = partial }
        case .made(let key): made.insert(key)
        case .start, .conditions, .results, .failure, .end: break
        }
    }

    /// The entries of a folder's journal, read without disturbing a run that is going on; none where
    /// there is no journal.
    package static func entries(in folder: String) throws -> [JournalEntry] {
        let path = "\(folder)/journal.jsonl"
        guard fileExists(path) else { return [] }
        return try readFile(path).split(separator: 0x0A).compactMap { line in
            line.count > 17 ? entry(of: String(decoding: line.dropFirst(17), as: UTF8.self)) : nil
        }
    }

    /// Reads one entry; nil for one that a later version wrote.
    static func entry(of text: String) -> JournalEntry? {
        try? JSONDecoder().decode(JournalEntry.self, from: Data(text.utf8))
    }
}
