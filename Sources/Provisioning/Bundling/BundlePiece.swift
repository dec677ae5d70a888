import Basics
import Glibc

/// One file of a bundle.
struct BundlePiece: Equatable {
    /// What a file is for.
    enum Kind: String {
        case program, tool, library, plugin, text, extra, licence
    }

    /// What it is for.
    var kind: Kind
    /// Its path on this machine.
    var source: String
    /// Its path in the bundle, such as `lib/libz.so.1`.
    var target: String

    /// Whether it holds code that the loader reads.
    var isCode: Bool { [.program, .tool, .library, .plugin].contains(kind) }
}

// MARK: - Files that are asked for

extension BundlePiece {
    /// The files of a path that the user wants in the bundle: a file, or all below a folder.
    ///
    /// A relative path keeps its folders, so that configs find what they name; of an absolute one the
    /// last part is kept. Symbolic links become what they point to.
    ///
    /// - Throws: ``RunError`` when nothing is there or the path leads out of the working folder.
    static func extras(at path: String) throws -> [BundlePiece] {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard !parts.isEmpty, !parts.contains("..") else {
            throw RunError(
                .unsuitable, "--with \(path) has no path in a bundle",
                advice: "a path below the working folder, or an absolute one")
        }
        let target =
            path.hasPrefix("/") ? String(parts[parts.count - 1]) : parts.joined(separator: "/")
        let first = target.prefix { $0 != "/" }
        guard !ownNames.contains(String(first)) else {
            throw RunError(
                .unsuitable, "--with \(path) would be \(target), among the bundle's own files",
                advice: "another name than \(ownNames.joined(separator: ", "))")
        }
        if fileExists(path) { return [BundlePiece(kind: .extra, source: path, target: target)] }
        guard folderExists(path) else {
            throw RunError(
                .missing, "--with \(path): there is no such file or folder",
                advice: "a path that exists, seen from the working folder")
        }
        var pieces: [BundlePiece] = []
        try collect(path, target, above: [], into: &pieces)
        return pieces
    }

    /// Names at the top of every bundle.
    static let ownNames = [
        "saeval", "mpirun", "bin", "lib", "libexec", "share", "etc", "licences", "MANIFEST.txt",
    ]

    /// Adds all files below a folder.
    private static func collect(
        _ folder: String, _ target: String, above: [String], into pieces: inout [BundlePiece]
    ) throws {
        let real = realPath(of: folder)
        guard !above.contains(real) else {
            throw RunError(
                .unsuitable, "\(folder) is a link to \(real), a folder above itself",
                advice: "remove the link")
        }
        for name in try folderContents(folder) {
            let path = "\(folder)/\(name)"
            if folderExists(path) {
                try collect(path, "\(target)/\(name)", above: above + [real], into: &pieces)
            } else if fileExists(path) {
                pieces.append(BundlePiece(kind: .extra, source: path, target: "\(target)/\(name)"))
            }
        }
    }
}

// MARK: - Copying

extension BundlePiece {
    /// Copies the file into a folder, executable if it was so here.
    ///
    /// - Throws: ``RunError`` when it cannot be read or the disk is full.
    func copy(to folder: String) throws {
        let path = "\(folder)/\(target)"
        try makeFolder(parentFolder(of: path))
        let file = try MappedFile(path: source)
        let mode: mode_t = access(source, X_OK) == 0 ? 0o755 : 0o644
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Self.failure(path, of: source) }
        defer { close(descriptor) }
        guard file.withBytes({ writeAll($0, to: descriptor) }) else {
            throw Self.failure(path, of: source)
        }
    }

    /// The error of a copy that cannot be written.
    private static func failure(_ path: String, of source: String) -> BasicsError {
        .unwritable("\(source) cannot be copied to \(path)")
    }
}
