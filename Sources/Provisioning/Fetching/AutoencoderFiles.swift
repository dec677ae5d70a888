import Basics
import Formats
import Hub

/// The files of a repository of autoencoders that a selection reads, told by their names alone.
///
/// An autoencoder goes by `<repository's name>/<its path in the repository>`. Where that path, or a
/// folder above it, matches, everything below counts, so nothing that a run reads is left out.
struct AutoencoderFiles {
    /// A folder in the repository; nil is all of it.
    var folder: String?
    /// Regular expressions that must all match `<release>/<id>` as a whole.
    var matches: [String] = []

    /// The endings of weights.
    private static let weights = [".safetensors", ".npz", ".npy", ".pt", ".pth"]
    /// The endings of what describes them.
    private static let descriptions = [".json", ".yaml", ".yml"]

    /// The files of a repository that are read.
    ///
    /// - Throws: ``RunError`` when nothing is selected.
    func needed(in listing: HubListing) throws -> [HubFile] {
        let start = folder.map { $0 + "/" } ?? ""
        let inside = listing.files.filter { $0.path.hasPrefix(start) }
        guard inside.contains(where: { Self.isWeight($0.path) }) else {
            throw RunError(
                .unsuitable,
                "Repository `\(listing.id.text)` has no weights of autoencoders"
                    + (folder.map { " below \($0)" } ?? ""),
                advice: "one with files that end in \(Self.weights.joined(separator: ", "))")
        }
        var chosen = inside.filter { Self.isWeight($0.path) }
        for match in matches {
            var memory: [String: Bool] = [:]
            chosen = try chosen.filter {
                try isSelected($0.path, release: listing.id.name, by: match, &memory)
            }
        }
        guard !chosen.isEmpty else {
            let folders = Set(
                inside.filter { Self.isWeight($0.path) }.map { Self.folder(of: $0.path) })
            let examples = folders.sorted().prefix(3).map { "\(listing.id.name)/\($0)" }
            throw RunError(
                .unsuitable,
                "No autoencoder of `\(listing.id.text)` matches "
                    + matches.map { "`\($0)`" }.joined(separator: " and "),
                advice: "an expression for names such as \(examples.joined(separator: ", "))")
        }
        // Descriptions are beside the weights or, for some layouts, above them.
        var folders: Set<String> = []
        for file in chosen {
            var folder = Self.folder(of: file.path)
            while folders.insert(folder).inserted, !folder.isEmpty {
                folder = Self.folder(of: folder)
            }
        }
        let weights = Set(chosen.map(\.path))
        return listing.files.filter { file in
            weights.contains(file.path)
                || (Self.isDescription(file.path) && folders.contains(Self.folder(of: file.path)))
        }
    }

    /// Whether a path or a folder above it matches.
    private func isSelected(
        _ path: String, release: String, by match: String, _ memory: inout [String: Bool]
    ) throws -> Bool {
        if let known = memory[path] { return known }
        let isRoot = path.isEmpty
        let name = isRoot ? "\(release)/\(release)" : "\(release)/\(path)"
        var isSelected = try Regex(match).wholeMatch(in: name) != nil
        if !isSelected, !isRoot {
            isSelected = try self.isSelected(
                Self.folder(of: path), release: release, by: match, &memory)
        }
        memory[path] = isSelected
        return isSelected
    }

    /// The folder of a path; empty for the repository itself.
    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    /// Whether a file may hold weights.
    private static func isWeight(_ path: String) -> Bool {
        weights.contains { path.hasSuffix($0) }
    }

    /// Whether a file may describe weights.
    private static func isDescription(_ path: String) -> Bool {
        descriptions.contains { path.hasSuffix($0) }
    }
}
