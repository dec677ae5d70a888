import Basics
import Formats

/// The files of a dataset's tables.
///
/// A dataset is a folder that holds `train` and `test` as `.jsonl` or `.csv`, plain or ending in
/// `.zst` or `.gz`, also within a folder `data`. The languages of europarl may be in folders of the
/// hub's names instead: `en-fr/train.jsonl` with a column `translation`.
struct TextFiles {
    /// The tables in the order in which they are read.
    var tables: [Table]

    /// A table and which part of the dataset it is.
    struct Table {
        var file: TableFile
        var split: TextRows.Split
        /// The class whose texts alone it holds; nil when a column tells the class.
        var label: String?
    }

    /// Finds the tables of a family.
    ///
    /// - Throws: ``CorporaError`` when one does not exist, or exists as Parquet.
    init(of family: TextFamily, classes: [String], at path: String) throws {
        if fileExists(path) {
            guard family.splits == [.train] else {
                throw CorporaError(
                    .missing, "Dataset \(family.id) is the file \(path), but has two splits",
                    advice: "name a folder that holds train.jsonl and test.jsonl")
            }
            tables = [Table(file: try TableFile(path: path), split: .train)]
            return
        }
        guard folderExists(path) else {
            throw CorporaError(
                .missing, "Dataset \(family.id): there is no file or folder \(path)",
                advice: "correct the path under `datasets:`")
        }
        if case .firstSentences = family.rule,
            try findTable(named: "train", in: [path, "\(path)/data"]) == nil,
            let tables = try Self.languages(classes, in: path)
        {
            self.tables = tables
            return
        }
        tables = try family.splits.map { split in
            let folders = [path, "\(path)/data"]
            guard let file = try findTable(named: split.rawValue, in: folders) else {
                throw Self.missing(split.rawValue, of: family.id, in: folders)
            }
            return Table(file: file, split: split)
        }
    }

    /// The tables of languages in folders of their own; nil when no such folder is there.
    private static func languages(_ classes: [String], in path: String) throws -> [Table]? {
        let pairs = classes.map { TextFamily.languagePairs[$0] ?? $0 }
        guard pairs.contains(where: { folderExists("\(path)/\($0)") }) else { return nil }
        return try zip(classes, pairs).map { language, pair in
            let folder = "\(path)/\(pair)"
            guard let file = try findTable(named: "train", in: [folder]) else {
                throw missing("train", of: "Helsinki-NLP/europarl (\(language))", in: [folder])
            }
            return Table(file: file, split: .train, label: language)
        }
    }

    /// The error of a split that is nowhere.
    private static func missing(_ name: String, of dataset: String, in folders: [String])
        -> CorporaError
    {
        for folder in folders {
            let names = (try? folderContents(folder)) ?? []
            if let parquet = names.first(where: { $0.hasPrefix(name) && $0.hasSuffix(".parquet") })
            {
                return CorporaError(
                    .unsupported, "Dataset \(dataset) is stored as Parquet in \(folder)/\(parquet)",
                    advice: "convert it once with `saeval data import`")
            }
        }
        return CorporaError(
            .missing,
            "Dataset \(dataset) has no \(name).jsonl, .jsonl.zst, .jsonl.gz or \(name).csv in \(folders[0])",
            advice:
                "correct the path under `datasets:`, or get the dataset with `saeval data import`"
        )
    }
}

/// The table of a name in the first of some folders that has one.
private func findTable(named name: String, in folders: [String]) throws -> TableFile? {
    for folder in folders {
        for ending in TableFile.endings {
            for (compression, _) in Compression.endings {
                let path = "\(folder)/\(name)\(ending)\(compression)"
                if fileExists(path) { return try TableFile(path: path) }
            }
        }
    }
    return nil
}

/// The table of a dataset of two classes: a file, or one of the dataset's name in the folder of the
/// `sae-probes` package or below it.
///
/// - Throws: ``CorporaError`` when it does not exist.
func binaryTable(of dataset: String, at path: String) throws -> TableFile {
    guard folderExists(path) else {
        if fileExists(path) { return try TableFile(path: path) }
        throw CorporaError(
            .missing, "Dataset \(dataset): there is no file or folder \(path)",
            advice: "correct the path under `datasets:`")
    }
    let name = lastComponent(of: dataset)
    let folders = [path, "\(path)/data/cleaned_data", "\(path)/cleaned_data"]
    if let file = try findTable(named: name, in: folders) { return file }
    throw CorporaError(
        .missing, "Dataset \(dataset): there is no \(name).csv.zst, .csv or .jsonl in \(path)",
        advice: "name the folder of the sae-probes package, or of its cleaned_data")
}

/// The files that a request reads, for keys of content.
///
/// - Parameter path: the dataset's file or folder.
/// - Throws: ``CorporaError`` when one of them does not exist, or the request is of no known family.
public func textFiles(of request: TextRequest, at path: String) throws -> [String] {
    switch request.selection {
    case .binary: return [try binaryTable(of: request.dataset, at: path).path]
    case .classes(_, _, _, let classes):
        let family = try TextFamily.named(request.dataset)
        return try TextFiles(of: family, classes: classes ?? family.classes, at: path)
            .tables.map(\.file.path)
    case .pair:
        let family = try TextFamily.named(request.dataset)
        return try TextFiles(of: family, classes: family.classes, at: path).tables.map(\.file.path)
    }
}
