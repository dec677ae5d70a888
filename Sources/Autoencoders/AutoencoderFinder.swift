import Basics
import Glibc

/// The autoencoders below a folder, readable or not.
public struct AutoencoderSurvey: Sendable {
    /// A folder that looks like an autoencoder and cannot be read.
    public struct Unread: Sendable {
        /// The folder.
        public var path: String
        /// What is wrong.
        public var reason: String
        /// The error of a damaged configuration or an incomplete folder.
        public var error: any Error
    }

    /// The autoencoders, by release and then id in the order of bytes.
    public var found: [AutoencoderReference] = []
    /// The folders that cannot be read, in the order of their paths.
    public var unread: [Unread] = []

    /// Nothing found.
    public init() {}

    /// Adds what cannot be read, by its name.
    public mutating func add(unread name: String, because error: any Error) {
        unread.append(Unread(path: name, reason: "\(error)", error: error))
    }

    /// One line on the folders that cannot be read; nil when there are none.
    public var note: String? {
        guard !unread.isEmpty else { return nil }
        let folders = unread.count == 1 ? "1 folder holds" : "\(unread.count) folders hold"
        let examples = unread.prefix(3).map { "\($0.path) (\($0.reason))" }.joined(separator: ", ")
        return "\(folders) what cannot be read: \(examples)"
            + (unread.count > 3 ? ", …" : "")
    }
}

/// Finds every autoencoder below a folder, reading configurations and no weights.
///
/// A name has two parts. For a folder that is an autoencoder itself they are its parent's name and
/// its own; one step below the given folder, that folder's name and the step; deeper, the first
/// step and the rest joined by `/`.
///
/// - Throws: ``AutoencoderError`` when the folder is missing, holds no autoencoder, or one of them
///   has a configuration that cannot be read.
public func findAutoencoders(under path: String) throws -> [AutoencoderReference] {
    let survey = try surveyAutoencoders(under: path)
    if let error = survey.unread.first?.error { throw error }
    guard !survey.found.isEmpty else {
        let layouts = autoencoderLayouts.map { "\($0.name) (\($0.files.joined(separator: ", ")))" }
        throw AutoencoderError(
            .missing,
            "\(path) holds no autoencoder; looked for \(layouts.joined(separator: "; "))"
                + (survey.note.map { "; \($0)" } ?? ""),
            advice: "name a folder with these files in it or below it, or describe yours in a "
                + "\(SidecarMetadata.file)")
    }
    return survey.found
}

/// Lists the autoencoders below a folder, readable or not; folders whose names begin with a dot are left
/// out, and so are folders inside an autoencoder's own.
///
/// - Throws: ``AutoencoderError`` when the folder is missing or two autoencoders get one name.
public func surveyAutoencoders(under path: String) throws -> AutoencoderSurvey {
    guard folderExists(path) else {
        let isFile = fileExists(path)
        throw AutoencoderError(
            .missing, isFile ? "\(path) is a file, not a folder" : "Folder \(path) does not exist",
            advice: isFile ? "name the folder that holds it" : "check the path")
    }
    var walk = FolderWalk(root: absolute(path))
    try walk.visit(path, steps: [], above: [])
    walk.survey.found.sort { first, second in
        first.release == second.release
            ? first.id.utf8.lexicographicallyPrecedes(second.id.utf8)
            : first.release.utf8.lexicographicallyPrecedes(second.release.utf8)
    }
    for (first, second) in zip(walk.survey.found, walk.survey.found.dropFirst())
    where first.release == second.release && first.id == second.id {
        throw AutoencoderError(
            .ambiguous, "\(first.path) and \(second.path) both go by \(first.release)/\(first.id)",
            advice: "rename one of them, or name a folder above or below")
    }
    return walk.survey
}

/// A walk over folders, by names in the order of bytes.
private struct FolderWalk {
    /// Where it began, without `.` and `..`.
    let root: [String]
    /// What it found.
    var survey = AutoencoderSurvey()
    /// Folders looked at.
    private var folders = 0
    /// Steps below the root.
    private static let deepest = 16
    /// Folders in all.
    private static let mostFolders = 200_000

    /// Begins at a folder.
    init(root: [String]) { self.root = root }

    /// Looks at a folder and those below it.
    ///
    /// - Parameter above: the identities of the folders above it, so that links cannot lead in
    ///   circles.
    mutating func visit(_ path: String, steps: [String], above: [FolderIdentity]) throws {
        folders += 1
        guard folders <= Self.mostFolders else {
            throw AutoencoderError(
                .unsupported,
                "More than \(Self.mostFolders) folders lie below \(root.joined(separator: "/"))",
                advice: "name a folder nearer to the autoencoders")
        }
        let names = try folderContents(path)
        do {
            let found = try locations(in: path, names)
            for location in found { add(location, steps) }
            if found.contains(where: { !$0.isPerFile }) { return }
        } catch {
            survey.unread.append(.init(path: path, reason: "\(error)", error: error))
            return
        }
        if let layout = incompleteLayouts.first(where: { names.contains($0.file) }) {
            let error = AutoencoderError(
                .missing, "\(path) has \(layout.file) and no \(layout.missing)",
                advice: "download the missing file, or remove the folder")
            survey.unread.append(.init(path: path, reason: layout.name, error: error))
        }
        guard steps.count < Self.deepest, let identity = FolderIdentity(path),
            !above.contains(identity)
        else { return }
        let prefix = path.hasSuffix("/") ? path : path + "/"
        for name in names where !name.hasPrefix(".") && folderExists(prefix + name) {
            try visit(prefix + name, steps: steps + [name], above: above + [identity])
        }
    }

