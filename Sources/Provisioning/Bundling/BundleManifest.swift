import Basics
import Glibc

/// The text that tells what is in a bundle.
struct BundleManifest {
    /// The files.
    var pieces: [BundlePiece]
    /// Lengths of the files as they are in the bundle, in the order of `pieces`.
    var byteCounts: [Int]
    /// Packages by the paths of files.
    var packages: [String: PackageRecords.Package]
    /// The oldest glibc; nil when it is not known.
    var floor: GlibcFloor?
    /// What was left out, and why.
    var omissions: [String]

    /// Its name in the bundle.
    static let path = "MANIFEST.txt"

    /// The whole text; the same for the same files.
    var text: String {
        var lines = [
            "saeval \(programVersion) for Linux on \(Self.machine), in a folder that can be moved",
            "",
        ]
        lines += [
            "  ./saeval run CONFIG", "  ./mpirun -n 4 --bind-to none ./saeval run CONFIG", "",
        ]
        if let floor {
            lines += [
                "Needs glibc \(floor.version) or newer (\(floor.file) does) and nothing else.", "",
            ]
        }
        let kinds: [(title: String, kinds: [BundlePiece.Kind])] = [
            ("Programs", [.program, .tool]), ("Libraries", [.library]), ("Plugins", [.plugin]),
        ]
        for (title, kinds) in kinds {
            lines += ["\(title): bytes, path, version, package, source", ""]
            for (piece, count) in zip(pieces, byteCounts) where kinds.contains(piece.kind) {
                lines.append(line(of: piece, count))
            }
            lines.append("")
        }
        if !omissions.isEmpty {
            lines +=
                ["Plugins of Open MPI that are left out", ""] + omissions.map { "  \($0)" } + [""]
        }
        lines += ["Licence texts and where they came from", ""]
        lines += pieces.filter { $0.kind == .licence }.map { "  \($0.target)  \($0.source)" }
        let others = zip(pieces, byteCounts).filter { $0.0.kind == .text || $0.0.kind == .extra }
        lines += ["", "Other files: \(others.count), \(others.reduce(0) { $0 + $1.1 }) bytes", ""]
        return lines.joined(separator: "\n")
    }

    /// A line of the table.
    private func line(of piece: BundlePiece, _ byteCount: Int) -> String {
        let package = packages[piece.source]
        let count = String(byteCount)
        let number = String(repeating: " ", count: max(0, 10 - count.utf8.count)) + count
        let version = package?.version ?? Self.version(of: realPath(of: piece.source)) ?? "-"
        return [number, piece.target, version, package?.name ?? "-", piece.source]
            .joined(separator: "  ")
    }

    /// The version in a name such as `libz.so.1.2.13`; nil when there is none of two numbers or more.
    private static func version(of path: String) -> String? {
        let name = lastComponent(of: path)
        guard let end = name.firstRange(of: ".so.") else { return nil }
        let version = name[end.upperBound...]
        return version.contains(".") ? String(version) : nil
    }

    /// The kind of processor, such as `x86_64`.
    static var machine: String {
        var information = utsname()
        uname(&information)
        return withUnsafeBytes(of: &information.machine) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
