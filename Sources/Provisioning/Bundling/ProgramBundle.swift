import Basics
import Glibc

/// A folder with the running program, its libraries and Open MPI, that works wherever it is copied.
public struct ProgramBundle {
    /// What goes in.
    private let inventory: BundleInventory
    /// Its licence texts.
    private let licences: [BundlePiece]
    /// Packages by the paths of files.
    private let packages: [String: PackageRecords.Package]

    /// Finds all that a program needs.
    ///
    /// - Parameters:
    ///   - program: the path of the executable.
    ///   - extras: files and folders that go in besides, such as configs.
    /// - Throws: ``RunError`` when something is missing on this machine.
    public init(of program: String, with extras: [String] = []) throws {
        inventory = try BundleInventory(of: program, extras: extras)
        let code = inventory.pieces.filter { $0.isCode && $0.kind != .program }
        packages = PackageRecords(of: code.map(\.source)).packages
        licences = Licences.texts(
            packages: Set(packages.values.map(\.name)), program: program,
            runtime: code.first { $0.target.hasSuffix("/libswiftCore.so") }?.source)
    }

    /// What a bundle came to.
    public struct Summary: Sendable {
        /// Bytes of all files.
        public var byteCount: Int
        /// How many shared libraries it holds.
        public var libraryCount: Int
        /// The oldest glibc that it starts on, such as `2.36`; nil when that is not known.
        public var glibc: String?
    }

    /// Refuses a folder that holds something.
    ///
    /// - Throws: ``RunError``, also when the path is a file.
    public static func checkVacant(_ folder: String) throws {
        if fileExists(folder) {
            throw RunError(
                .unsuitable, "\(folder) is a file, so no bundle can be made there",
                advice: "another name")
        }
        guard folderExists(folder) else { return }
        let count = try folderContents(folder).count
        guard count == 0 else {
            throw RunError(
                .unsuitable, "Folder \(folder) is there and not empty: it holds \(count) names",
                advice: "another name, or remove it first")
        }
    }

    /// Writes the bundle: beside its path, then under its name, so that a folder of that name is whole.
    ///
    /// - Throws: ``RunError`` when the folder is not empty, cannot be written or does not fit.
    public func write(to folder: String) throws -> Summary {
        let folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        try Self.checkVacant(folder)
        let pieces = inventory.pieces + licences
        try checkSpace(for: pieces, at: folder)
        try makeFolder(parentFolder(of: folder))
        let partial = "\(folder).\(getpid()).partial"
        do {
            try makeFolder(partial)
            for piece in pieces { try piece.copy(to: partial) }
            for script in BundleLaunchers.scripts {
                try writeFile(Array(script.text.utf8), to: "\(partial)/\(script.target)")
                chmod("\(partial)/\(script.target)", 0o755)
            }
            strip(pieces, in: partial)
            let summary = try writeManifest(of: pieces, to: partial)
            try finish(partial, with: pieces, as: folder)
            return summary
        } catch {
            removeTree(partial)
            throw error
        }
    }

    // MARK: - Parts

    /// Refuses to begin where the files do not fit.
    private func checkSpace(for pieces: [BundlePiece], at folder: String) throws {
        try checkFolder(canBeMade: folder)
        let needed = pieces.reduce(1 << 20) { $0 + (fileByteCount($1.source) ?? 0) }
        guard let free = freeBytes(at: folder), free < needed else { return }
        throw RunError(
            .outOfSpace,
            "A bundle in \(folder) needs \(needed >> 20) MiB, and \(free >> 20) MiB are free there",
            advice: "make room, or name a folder of another disk")
    }

    /// Takes symbols for debuggers out of the program and the Swift runtime, where `strip` is installed.
    private func strip(_ pieces: [BundlePiece], in folder: String) {
        guard let strip = ChildProgram(named: "strip") else { return }
        let bulky = pieces.filter { $0.kind == .program || $0.source.contains("/swift/linux/") }
        // A file that strip cannot read stays as it is.
        for piece in bulky { _ = try? strip.run(["\(folder)/\(piece.target)"], input: "") }
    }

    /// Writes the manifest.
    private func writeManifest(of pieces: [BundlePiece], to folder: String) throws -> Summary {
        let byteCounts = pieces.map { fileByteCount("\(folder)/\($0.target)") ?? 0 }
        let floor = GlibcFloor.floor(of: pieces.filter(\.isCode).map(\.source))
        let manifest = BundleManifest(
            pieces: pieces, byteCounts: byteCounts, packages: packages, floor: floor,
            omissions: inventory.omissions)
        try writeFile(Array(manifest.text.utf8), to: "\(folder)/\(BundleManifest.path)")
        return Summary(
            byteCount: byteCounts.reduce(0, +),
            libraryCount: pieces.count { $0.kind == .library }, glibc: floor?.version)
    }

    /// Flushes a folder's files to disk and gives it its name.
    private func finish(_ partial: String, with pieces: [BundlePiece], as folder: String) throws {
        for piece in pieces {
            let descriptor = open("\(partial)/\(piece.target)", O_RDONLY | O_CLOEXEC)
            defer { close(descriptor) }
            guard descriptor >= 0, fsync(descriptor) == 0 else {
                throw RunError(
                    .unsuitable,
                    "\(partial)/\(piece.target) cannot be flushed to disk: \(lastSystemError())",
                    advice: "make room, or name a folder of another disk")
            }
        }
        guard rename(partial, folder) == 0 else {
            throw RunError(
                .unsuitable, "The bundle cannot be put at \(folder): \(lastSystemError())",
                advice: "another folder")
        }
        flushFolder(of: folder)
    }
}

/// Removes a folder that this run made, with all in it.
private func removeTree(_ folder: String) {
    for name in (try? folderContents(folder)) ?? [] {
        let path = "\(folder)/\(name)"
        if folderExists(path) { removeTree(path) } else { unlink(path) }
    }
    rmdir(folder)
}
