/// One `import` of a source file.
struct ImportLine: Equatable {
    /// The target that the file belongs to.
    var target: String
    /// What it imports.
    var module: String
    /// The file, from the package's folder.
    var file: String
    /// Counted from 1.
    var line: Int
}

/// Which target may import which module.
struct Layering {
    /// The row of each target; a target imports from rows below its own.
    var rows: [String: Int]
    /// Modules that one target alone imports, and that target.
    var owners: [String: String]
    /// Modules that come with the toolchain, for every target.
    var toolchain: Set<String>
    /// What the package's description declares for each target.
    var declared: [String: Set<String>]

    /// One sentence for each import that is not allowed, with file and line.
    func violations(of imports: [ImportLine]) -> [String] {
        imports.compactMap { entry in
            violation(of: entry).map { "\(entry.file):\(entry.line): \($0)" }
        }
    }

    /// What is wrong with an import; nil when nothing is.
    private func violation(of entry: ImportLine) -> String? {
        if toolchain.contains(entry.module) { return nil }
        guard let own = rows[entry.target] else { return "\(entry.target) has no row" }
        guard declared[entry.target]?.contains(entry.module) == true else {
            return "\(entry.target) does not declare \(entry.module)"
        }
        if let owner = owners[entry.module], owner != entry.target {
            return "only \(owner) may import \(entry.module), not \(entry.target)"
        }
        if let other = rows[entry.module], other >= own {
            return "\(entry.target) of row \(own) imports \(entry.module) of row \(other)"
        }
        return nil
    }

    /// The imports of a source text.
    static func imports(in text: String, target: String, file: String) -> [ImportLine] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            module(importedBy: line).map {
                ImportLine(target: target, module: $0, file: file, line: index + 1)
            }
        }
    }

    /// The module that a line imports: `@testable import struct Name.Type` gives `Name`.
    private static func module(importedBy line: Substring) -> String? {
        let words = line.split(separator: " ")
        let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        let kinds: Set<Substring> = [
            "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
        ]
        let rest = words.drop { $0.hasPrefix("@") || modifiers.contains($0) }
        guard rest.first == "import" else { return nil }
        let name = rest.dropFirst().drop { kinds.contains($0) }.first
        return name.map { String($0.prefix { $0.isLetter || $0.isNumber || $0 == "_" }) }
    }
}