    /// The autoencoders in a folder itself, of the first layout that fits.
    private func locations(in path: String, _ names: [String]) throws -> [AutoencoderLocation] {
        if names.contains(SidecarMetadata.file) {
            return try describedLocations(in: path, names.filter { $0 != SidecarMetadata.file })
        }
        guard let (layout, found) = fittingLayout(in: path, names) else { return [] }
        return locations(in: path, found, layout, nil)
    }

    /// The autoencoders of a folder with a `sae.yaml`, which may name layout and weights.
    private func describedLocations(in path: String, _ names: [String]) throws
        -> [AutoencoderLocation]
    {
        let sidecar = try SidecarMetadata(file: "\(path)/\(SidecarMetadata.file)")
        let layout =
            try sidecar.layout.map { try autoencoderLayout(named: $0, path: sidecar.path) }
            ?? fittingLayout(in: path, names)?.layout
        guard let layout else {
            throw AutoencoderError(
                .missing, "\(sidecar.path) names no `layout`, and the files beside it tell none",
                advice: suggestion(for: "", among: autoencoderLayouts.map(\.name)))
        }
        var found = layout.autoencoders(among: names, in: path)
        if let weights = try sidecar.text("weights") {
            let others =
                found.first { $0.first == weights } ?? (layout.isPerFile ? [] : found.first)
            found = [[weights] + (others ?? []).dropFirst()]
        } else if layout is CustomLayout {
            found = names.filter(isFileOfTensors).map { [$0] }
        } else if layout is IdentityLayout {
            found = [[SidecarMetadata.file]]
        }
        guard let first = found.first?.first else {
            throw AutoencoderError(
                .missing, "\(path) has no files of the layout `\(layout.name)`",
                advice: "\(layout.files.joined(separator: " and ")), or `weights:` and a file in "
                    + sidecar.path)
        }
        let isOfOne = try layout is CustomLayout || sidecar.text("hook") != nil
        guard found.count == 1 || !isOfOne else {
            throw AutoencoderError(
                .ambiguous,
                "\(sidecar.path) describes one autoencoder, and \(found.count) lie beside it",
                advice: "`weights: \(first)` in it, and a folder for each of the others")
        }
        return locations(in: path, found, layout, sidecar)
    }

    /// The locations of some autoencoders of one layout.
    private func locations(
        in path: String, _ found: [[String]], _ layout: any AutoencoderLayout,
        _ sidecar: SidecarMetadata?
    ) -> [AutoencoderLocation] {
        found.map {
            AutoencoderLocation(
                folder: path, files: $0, layout: layout.name, isPerFile: layout.isPerFile,
                sidecar: sidecar)
        }
    }

    /// Describes an autoencoder and adds it to what was found, or to what cannot be read.
    private mutating func add(_ location: AutoencoderLocation, _ steps: [String]) {
        do {
            let layout = try autoencoderLayout(named: location.layout, path: location.path)
            let (release, id) = name(
                of: location.isPerFile ? steps + [stem(of: location.weights)] : steps)
            survey.found.append(try layout.reference(to: location, release: release, id: id))
        } catch {
            survey.unread.append(.init(path: location.path, reason: "\(error)", error: error))
        }
    }

    /// The two parts of the name of a folder.
    private func name(of steps: [String]) -> (release: String, id: String) {
        let last = root.last ?? "/"
        switch steps.count {
        case 0: return (root.dropLast().last ?? "/", last)
        case 1: return (last, steps[0])
        default: return (steps[0], steps.dropFirst().joined(separator: "/"))
        }
    }
}

/// Whether a name ends as files of tensors do.
private func isFileOfTensors(_ name: String) -> Bool {
    [".safetensors", ".npz", ".pt", ".pth", ".bin"].contains { name.hasSuffix($0) }
}

/// The last component of a path without its ending.
private func stem(of path: String) -> String {
    let name = lastComponent(of: path)
    return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
}

/// What tells folders apart, whatever path leads to them.
private struct FolderIdentity: Equatable {
    /// The file system and the folder's number in it.
    private let device: UInt
    private let number: UInt

    /// Asks the file system; nil when the folder is gone.
    init?(_ path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        (device, number) = (UInt(information.st_dev), UInt(information.st_ino))
    }
}
