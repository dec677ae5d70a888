import Basics
import Formats
import Foundation
import Tensors
import Testing
import Tokenizers

@testable import Corpora

/// The folder of recorded results, when it is there.
let shared = ProcessInfo.processInfo.environment["SAEVAL_SHARED"]

/// A dataset of a recorded run, as the run asked for it.
struct RecordedTokens: Sendable, CustomTestStringConvertible {
    var evaluation: String
    /// The place among the datasets of the run.
    var place: Int
    var dataset: String
    var folder: String
    var isPair = false

    var testDescription: String { "\(evaluation) \(dataset)" }

    static let bios = "LabHC/bias_in_bios"
    static let reviews = "canrager/amazon_reviews_mcauley_1and5"

    static let all = [
        RecordedTokens(
            evaluation: "sparse_probing", place: 0, dataset: bios + "_class_set1", folder: bios),
        RecordedTokens(
            evaluation: "sparse_probing", place: 1, dataset: reviews + "_sentiment",
            folder: reviews),
        RecordedTokens(
            evaluation: "sparse_probing", place: 2, dataset: "fancyzhx/ag_news",
            folder: "fancyzhx/ag_news"),
        RecordedTokens(evaluation: "tpp", place: 0, dataset: bios + "_class_set1", folder: bios),
        RecordedTokens(
            evaluation: "scr", place: 0, dataset: bios + "_class_set1", folder: bios, isPair: true),
    ]
}

@Suite("Tokens of recorded runs", .enabled(if: shared != nil, "SAEVAL_SHARED is not set"))
struct GoldenTokensTests {
    @Test("The tokens of every class are those that SAE Bench saw", arguments: RecordedTokens.all)
    func tokens(recorded: RecordedTokens) throws {
        let golden = "\(shared ?? "")/golden"
        let tokenizer = try Tokenizer(folder: "\(golden)/models/tiny-neox")
        let archive = try NumpyArchive(
            path: "\(golden)/results/\(recorded.evaluation)/tiny-neox_topk_512/tokens.npz")
        let selection: TextSelection =
            recorded.isPair
            ? .pair(first: "professor", second: "nurse", train: 400, test: 200, seed: 42)
            : .classes(train: 400, test: 200, seed: 42)
        let request = TextRequest(
            dataset: recorded.dataset, selection: selection, contextLength: 128)
        let rows = try textRows(
            request, at: "\(golden)/data/\(recorded.folder)", tokenizer: tokenizer, threads: 2)
        let again = try textRows(
            request, at: "\(golden)/data/\(recorded.folder)", tokenizer: tokenizer, threads: 1)
        #expect(rows == again)
        let names = archive.tensorNames.filter {
            $0.hasPrefix("call\(2 * recorded.place)|")
                || $0.hasPrefix("call\(2 * recorded.place + 1)|")
        }
        #expect(names.count == rows.groups.count)
        for group in rows.groups {
            let call = 2 * recorded.place + (group.split == .train ? 0 : 1)
            let tensor = try archive.tensor("call\(call)|\(group.name)")
            #expect(tensor.shape == [group.texts.count, 128])
            let padded = group.texts.flatMap { text in
                let tokens = rows.tokens[rows.starts[text]..<rows.starts[text + 1]]
                return tokens + Array(repeating: 0, count: 128 - tokens.count)
            }
            #expect(padded == tensor.values.map { Int32($0) })
            for text in group.texts {
                let stored = rows.stored[rows.storedStarts[text]..<rows.storedStarts[text + 1]]
                #expect(
                    Array(stored)
                        == (rows.starts[text]..<rows.starts[text + 1]).filter {
                            rows.tokens[$0] != 0
                        })
            }
        }
    }
}
