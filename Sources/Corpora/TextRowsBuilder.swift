import Basics
import Tokenizers

/// Makes the rows of a request: chooses texts and turns them into tokens.
///
/// The same files, request and tokenizer give the same rows on any number of threads.
///
/// - Parameter path: the dataset's file or folder.
/// - Throws: ``CorporaError`` when a file, column or class does not exist, and for texts and labels that
///   are not what the dataset promises.
/// - Source: the functions of SAE Bench 0.6.0 and sae-probes 0.4.2 that the choices of texts name;
///   differences are in the catalogue, `Sources/SAEval/SAEval.docc/Differences.md`.
/// - Cost: two passes over the tables for the rows, one for the labels and one for the texts;
///   memory for the tokens and for the texts of one batch.
public func textRows(
    _ request: TextRequest, at path: String, tokenizer: Tokenizer, threads: Int
) throws -> TextRows {
    let chosen = try chosenTexts(request, at: path)
    var order: [ChosenTexts.Row] = []
    var positions: [ChosenTexts.Row: Int] = [:]
    var rows = chosen.groups.flatMap(\.rows)
    // The texts of a dataset of two classes keep its order, which is that of upstream's arrays.
    if case .binary = request.selection { rows.sort { $0.row < $1.row } }
    for row in rows where positions[row] == nil {
        positions[row] = order.count
        order.append(row)
    }
    let texts = try TextTokens(request, tokenizer: tokenizer)
    let tokens = try TextCollector(chosen: chosen, positions: positions, threads: threads)
        .map { text, fault in try texts.tokens(of: text, fault: fault) }
    let groups = chosen.groups.map { group in
        TextRows.Group(
            name: group.name, split: group.split, texts: group.rows.compactMap { positions[$0] })
    }
    let names = chosen.tableNames
    return TextRows(
        joining: tokens, stored: texts.storedIndices, groups: groups,
        sources: order.map { "\(names[$0.table]):\($0.row)" })
}

/// The rows that a request takes.
func chosenTexts(_ request: TextRequest, at path: String) throws -> ChosenTexts {
    switch request.selection {
    case .classes(let train, let test, let seed, let classes):
        return try ClassChoice(
            family: .named(request.dataset), classes: classes, train: train, test: test, seed: seed
        ).chosen(at: path)
    case .pair(let first, let second, let train, let test, let seed):
        return try PairChoice(
            family: .named(request.dataset), first: first, second: second, train: train,
            test: test, seed: seed
        ).chosen(at: path)
    case .binary(let limit):
        return try BinaryChoice(dataset: request.dataset, limit: limit).chosen(at: path)
    }
}

extension ChosenTexts {
    /// The tables' names for people, with their folders where two share a name.
    var tableNames: [String] {
        let names = sources.map(\.file.name)
        guard Set(names).count < names.count else { return names }
        return sources.map {
            "\(lastComponent(of: parentFolder(of: $0.file.path)))/\($0.file.name)"
        }
    }
}

extension TextRows {
    /// Joins the tokens of texts.
    ///
    /// - Parameter stored: the indices within a text whose activations are stored.
    init(
        joining texts: [[Int32]], stored storedIndices: ([Int32]) -> [Int], groups: [Group],
        sources: [String]
    ) {
        var (starts, stored, storedStarts) = ([0], [Int](), [0])
        for text in texts {
            let start = starts[starts.count - 1]
            stored += storedIndices(text).map { start + $0 }
            starts.append(start + text.count)
            storedStarts.append(stored.count)
        }
        self.init(
            tokens: texts.flatMap { $0 }, starts: starts, stored: stored,
            storedStarts: storedStarts, groups: groups, sources: sources)
    }
}
