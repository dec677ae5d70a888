import Basics

/// The name of a repository on the Hugging Face hub, with the revision that is meant.
public struct HubID: Sendable, Hashable {
    /// `name` or `org/name`.
    public let repository: String
    /// A branch, tag or commit as given; nil means ``mainRevision``.
    public let givenRevision: String?

    /// The revision where none is given.
    public static let mainRevision = "main"

    /// Reads `org/name` or `org/name@revision`.
    ///
    /// - Throws: ``FormatError`` for a text that is neither, or that could lead out of its folder.
    public init(_ text: String) throws(FormatError) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        repository = String(parts[0])
        givenRevision = parts.count > 1 ? String(parts[1]) : nil
        guard Self.isRepositoryName(repository), Self.isRevision(givenRevision ?? "main") else {
            throw FormatError(
                .malformed, "`\(text)` is neither a folder nor a hub id",
                advice: "a folder that exists, or `org/name`, or `org/name@revision`")
        }
    }

    /// The branch, tag or commit.
    public var revision: String { givenRevision ?? Self.mainRevision }

    /// The last part of the repository's name.
    public var name: String { lastComponent(of: repository) }

    /// The id as it is written.
    public var text: String { repository + (givenRevision.map { "@\($0)" } ?? "") }

    /// Whether a text is a path that stays inside the folder it is taken from.
    public static func isInnerPath(_ path: String) -> Bool {
        let parts = path.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return path.utf8.count <= 4000
            && parts.allSatisfy { part in
                let text = Substring(part)
                return (1...255).contains(part.count) && text != "." && text != ".."
                    && !part.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }
            }
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
        (1...255).contains(part.utf8.count) && part != "." && part != ".."
            && part.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0)
                    || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            }
    }
}
