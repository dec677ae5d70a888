import Basics
import EvalKit
import Foundation
import Storage

/// One line of a run's journal.
enum JournalEntry: Codable {
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
    struct StartRecord: Codable {
        var plan: ContentHash
        /// Partial results of the whole plan, and those that were there already.
        var partials: Int
        var donePartials: Int
        /// Cost of the whole plan, and of what was there already, in floating-point operations.
        var cost: Double
        var doneCost: Double
        var autoencoders: Int
        var evaluations: [String]
        var ranks: Int
        var epochSeconds: Double
        /// Results of the whole plan; journals of older versions do not tell.
        var results: Int?
    }

    /// One result of a run.
    struct ResultRecord: Codable {
        /// Its file below `eval_results`.
        var file: String
        /// The evaluation.
        var evaluation: String
        /// The autoencoder: its name, its path and the hash of its files.
        var release: String
        var id: String
        var path: String
        var autoencoder: ContentHash
        /// The hook that the result goes by.
        var hook: String
        var layer: Int
        /// The key of its conditions.
        var conditions: ContentHash
    }

    /// Partial results of one unit.
    struct UnitRecord: Codable {
        var evaluation: String
        var unit: String
        var rank: Int
        var seconds: Double
        var cost: Double
        var epochSeconds: Double
        var subjects: [String]
        var keys: [ContentHash]
        var partials: [String]
    }
}

/// The journal and what it says is finished.
final class RunRecord {
    private let journal: Journal
    /// Keeps other runs from the same folder.
    private let lock: FileLock
    /// Partial results by content key.
    private(set) var partials: [ContentHash: String] = [:]
    /// Activations that this run made, by content key.
    private(set) var made: Set<ContentHash> = []
    /// Results that were written.
    private(set) var ledger = ResultLedger()
    /// What opening the journal had to mend.
    var notice: String? { journal.notice }

    /// Opens or makes the journal of a run's folder and locks it.
    init(folder: String) throws {
        lock = try FileLock(path: "\(folder)/run.lock", purpose: .journal)
        journal = try Journal(path: "\(folder)/journal.jsonl")
        for text in journal.entries {
            guard let entry = Self.entry(of: text) else { continue }
            add(entry)
        }
    }

    /// Writes an entry and returns when it is on disk.
    func append(_ entry: JournalEntry) throws {
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
    static func entries(in folder: String) throws -> [JournalEntry] {
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
