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

    /// A cache in a folder of choice.
    public init(folder: String) { self.folder = folder }

    /// The cache that the environment names: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `~/.cache/huggingface/hub`.
    public init(
        environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) {
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

    /// The snapshot folder of a hub id such as `org/name` or `org/name@revision`.
    ///
    /// - Throws: ``FormatError`` that names the folder looked for and the command that fills it.
    public func snapshot(of id: String, kind: Kind = .model) throws(FormatError) -> String {
        let parts = id.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let name = parts[0]
        let revision = parts.count > 1 ? parts[1] : "main"
        guard Self.isRepositoryName(name), Self.isRevision(revision) else {
            throw FormatError(
                .malformed, "`\(id)` is neither a folder nor a hub id",
                advice: "a folder that exists, or `org/name`, or `org/name@revision`")
        }
        let place = "\(folder)/\(kind.rawValue)s--\(name.replacing("/", with: "--"))"
        let option =
            (kind == .dataset ? " --repo-type dataset" : "")
            + (parts.count > 1 ? " --revision \(revision)" : "")
        let advice = "huggingface-cli download \(name)\(option)"
        guard folderExists(place) else {
            throw FormatError(
                .missing, "`\(id)` is not in the hub cache: there is no folder \(place)",
                advice: advice)
        }
        var commit = revision
        let reference = "\(place)/refs/\(revision)"
        if fileExists(reference), let bytes = try? readFile(reference), bytes.count <= 256 {
            commit = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
        }
        let snapshot = "\(place)/snapshots/\(commit)"
        guard SafetensorsFolder.isPlainFileName(commit), folderExists(snapshot) else {
            throw FormatError(
                .missing,
                "The hub cache has no revision `\(revision)` of `\(name)`: "
                    + "there is no folder \(snapshot)",
                advice: advice)
        }
        return snapshot
    }

    /// Whether a text is `name` or `org/name` in the characters that the hub allows.
    private static func isRepositoryName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count) && parts.allSatisfy(isPart)
    }

    /// Whether a text is a branch, tag or commit that stays inside its folder.
    private static func isRevision(_ revision: String) -> Bool {
        revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isPart)
    }

    /// Whether a text is one part of a path in the characters that the hub allows.
    private static func isPart(_ part: Substring) -> Bool {
        !part.isEmpty && part != "." && part != ".."
            && part.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0)
                    || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            }
    }
}
