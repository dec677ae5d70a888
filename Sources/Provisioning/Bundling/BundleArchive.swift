import Basics
import Glibc

/// A bundle as one file.
public struct BundleArchive {
    /// How it is compressed.
    public enum Compression: String, CaseIterable, Sendable {
        /// Smallest, and slow to write.
        case xz
        /// Larger, and read everywhere.
        case gz

        /// The program that does it.
        var program: String { self == .xz ? "xz" : "gzip" }
    }

    /// The file's path.
    public let path: String
    /// The folder that goes in.
    private let folder: String
    /// The program that writes it.
    private let tar: ChildProgram
    /// The program that compresses it, as `tar` is told.
    private let filter: String

    /// An archive beside a folder.
    ///
    /// - Throws: ``RunError`` when a program is missing or the file is there already.
    public init(of folder: String, _ compression: Compression) throws {
        self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        path = "\(self.folder).tar.\(compression.rawValue)"
        guard access(path, F_OK) != 0 else {
            throw RunError(
                .unsuitable, "Archive \(path) is there already",
                advice: "another name, or remove it first"
            )
        }
        tar = try Self.program("tar", for: path)
        let program = try Self.program(compression.program, for: path)
        // Blocks of xz are compressed on all cores.
        filter = program.path + (compression == .xz ? " -T0" : "")
    }

    /// A program that writing takes.
    private static func program(_ name: String, for path: String) throws -> ChildProgram {
        guard let program = ChildProgram(named: name) else {
            throw RunError(
                .missing, "\(path) is written by `\(name)`, which is not in PATH",
                advice: "install it, or leave out --archive")
        }
        return program
    }

    /// Writes the file under another name, then gives it its own.
    ///
    /// - Returns: its length in bytes.
    /// - Throws: ``RunError`` when `tar` fails.
    public func write() throws -> Int {
        let partial = "\(path).\(getpid()).partial"
        let ending = try tar.run(
            [
                "--create", "--file", partial, "--use-compress-program", filter, "--sort=name",
                "--owner=0", "--group=0", "--numeric-owner", "--directory",
                parentFolder(of: folder), "--", lastComponent(of: folder),
            ], input: "")
        guard ending.status == 0, rename(partial, path) == 0 else {
            unlink(partial)
            let isFull = ending.errors.contains("No space left")
            throw RunError(
                isFull ? .outOfSpace : .unsuitable,
                "\(path) cannot be written: "
                    + ending.errors.split(separator: "\n").joined(separator: "; "),
                advice: isFull ? "make room; the folder \(folder) is whole" : "tar by hand")
        }
        flushFolder(of: path)
        return fileByteCount(path) ?? 0
    }
}
