import Basics
import Formats

/// Files of one repository that something needs.
public struct HubFiles: Sendable, Hashable {
    /// Model or dataset; repositories of autoencoders count as models.
    public var kind: HubCache.Kind
    /// `org/name`.
    public var repository: String
    /// A branch, tag or commit.
    public var revision: String
    /// Paths of files, and folders with a `/` at the end of which all files are meant; `/` alone
    /// is the whole repository.
    public var patterns: [String]

    /// Names files.
    public init(
        kind: HubCache.Kind = .model, repository: String,
        revision: String = HubID.mainRevision, patterns: [String]
    ) {
        (self.kind, self.repository) = (kind, repository)
        (self.revision, self.patterns) = (revision, patterns)
    }

    /// The files of a listing that are named.
    ///
    /// - Throws: ``HubError`` for a path or folder that the repository does not have.
    public func chosen(from listing: HubListing) throws(HubError) -> [HubFile] {
        let paths = Set(listing.files.map(\.path))
        for pattern in patterns {
            let isThere =
                pattern == "/" || paths.contains(pattern)
                || (pattern.hasSuffix("/") && paths.contains { $0.hasPrefix(pattern) })
            guard isThere else {
                throw HubError(
                    .notFound, "`\(repository)` has no \(pattern) at revision `\(revision)`",
                    advice: suggestion(for: pattern, among: Array(paths.sorted().prefix(20))))
            }
        }
        let exact = Set(patterns)
        let folders = patterns.filter { $0.hasSuffix("/") }
        return listing.files.filter { file in
            exact.contains(file.path)
                || folders.contains { $0 == "/" || file.path.hasPrefix($0) }
        }
    }
}

/// A file of a repository as the hub describes it.
public struct HubFile: Sendable, Hashable {
    /// The path in the repository.
    public var path: String
    /// The length in bytes.
    public var byteCount: Int
    /// How its bytes are told from others.
    public var digest: HubDigest

    /// Describes a file.
    public init(path: String, byteCount: Int, digest: HubDigest) {
        (self.path, self.byteCount, self.digest) = (path, byteCount, digest)
    }
}

/// The hash under which the hub keeps a file.
public enum HubDigest: Sendable, Hashable {
    /// SHA-256 of the bytes: large files.
    case sha256(String)
    /// SHA-1 of `blob`, a space, the length, a zero byte and the bytes: files that git keeps.
    case gitBlob(String)

    /// The hexadecimal digits: the name of the file in the cache.
    public var hex: String {
        switch self {
        case .sha256(let hex), .gitBlob(let hex): hex
        }
    }
}

/// All files of a repository at one commit.
public struct HubListing: Sendable {
    /// Model or dataset.
    public var kind: HubCache.Kind
    /// The repository and the revision that was asked for.
    public var id: HubID
    /// The commit that the revision stands for.
    public var commit: String
    /// The files, in the order of the hub.
    public var files: [HubFile]

    /// A listing of known files.
    public init(kind: HubCache.Kind, id: HubID, commit: String, files: [HubFile]) {
        (self.kind, self.id, self.commit, self.files) = (kind, id, commit, files)
    }

    /// The file of a path.
    public func file(_ path: String) -> HubFile? { files.first { $0.path == path } }
}

/// Whether a text is a number of lower-case hexadecimal digits.
func isHexadecimal(_ text: String, digits: Int) -> Bool {
    text.utf8.count == digits
        && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}
