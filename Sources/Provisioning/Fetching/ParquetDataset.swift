import Basics
import Formats

/// The Parquet files of a dataset, found in the hub's cache or in a folder, by configuration and
/// split.
///
/// - Source: the names that the hub's dataset repositories use: `data/train-00000-of-00002.parquet`
///   with an optional hash before the ending, `<configuration>/train-….parquet`, `train.parquet`,
///   and `<configuration>/<split>/0000.parquet` of the hub's own conversion.
public struct ParquetDataset: Sendable, Equatable {
    /// The files of one split in the order of their rows.
    public struct Split: Sendable, Equatable {
        /// The dataset's configuration, such as `en-fr`; nil when it has only one.
        public var configuration: String?
        /// The split, such as `train`.
        public var name: String
        /// Paths of the files.
        public var files: [String]
        /// What keeps the files from being the whole split; nil when nothing does.
        public var gap: String?
    }

    /// The folder that was searched.
    public let folder: String
    /// The splits, sorted by configuration and name.
    public let splits: [Split]

    /// The revision of the hub's own conversion to Parquet.
    static let convertedRevision = "refs/convert/parquet"
    /// Folders that name no configuration.
    private static let plainFolders = ["data", "default"]
    /// How deep files may be.
    private static let deepest = 6

    /// Finds the files of a dataset in the cache: at the revision that is named, else on its main
    /// branch, else in the hub's own conversion.
    ///
    /// - Throws: ``RunError`` or `FormatError` that says how to get them.
    public init(_ id: HubID, in cache: HubCache) throws {
        let advice =
            "`hf download --repo-type dataset \(id.repository)` of the Hugging Face tools on a machine "
            + "with a network, or --from FOLDER with its Parquet files"
        let root = cache.repositoryFolder(id.repository, kind: .dataset)
        guard folderExists(root) else {
            throw RunError(
                .missing,
                "Dataset `\(id.text)` is not in the hub cache: there is no folder \(root)",
                advice: advice)
        }
        var revisions = [id]
        if id.givenRevision == nil {
            revisions.append(try HubID("\(id.repository)@\(Self.convertedRevision)"))
        }
        let folders = revisions.compactMap { try? cache.snapshot(of: $0, kind: .dataset) }
        for folder in folders {
            let found = try Self.splits(below: folder)
            guard found.isEmpty else {
                (self.folder, splits) = (folder, found)
                return
            }
        }
        throw RunError(
            .missing, "The hub cache has no Parquet files of dataset `\(id.text)` below \(root)",
            advice: "\(advice); .jsonl and .csv files need no import")
    }

    /// Finds the files below a folder.
    ///
    /// - Throws: ``RunError`` when there are none.
    public init(folder: String) throws {
        guard folderExists(folder) else {
            throw RunError(
                .missing, "Folder \(folder) does not exist", advice: "a folder with Parquet files")
        }
        (self.folder, splits) = (folder, try Self.splits(below: folder))
        guard !splits.isEmpty else {
            throw RunError(
                .missing, "There are no Parquet files below \(folder)",
                advice: "a folder with files such as train-00000-of-00001.parquet")
        }
    }

    /// The splits among the files below a folder.
    private static func splits(below folder: String) throws -> [Split] {
        var groups: [[String]: [Piece]] = [:]
        for path in try parquetFiles(below: folder, depth: 0) {
            var parents = path.split(separator: "/").map(String.init)
            let stem = String(parents.removeLast().dropLast(".parquet".count))
            var piece = Piece(stem: stem, path: "\(folder)/\(path)")
            if let number = Int(stem), let parent = parents.popLast() {
                piece.split = parent
                piece.index = number
                if parent.hasPrefix("partial-") {
                    piece.split = String(parent.dropFirst("partial-".count))
                    piece.isFromPart = true
                }
            }
            if let last = parents.last, plainFolders.contains(last) { parents.removeLast() }
            groups[[parents.joined(separator: "/"), piece.split], default: []].append(piece)
        }
        let sorted = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return try sorted.map { key, members in
            let pieces = members.sorted { ($0.index, $0.path) < ($1.index, $1.path) }
            return Split(
                configuration: key[0].isEmpty ? nil : key[0], name: key[1],
                files: pieces.map(\.path), gap: try gap(in: pieces))
        }
    }

    /// Paths of the Parquet files below a folder, by bytes.
    private static func parquetFiles(below folder: String, depth: Int) throws -> [String] {
        guard depth <= deepest else { return [] }
        return try folderContents(folder).flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            if folderExists(path) {
                return try parquetFiles(below: path, depth: depth + 1).map { "\(name)/\($0)" }
            }
            return name.hasSuffix(".parquet") && fileExists(path) ? [name] : []
        }
    }

    /// What is missing among the pieces of a split, which are sorted by index.
    ///
    /// - Throws: ``RunError`` for pieces that are not of one split.
    private static func gap(in pieces: [Piece]) throws(RunError) -> String? {
        let total = pieces[0].total
        let twins = zip(pieces, pieces.dropFirst()).first {
            $0.index == $1.index || $1.total != total
        }
        if let twins {
            throw RunError(
                .unsuitable,
                "\(twins.0.path) and \(twins.1.path) cannot both be files of one split",
                advice: "--from FOLDER with the files of one version")
        }
        if let (index, _) = pieces.enumerated().first(where: { $0 != $1.index }) {
            return "the file with the number \(index) is missing"
        }
        if pieces.contains(where: \.isFromPart) { return "the hub converted only its beginning" }
        if let total, pieces.count < total {
            return "\(pieces.count) of \(total) files are there"
        }
        return nil
    }
}

/// One file of a split.
private struct Piece {
    /// The split that its name tells.
    var split: String
    /// Its index among the files of the split.
    var index = 0
    /// How many files the split has; nil when names do not say so.
    var total: Int?
    /// Whether the hub converted only a part of the split.
    var isFromPart = false
    /// Its path.
    var path: String

    /// Reads `train-00000-of-00002`, perhaps with a hash behind; any other name is the split's.
    init(stem: String, path: String) {
        (split, self.path) = (stem, path)
        guard let match = stem.wholeMatch(of: #/(.+?)-(\d{5,9})-of-(\d{5,9})(-\w+)?/#),
            let index = Int(match.2), let total = Int(match.3)
        else { return }
        (split, self.index, self.total) = (String(match.1), index, total)
    }
}
