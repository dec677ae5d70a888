import Basics
import Glibc

/// The folder of artifacts that runs share.
///
/// A name says what a file is and which content it has; whether that is true is found in the file.
public struct ArtifactStore: Sendable {
    /// The folder.
    public let folder: String

    /// Names a folder; nothing is made before something is written.
    public init(folder: String) { self.folder = folder }

    /// The path of activations at one hook.
    public func activationsPath(hook: String, key: ContentHash) -> String {
        "\(folder)/\(Artifact.Kind.activations.rawValue)/\(Self.fileName(of: hook))-\(key.short).h5"
    }

    /// The path of token rows.
    ///
    /// Whoever writes the file puts `producer` = `saeval` and `content_key` into its safetensors
    /// metadata; without them ``remove(matching:)`` leaves it alone.
    public func tokensPath(key: ContentHash) -> String {
        "\(folder)/\(Artifact.Kind.tokens.rawValue)/\(key.hex).safetensors"
    }

    /// All artifacts, by kind and name, unfinished and damaged ones too.
    ///
    /// - Throws: ``BasicsError`` when a folder cannot be read. No folder at all is no artifact.
    public func list() throws -> [Artifact] {
        try Artifact.Kind.allCases.flatMap { kind -> [Artifact] in
            let subfolder = "\(folder)/\(kind.rawValue)"
            guard folderExists(subfolder) else { return [] }
            return try folderContents(subfolder).compactMap {
                Artifact(kind: kind, path: "\(subfolder)/\($0)")
            }
        }
    }

    /// What ``remove(matching:)`` did.
    public struct Removal: Sendable {
        /// What is gone.
        public var removed: [Artifact] = []
        /// What was asked for but left, and why.
        public var kept: [(artifact: Artifact, reason: String)] = []
    }

    /// Deletes the artifacts that a condition picks, if their content says that they are ours.
    ///
    /// Files that somebody else wrote, that cannot be read or that a run is writing are left,
    /// with the reason.
    public func remove(matching condition: (Artifact) -> Bool) throws -> Removal {
        var removal = Removal()
        for artifact in try list() where condition(artifact) {
            do {
                try remove(artifact)
                removal.removed.append(artifact)
            } catch {
                removal.kept.append((artifact, "\(error)"))
            }
        }
        if !removal.removed.isEmpty {
            for kind in Artifact.Kind.allCases { flushFolder(of: "\(folder)/\(kind.rawValue)/") }
        }
        return removal
    }

    /// Deletes one artifact, unless it is not ours or in use.
    private func remove(_ artifact: Artifact) throws {
        if let problem = artifact.problem {
            throw StorageError(
                .foreign, "\(artifact.path) is not known to be an artifact: \(problem)",
                advice: "delete it by hand")
        }
        guard artifact.kind == .activations else {
            guard unlink(artifact.path) == 0 else {
                throw StorageError.system(artifact.path, "removed")
            }
            return
        }
        let name = artifact.path
        let final = name.hasSuffix(".partial") ? String(name.dropLast(".partial".count)) : name
        let lock = try FileLock(path: ActivationFile.lockPath(of: final), purpose: .activations)
        try withExtendedLifetime(lock) {
            guard unlink(name) == 0 else { throw StorageError.system(name, "removed") }
        }
    }

    /// Text that is safe as a part of a file name.
    private static func fileName(of text: String) -> String {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        let name = String(text.map { allowed.contains($0) ? $0 : "_" })
        return name.hasPrefix(".") ? "_" + name.dropFirst() : name
    }
}
