import Basics
import Testing

@testable import Corpora

/// A recorded choice of SAE Bench.
struct RecordedChoice: Sendable, CustomTestStringConvertible {
    var request: TextRequest
    var folder: String
    var groups: [ChosenTexts.Group]

    var testDescription: String { "\(request.dataset) \(request.selection)" }

    /// The choices of `cases.json`.
    static func all() throws -> [RecordedChoice] {
        let cases = try JSON(file: "\(fixtures)/choices/cases.json").elements ?? []
        return cases.map { entry in
            let (train, test) = (entry["train"], entry["test"])
            let sizes = (entry["sizes"]?.elements ?? []).compactMap(\.integer)
            let pair = entry["pair"]?.elements?.compactMap(\.text)
            let selection: TextSelection =
                if let pair {
                    .pair(
                        first: pair[0], second: pair[1], train: sizes[0], test: sizes[1],
                        seed: sizes[2])
                } else {
                    .classes(train: sizes[0], test: sizes[1], seed: sizes[2])
                }
            let dataset = entry["dataset"]?.text ?? ""
            let groups = [(train, TextRows.Split.train), (test, .test)].flatMap { part, split in
                (part?.elements ?? []).map { group in
                    let rows = group.elements?.last?.elements?.compactMap(\.integer) ?? []
                    return ChosenTexts.Group(
                        name: group.elements?.first?.text ?? "", split: split,
                        rows: rows.map { ChosenTexts.Row(table: 0, row: $0) })
                }
            }
            return RecordedChoice(
                request: TextRequest(dataset: dataset, selection: selection, contextLength: 8),
                folder: "\(fixtures)/choices/\(entry["folder"]?.text ?? "")", groups: groups)
        }
    }
}

struct ChoiceTests {
    @Test(
        "The rows of each class are those that SAE Bench takes", arguments: try RecordedChoice.all()
    )
    func rows(choice: RecordedChoice) throws {
        let chosen = try chosenTexts(choice.request, at: choice.folder)
        #expect(chosen.groups.map(\.name) == choice.groups.map(\.name))
        #expect(chosen.groups.map(\.split) == choice.groups.map(\.split))
        #expect(
            chosen.groups.map { $0.rows.map(\.row) } == choice.groups.map { $0.rows.map(\.row) })
    }

    @Test("All choices that SAE Bench made are compared")
    func count() throws { #expect(try RecordedChoice.all().count == 13) }

    @Test("Two classes get the labels and texts that pandas and scikit-learn give them")
    func binary() throws {
        let recorded = try JSON(file: "\(fixtures)/choices/binary.json").members ?? []
        #expect(recorded.count == 6)
        for dataset in recorded {
            let path = "\(fixtures)/choices/binary"
            let labels = (dataset.value["labels"]?.elements ?? []).compactMap(\.integer)
            let texts = (dataset.value["texts"]?.elements ?? []).compactMap(\.text)
            #expect(labels.count == 60 && texts.count == 60)
            for limit in [1000, 40] {
                let chosen = try BinaryChoice(dataset: dataset.key, limit: limit).chosen(at: path)
                #expect(chosen.groups.map(\.name) == ["0", "1"])
                for (label, group) in chosen.groups.enumerated() {
                    let wanted = labels.indices.prefix(limit).filter { labels[$0] == label }
                    #expect(group.rows.map(\.row) == wanted, "\(dataset.key)")
                }
                let rows = chosen.groups.flatMap(\.rows)
                let positions = Dictionary(uniqueKeysWithValues: rows.map { ($0, $0.row) })
                let found = try TextCollector(chosen: chosen, positions: positions, threads: 2)
                    .map { text, _ in text }
                #expect(found == texts.prefix(limit).map { Array($0.utf8) })
            }
        }
    }
}
