import Basics

/// A file of a dataset repository on the hub, written `hf://datasets/org/name@revision/path`.
///
/// - Source: the addresses of `huggingface_hub`'s file system.
public struct HubPath: Sendable, Hashable {
    /// The repository and its revision.
    public let id: HubID
    /// The path of the file in the repository.
    public let path: String

    /// What such an address begins with.
    public static let start = "hf://datasets/"

    /// Whether a text claims to be such an address.
    public static func isHubPath(_ text: String) -> Bool { text.hasPrefix("hf://") }

    /// Reads an address; a revision with a `/` in it is written with `%2F`.
    ///
    /// - Throws: ``FormatError`` that says how it is written.
    public init(_ text: String) throws(FormatError) {
        let wrong = FormatError(
            .malformed, "`\(text)` names no file of a dataset on the hub",
            advice: "write hf://datasets/org/name/path/in/it.jsonl, or org/name@revision")
        guard text.hasPrefix(Self.start) else { throw wrong }
        let parts = text.dropFirst(Self.start.count).split(
            separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3,
            let id = try? HubID("\(parts[0])/\(parts[1])".replacing("%2F", with: "/")),
            HubID.isInnerPath(String(parts[2]))
        else { throw wrong }
        (self.id, path) = (id, String(parts[2]))
    }
}
