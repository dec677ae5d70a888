import Basics
import Glibc

/// The folder in which the Hugging Face tools keep what they downloaded.
///
/// - Source: the cache layout of `huggingface_hub`: `models--org--name/{refs,snapshots,blobs}`.
public struct HubCache: Sendable {
    /// What a hub id names.
    public enum Kind: String, Sendable { case model, dataset }

    /// The folder that holds one folder for each repository.
    public let folder: String
    /// The command that fills the cache, for messages about what is not there.
    public let fetchCommand: String

    /// The command where no config is known.
    public static let anyFetchCommand = "saeval fetch CONFIG"

    /// A cache in a folder of choice.
    public init(folder: String, fetchCommand: String = anyFetchCommand) {
        (self.folder, self.fetchCommand) = (folder, fetchCommand)
    }

    /// The cache that the environment names: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `~/.cache/huggingface/hub`.
    public init(
        fetchCommand: String = anyFetchCommand,
        environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) {
        self.fetchCommand = fetchCommand
        func value(_ name: String) -> String? {
            guard let text = environment(name), !text.isEmpty else { return nil }
            guard text == "~" || text.hasPrefix("~/") else { return text }
            return (environment("HOME") ?? "") + text.dropFirst()
        }
        if let folder = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") {
            self.folder = folder
        } else if let home = value("HF_HOME") {
            folder = "\(home)/hub"
        } else {
            let caches = value("XDG_CACHE_HOME") ?? "\(value("HOME") ?? "")/.cache"
            folder = "\(caches)/huggingface/hub"
        }
    }

    /// The local folder of a model or dataset: `id` itself when it is a folder, else its snapshot.
    ///
    /// - Throws: ``FormatError`` when neither is there.
    public func resolve(_ id: String, kind: Kind = .model) throws(FormatError) -> String {
        folderExists(id) ? id : try snapshot(of: id, kind: kind)
    }

    /// The folder of a repository in the cache, whether it is there or not.
    public func repositoryFolder(_ repository: String, kind: Kind) -> String {
        "\(folder)/\(kind.rawValue)s--\(repository.replacing("/", with: "--"))"
    }

    /// What to do about something that is not there.
    public var advice: String { "`\(fetchCommand)`, on a machine with a network" }

    /// The snapshot folder of a hub id such as `org/name` or `org/name@revision`.
    ///
    /// - Throws: ``FormatError`` that names the folder looked for and the command that fills it.
    public func snapshot(of id: String, kind: Kind = .model) throws(FormatError) -> String {
        try snapshot(of: HubID(id), kind: kind)
    }

    /// The snapshot folder of a hub id.
    ///
    /// - Throws: ``FormatError`` that names the folder looked for and the command that fills it.
    public func snapshot(of id: HubID, kind: Kind = .model) throws(FormatError) -> String {
        let root = repositoryFolder(id.repository, kind: kind)
        guard folderExists(root) else {
            throw FormatError(
                .missing, "`\(id.text)` is not in the hub cache: there is no folder \(root)",
                advice: advice)
        }
        let commit = self.commit(of: id, kind: kind) ?? id.revision
        let snapshot = "\(root)/snapshots/\(commit)"
        guard SafetensorsFolder.isPlainFileName(commit), folderExists(snapshot) else {
            throw FormatError(
                .missing,
                "The hub cache has no revision `\(id.revision)` of `\(id.repository)`: "
                    + "there is no folder \(snapshot)",
                advice: advice)
        }
        return snapshot
    }

    /// The commit that a branch or tag stood for when it was fetched last; nil when the cache has
    /// no such name.
    public func commit(of id: HubID, kind: Kind) -> String? {
        let reference = "\(repositoryFolder(id.repository, kind: kind))/refs/\(id.revision)"
        guard fileExists(reference), let bytes = try? readFile(reference), bytes.count <= 256 else {
            return nil
        }
        return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    }

    /// The file of a dataset in the cache.
    ///
    /// - Throws: ``FormatError`` that names the file looked for and the command that fetches it.
    public func file(_ path: HubPath) throws(FormatError) -> String {
        let file = "\(try snapshot(of: path.id, kind: .dataset))/\(path.path)"
        guard fileExists(file) else {
            throw FormatError(
                .missing, "The hub cache has no file \(file)", advice: advice)
        }
        return file
    }
}
