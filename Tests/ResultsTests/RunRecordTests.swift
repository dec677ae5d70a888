import Basics
import Foundation
import Testing

@testable import Results

/// A start that found some partial results.
private func start(
    done: Int = 0, of all: Int = 4, at seconds: Double = 1000, results: Int? = nil
) -> JournalEntry {
    .start(
        JournalEntry.StartRecord(
            plan: ContentHash.of("plan"), partials: all, donePartials: done, cost: 400,
            doneCost: 100 * Double(done),
            autoencoders: 2, evaluations: ["core"], ranks: 3, epochSeconds: seconds,
            results: results))
}

/// Results that are about to be written.
private func written(_ files: [String]) -> JournalEntry {
    .results(
        files.map {
            JournalEntry.ResultRecord(
                file: $0, evaluation: "core", release: "r", id: "i", path: "p",
                autoencoder: ContentHash.of("sae"), hook: "hook_embed", layer: 0,
                conditions: ContentHash.of("conditions"))
        })
}

/// A finished unit with one partial result.
private func unit(_ name: String, partial: String, at seconds: Double = 1010) -> JournalEntry {
    .unit(
        JournalEntry.UnitRecord(
            evaluation: "core", unit: "{\"a\":[0,1]}", rank: 2, seconds: 0.25, cost: 100,
            epochSeconds: seconds,
            subjects: ["r/é"], keys: [ContentHash.of(name)], partials: [partial]))
}

struct RunRecordTests {
    @Test("Entries survive their way through the journal")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let entries = [
            start(), unit("a", partial: "{\"x\":\"\\u00e9\\n\"}"), unit("b", partial: ""),
            .failure(evaluation: "core", subject: "r/a", reason: "two\nlines"), .end,
        ]
        do {
            let record = try RunRecord(folder: folder.path)
            for entry in entries { try record.append(entry) }
            #expect(record.partials.count == 2)
        }
        let again = try RunRecord(folder: folder.path)
        #expect(
            again.partials == [
                ContentHash.of("a"): "{\"x\":\"\\u00e9\\n\"}", ContentHash.of("b"): "",
            ])
        #expect(again.notice == nil)
    }

    @Test("A run that is opened again knows which activations it made itself")
    func made() throws {
        let folder = try TemporaryFolder()
        do {
            let record = try RunRecord(folder: folder.path)
            for name in ["a", "b"] { try record.append(.made(ContentHash.of(name))) }
        }
        let again = try RunRecord(folder: folder.path)
        #expect(again.made == [ContentHash.of("a"), ContentHash.of("b")])
    }

    @Test("Each kind of entry is read as it was written")
    func kinds() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let entries = [
            start(done: 2), start(results: 3), unit("a", partial: "p"), written(["core/é"]),
            .conditions(ResultConditions([.init(name: "dtype", value: "float32")])),
            .failure(evaluation: "e", subject: "s", reason: "r"), .made(ContentHash.of("a")), .end,
        ]
        for entry in entries {
            let text = String(decoding: try encoder.encode(entry), as: UTF8.self)
            let read = try #require(RunRecord.entry(of: text))
            #expect(String(decoding: try encoder.encode(read), as: UTF8.self) == text)
        }
    }

    @Test(
        "An entry of a later version is passed over",
        arguments: ["{\"pause\":{}}", "{}", "5", "{\"unit\":{}}"])
    func later(text: String) { #expect(RunRecord.entry(of: text) == nil) }
}

struct RunStatusTests {
    /// The status after some entries.
    private func status(_ entries: [JournalEntry]) throws -> RunStatus {
        let folder = try TemporaryFolder()
        let record = try RunRecord(folder: folder.path)
        for entry in entries { try record.append(entry) }
        return try RunStatus(folder: folder.path)
    }

    @Test("A run that goes on tells what is done and what is left")
    func unfinished() throws {
        let status = try status([start(), unit("a", partial: "p")])
        #expect(status.state == "unfinished")
        #expect(status.donePartials == 1 && status.partials == 4)
        #expect(status.percent == 25)
        #expect(status.ranks == 3 && status.autoencoders == 2)
        // A hundred took ten seconds, three hundred are left.
        #expect(status.secondsLeft == 30)
    }

    @Test("A resumed run counts what it found and measures its own speed")
    func resumed() throws {
        let status = try status([
            start(), unit("a", partial: "p"), start(done: 1, at: 5000),
            unit("b", partial: "p", at: 5004),
        ])
        #expect(status.donePartials == 2)
        #expect(status.percent == 50)
        #expect(status.secondsLeft == 8)
    }

    @Test("Failures of the last start alone are told")
    func failures() throws {
        let failure = JournalEntry.failure(evaluation: "core", subject: "r/a", reason: "no")
        #expect(try status([start(), failure]).failures.map(\.name) == ["r/a (core)"])
        #expect(try status([start(), failure, start()]).failures.isEmpty)
    }

    @Test("A run that is done says so")
    func done() throws {
        let status = try status([start(done: 3), unit("a", partial: "p"), .end])
        #expect(status.state == "done")
        #expect(status.percent == 100)
        #expect(status.secondsLeft == nil)
    }

    @Test("A run is done when its results are there, and those that are written are counted")
    func results() throws {
        let folder = try TemporaryFolder()
        let record = try RunRecord(folder: folder.path)
        for file in ["core/a", "core/b"] {
            try makeFolder("\(folder.path)/eval_results/core")
            _ = try folder.write("{}", to: "eval_results/\(file)")
        }
        let status = { try RunStatus(folder: folder.path) }
        try record.append(start(done: 3, results: 3))
        #expect(try status().writtenResults == 0 && status().results == 3)
        try record.append(written(["core/a", "core/b"]))
        try record.append(written(["core/b", "core/c"]))
        try record.append(unit("a", partial: "p"))
        try record.append(.end)
        #expect(try status().writtenResults == 2 && status().state == "all units done")
        _ = try folder.write("{}", to: "eval_results/core/c")
        #expect(try status().writtenResults == 3 && status().state == "all units done")
        _ = try folder.write("", to: "results.csv")
        #expect(try status().state == "done")
        try record.append(start(done: 4, results: 3))
        #expect(try status().writtenResults == 0)
    }

    @Test("A folder without a run is named")
    func missing() throws {
        let folder = try TemporaryFolder()
        let error = try #require(throws: RunError.self) { _ = try RunStatus(folder: folder.path) }
        #expect(error.code == .missing)
        #expect(error.message.contains(folder.path))
        _ = try folder.write("", to: "journal.jsonl")
        #expect(throws: RunError.self) { try RunStatus(folder: folder.path) }
    }
}
