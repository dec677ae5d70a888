import Basics
import Foundation
import Testing
import Tokenizers

@testable import Corpora

/// A dataset of biographies with equal numbers of each class and gender.
private func biographies(_ folder: TemporaryFolder, line: String? = nil) throws -> String {
    for (split, count) in [("train", 8), ("test", 4)] {
        var lines: [String] = []
        for profession in [0, 1, 2, 6, 9, 21, 13] {
            for gender in 0..<2 {
                for index in 0..<count {
                    lines.append(
                        #"{"hard_text": "\#(split) \#(index)", "profession": \#(profession), "gender": \#(gender)}"#
                    )
                }
            }
        }
        if let line, split == "train" { lines[6] = line }
        _ = try folder.write(lines.joined(separator: "\n"), to: "\(split).jsonl")
    }
    return folder.path
}

/// The error of a choice.
private func fault(_ dataset: String, _ selection: TextSelection, at path: String) throws
    -> CorporaError
{
    try corporaError {
        _ = try chosenTexts(
            TextRequest(dataset: dataset, selection: selection, contextLength: 8), at: path)
    }
}

private let bios = "LabHC/bias_in_bios_class_set1"
private let classes = TextSelection.classes(train: 32, test: 16, seed: 42)

struct FamilyFaultTests {
    @Test("A label of another type, a missing column and a missing class are one sentence each")
    func sentences() throws {
        let folder = try TemporaryFolder()
        let cases: [(String, CorporaDomain.Code, [String])] = [
            (
                #"{"hard_text": "a", "profession": "nurse", "gender": 0}"#, .wrongType,
                ["line 7", "`profession` holds \"nurse\"", "integer"]
            ),
            (
                #"{"hard_text": "a", "gender": 0}"#, .missingColumn,
                ["line 7", "there is no `profession`"]
            ),
            (
                #"{"hard_text": "a", "profession": 5, "gender": 0}"#, .tooFewRows,
                ["Class `0`", "7 rows", "gender 0", "8 are wanted"]
            ),
        ]
        for (line, code, words) in cases {
            let error = try fault(bios, classes, at: biographies(folder, line: line))
            #expect(error.code == code)
            for word in words { #expect(error.message.contains(word), "\(error)") }
        }
        let path = try biographies(folder)
        _ = try folder.write("{\"text\": \"a\"}", to: "test.jsonl")
        #expect(try fault(bios, classes, at: path).message.contains("no column `hard_text`"))
    }

    @Test("A class that is not there is named with its rows")
    func missingClass() throws {
        let folder = try TemporaryFolder()
        let path = try biographies(folder)
        let selection = TextSelection.classes(train: 32, test: 16, seed: 42, classes: ["0", "27"])
        let error = try fault(bios, selection, at: path)
        #expect(error.code == .tooFewRows && error.message.contains("Class `27`"))
        let wrong = TextSelection.classes(train: 32, test: 16, seed: 42, classes: ["0", "nurse"])
        #expect(try fault(bios, wrong, at: path).message.contains("`nurse`"))
        let one = TextSelection.classes(train: 32, test: 16, seed: 42, classes: ["0", "0"])
        #expect(try fault(bios, one, at: path).code == .unknown)
    }

    @Test("Classes of one's own are taken in their order")
    func ownClasses() throws {
        let folder = try TemporaryFolder()
        let selection = TextSelection.classes(
            train: 32, test: 16, seed: 42, classes: ["21", "0", "13"])
        let chosen = try chosenTexts(
            TextRequest(dataset: bios, selection: selection, contextLength: 8),
            at: biographies(folder))
        #expect(chosen.groups.map(\.name) == ["21", "0", "13", "21", "0", "13"])
        #expect(chosen.groups.map(\.rows.count) == [16, 16, 16, 8, 8, 8])
    }

    @Test("Pairs need more rows than they take, known names and a second column")
    func pairs() throws {
        let folder = try TemporaryFolder()
        let path = try biographies(folder)
        func pair(_ first: String, _ second: String, _ train: Int) -> TextSelection {
            .pair(first: first, second: second, train: train, test: 4, seed: 42)
        }
        let few = try fault(bios, pair("professor", "nurse", 16), at: path)
        #expect(few.code == .tooFewRows)
        #expect(few.message.contains("8 rows") && few.message.contains("9 are wanted"))
        _ = try chosenTexts(
            TextRequest(dataset: bios, selection: pair("professor", "nurse", 12), contextLength: 8),
            at: path)
        let unknown = try fault(bios, pair("profesor", "nurse", 12), at: path)
        #expect(unknown.code == .unknown && unknown.advice?.contains("`professor`") == true)
        #expect(try fault(bios, pair("nurse", "nurse", 12), at: path).code == .unknown)
        #expect(
            try fault("fancyzhx/ag_news", pair("nurse", "poet", 12), at: path).code == .unsupported)
    }

