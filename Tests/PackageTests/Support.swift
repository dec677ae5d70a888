import Foundation

/// The folder of the package.
let packageFolder: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/")
}()

/// A file under `Sources`.
struct SourceFile: Sendable {
    /// From the package's folder.
    var path: String
    /// The target that it belongs to.
    var target: String
    var text: String

    /// The lines; the last one need not end with a line break.
    var lines: [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(
            text.hasSuffix("\n") ? 1 : 0)
    }

    /// The folder from the target's folder; the file's name where it stands in that one itself.
    var room: String {
        let parts = path.split(separator: "/").dropFirst(2)
        return parts.count == 1 ? String(parts.last ?? "") : parts.dropLast().joined(separator: "/")
    }
}

/// All source files with one of some endings, sorted by path.
func sourceFiles(_ endings: Set<String> = ["swift"]) throws -> [SourceFile] {
    let root = "\(packageFolder)/Sources"
    let names = try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
    return try names.filter { endings.contains(($0 as NSString).pathExtension) }.map { name in
        SourceFile(
            path: "Sources/\(name)", target: String(name.prefix { $0 != "/" }),
            text: try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8))
    }
}
