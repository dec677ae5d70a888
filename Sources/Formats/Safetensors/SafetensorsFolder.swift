import Basics
import Tensors

/// The weights of a Hugging Face model folder: one safetensors file or several shards with an
/// index.
public final class SafetensorsFolder: TensorSource {
    /// The folder as given.
    public let path: String
    /// The names of the weight files in the folder, sorted by bytes.
    public let files: [String]
    /// The names of all tensors, sorted by bytes.
    public let tensorNames: [String]
    /// The file that holds each tensor.
    private let owners: [String: SafetensorsFile]

    /// The name of the only weight file of a small model.
    public static let single = "model.safetensors"
    /// The name of the table that says which shard holds which tensor.
    public static let index = "model.safetensors.index.json"
    /// The largest number of shards that is opened.
    static let mostShards = 10_000

    /// Opens the weight files of a folder and checks all their headers.
    ///
    /// - Throws: ``FormatError`` when there are none, when the index names a file that does not
    ///   exist or is outside the folder, or when a shard lacks a tensor that the index promises.
    public init(path: String) throws(FormatError) {
        self.path = path
        if fileExists("\(path)/\(Self.single)") {
            let file = try SafetensorsFile(path: "\(path)/\(Self.single)")
            files = [Self.single]
            tensorNames = file.tensorNames
            owners = Dictionary(uniqueKeysWithValues: file.tensorNames.map { ($0, file) })
            return
        }
        guard fileExists("\(path)/\(Self.index)") else {
            throw FormatError(
                .missing, "\(path) holds neither \(Self.single) nor \(Self.index)",
                advice: "name the folder of a model whose weights are safetensors")
        }
        let entries = try Self.entries(inIndex: "\(path)/\(Self.index)")
        files = try Self.distinct(entries.map(\.file), source: "\(path)/\(Self.index)")
        var shards: [String: SafetensorsFile] = [:]
        for name in files { shards[name] = try SafetensorsFile(path: "\(path)/\(name)") }
        var owners: [String: SafetensorsFile] = [:]
        for entry in entries {
            guard let shard = shards[entry.file], shard.contains(entry.tensor) else {
                throw FormatError(
                    .malformed,
                    "\(path)/\(Self.index) puts tensor `\(entry.tensor)` into "
                        + "\(entry.file), which lacks it",
                    advice: "download the folder again, index and shards from one revision")
            }
            owners[entry.tensor] = shard
        }
        self.owners = owners
        tensorNames = sortedByBytes(owners.keys)
    }

    /// Whether a tensor of that name is there.
    public func contains(_ name: String) -> Bool { owners[name] != nil }

    /// The lengths of the axes of a tensor.
    public func shape(of name: String) throws(FormatError) -> [Int] {
        try owner(of: name).shape(of: name)
    }

    /// How the elements of a tensor are stored.
    public func type(of name: String) throws(FormatError) -> ElementType {
        try owner(of: name).type(of: name)
    }

    /// The tensor of a name, sharing the mapping of its shard.
    public func tensor(_ name: String) throws(FormatError) -> Tensor {
        try owner(of: name).tensor(name)
    }

    /// The file that holds a tensor.
    private func owner(of name: String) throws(FormatError) -> SafetensorsFile {
        guard let owner = owners[name] else { throw missingTensor(name) }
        return owner
    }

    /// Reads `weight_map` and accepts plain file names alone, so that no index leads out of its
    /// folder.
    private static func entries(
        inIndex path: String
    ) throws(FormatError) -> [(tensor: String, file: String)] {
        let json: JSON
        do {
            json = try JSON(file: path)
        } catch {
            throw FormatError(
                .malformed, "\(path) is not JSON", advice: "download the file again", cause: error)
        }
        return try entries(inIndex: json, source: path)
    }

    /// The files that an index names, sorted by bytes.
    ///
    /// - Parameter source: the index in messages.
    /// - Throws: ``FormatError`` for a name that leads out of the folder, or too many of them.
    public static func shards(
        inIndex json: JSON, source: String
    ) throws(FormatError) -> [String] {
        try distinct(entries(inIndex: json, source: source).map(\.file), source: source)
    }

    /// Names without repetition, sorted by bytes.
    private static func distinct(
        _ names: [String], source: String
    ) throws(FormatError) -> [String] {
        let files = sortedByBytes(Set(names))
        guard files.count <= mostShards else {
            throw FormatError(
                .tooLarge, "\(source) names \(files.count) shards, the limit is \(mostShards)",
                advice: "check that the index is the model's own")
        }
        return files
    }

    /// The file of each tensor of an index.
    private static func entries(
        inIndex json: JSON, source path: String
    ) throws(FormatError) -> [(tensor: String, file: String)] {
        guard let members = json["weight_map"]?.members else {
            throw FormatError(
                .malformed, "\(path) has no object `weight_map`", advice: "download the file again")
        }
        var entries: [(tensor: String, file: String)] = []
        for member in members {
            guard let file = member.value.text, isPlainFileName(file) else {
                throw FormatError(
                    .malformed,
                    "\(path) puts tensor `\(member.key)` into "
                        + "\(member.value.text()), which is no file of this folder",
                    advice: "use an index whose shards are in the same folder")
            }
            entries.append((member.key, file))
        }
        return entries
    }

    /// Whether a name stays inside the folder it is read from.
    static func isPlainFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
            && !name.utf8.contains(0)
    }
}