    @Test("Datasets, files and sizes that cannot be are refused before anything is read")
    func places() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        #expect(try fault("LabHC/bias_in_bios", classes, at: path).code == .unknown)
        #expect(try fault(bios, classes, at: "\(path)/no").code == .missing)
        #expect(try fault(bios, classes, at: path).message.contains("train.jsonl"))
        _ = try folder.write("PAR1", to: "train-00000-of-00001.parquet")
        let parquet = try fault(bios, classes, at: path)
        #expect(parquet.code == .unsupported)
        #expect(parquet.advice?.contains("saeval data import") == true)
        let file = try folder.write("{}", to: "one.jsonl")
        #expect(try fault(bios, classes, at: file).message.contains("two splits"))
        let small = TextSelection.classes(train: 3, test: 16, seed: 42)
        #expect(try fault(bios, small, at: path).code == .outOfRange)
        let seed = TextSelection.classes(train: 8, test: 8, seed: -1)
        #expect(try fault(bios, seed, at: path).code == .outOfRange)
        #expect(try fault("1_a", .binary(limit: 9), at: "\(path)/no").code == .missing)
        let binary = try fault("5_hist_fig_ismale", .binary(limit: 9), at: path)
        #expect(binary.message.contains("5_hist_fig_ismale.csv.zst"))
    }

    @Test("The files of a request are found in every layout")
    func files() throws {
        let folder = try TemporaryFolder()
        let names = ["data/train.csv.zst", "data/test.jsonl", "data/test.jsonl.gz"]
        try makeFolder("\(folder.path)/data")
        for name in names { _ = try folder.write("x", to: name) }
        let request = TextRequest(dataset: bios, selection: classes, contextLength: 8)
        let expected = ["\(folder.path)/data/train.csv.zst", "\(folder.path)/data/test.jsonl"]
        #expect(try textFiles(of: request, at: folder.path) == expected)
        let europarl = TextRequest(
            dataset: "Helsinki-NLP/europarl", selection: classes, contextLength: 8)
        let found = try textFiles(of: europarl, at: "\(fixtures)/choices/europarl")
        let pairs = ["en-fr", "fr-it", "de-en", "es-fr", "nl-pt"]
        #expect(found == pairs.map { "\(fixtures)/choices/europarl/\($0)/train.jsonl" })
        try makeFolder("\(folder.path)/data/cleaned_data")
        let csv = try folder.write("x", to: "data/cleaned_data/1_a.csv.zst")
        let binary = TextRequest(dataset: "1_a", selection: .binary(limit: 9), contextLength: 8)
        #expect(try textFiles(of: binary, at: folder.path) == [csv])
    }
}

@Suite("The toy world", .enabled(if: shared != nil, "SAEVAL_SHARED is not set"))
struct ToyWorldTests {
    @Test(
        "The toy world's datasets are taken with classes of its own",
        arguments: [
            ("LabHC/bias_in_bios_class_set1", "bias_in_bios", ["1", "11", "13", "21", "25", "26"]),
            ("canrager/amazon_reviews_mcauley_1and5", "amazon_reviews", nil),
            ("fancyzhx/ag_news", "ag_news", nil),
            ("codeparrot/github-code", "code", ["brask", "lispel", "tellit"]),
            ("Helsinki-NLP/europarl", "languages", ["avari", "ekesh", "obuno", "uthral"]),
        ])
    func classes(dataset: String, folder: String, classes: [String]?) throws {
        let quickstart = "\(shared ?? "")/quickstart"
        let tokenizer = try Tokenizer(folder: "\(quickstart)/model")
        let request = TextRequest(
            dataset: dataset, selection: .classes(train: 120, test: 40, seed: 42, classes: classes),
            contextLength: 128)
        let rows = try textRows(
            request, at: "\(quickstart)/toyworld/\(folder)", tokenizer: tokenizer, threads: 2)
        let names = try classes ?? TextFamily.named(dataset).classes
        #expect(rows.groups.map(\.name) == names + names)
        #expect(rows.groups.map(\.texts.count) == names.map { _ in 60 } + names.map { _ in 20 })
    }
}

@Suite(
    "The sae-probes package",
    .enabled(
        if: ProcessInfo.processInfo.environment["SAEVAL_SAE_PROBES"] != nil,
        "SAEVAL_SAE_PROBES, the package's folder, is not set"))
struct ProbesPackageTests {
    @Test("Every dataset has the rows and labels that pandas finds, and the others are refused")
    func all() throws {
        let path = ProcessInfo.processInfo.environment["SAEVAL_SAE_PROBES"] ?? ""
        let facts = try JSON(file: "\(fixtures)/sae_probes.json").members ?? []
        var taken = 0
        for fact in facts {
            let choice = BinaryChoice(dataset: fact.key, limit: .max)
            guard let ones = fact.value["ones"]?.integer else {
                let error = try corporaError { _ = try choice.chosen(at: path) }
                #expect(error.code == .unsupported, "\(fact.key)")
                continue
            }
            let chosen = try choice.chosen(at: path)
            #expect(chosen.groups[1].rows.count == ones, "\(fact.key)")
            var rows: [ChosenTexts.Row: Int] = [:]
            var labels = [UInt8](repeating: 0x30, count: fact.value["rows"]?.integer ?? 0)
            #expect(chosen.groups.flatMap(\.rows).count == labels.count)
            for (label, group) in chosen.groups.enumerated() {
                for row in group.rows {
                    rows[row] = row.row
                    labels[row.row] += UInt8(label)
                }
            }
            let texts = try TextCollector(chosen: chosen, positions: rows, threads: 2)
                .map { text, _ in text }
            #expect(
                ContentHash.of(labels + [0] + Array(texts.joined(separator: [0]))).hex
                    == fact.value["hash"]?.text, "\(fact.key)")
            taken += 1
        }
        print("\(taken) datasets of two classes of \(facts.count)")
        #expect(taken == 113)
    }
}
