/// The targets of a package's description, read from its text.
struct PackageDescription {
    /// One target that is no test.
    struct Target: Equatable {
        var name: String
        /// From the comment above it, `// Row 3`.
        var row: Int?
        /// Targets and products that it declares.
        var dependencies: Set<String>
    }

    /// In the order of the text.
    var targets: [Target] = []

    init(text: String) {
        var row: Int?
        let starts = [".target(", ".executableTarget(", ".systemLibrary("]
        var rest = text[(text.firstRange(of: "targets: [\n")?.upperBound ?? text.startIndex)...]
        while let newline = rest.firstIndex(of: "\n") {
            let line = rest[..<newline].drop { $0 == " " }
            if line.hasPrefix("// Row ") { row = Int(line.dropFirst(7).prefix { $0.isNumber }) }
            if starts.contains(where: { line.hasPrefix($0) }) {
                let body = Self.enclosed(rest, by: "(", and: ")")
                if let name = Self.quoted(body).first {
                    let list = body.firstRange(of: "dependencies:").map { body[$0.upperBound...] }
                    let names = list.map { Self.dependencies(Self.enclosed($0, by: "[", and: "]")) }
                    targets.append(Target(name: name, row: row, dependencies: names ?? []))
                }
            }
            rest = rest[rest.index(after: newline)...]
        }
    }

    /// The names in a list of dependencies; the packages of products are left out.
    private static func dependencies(_ list: Substring) -> Set<String> {
        var names = quoted(list)
        for (index, piece) in list.split(separator: "\"", omittingEmptySubsequences: false)
            .enumerated()
        where index % 2 == 0 && piece.hasSuffix("package: ") {
            names[index / 2] = ""
        }
        return Set(names).subtracting([""])
    }

    /// The texts between quotes.
    private static func quoted(_ text: Substring) -> [String] {
        let pieces = text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        return pieces.filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// What is between the first opening sign and the one that closes it.
    private static func enclosed(
        _ text: Substring, by open: Character, and close: Character
    ) -> Substring {
        guard let start = text.firstIndex(of: open) else { return "" }
        var depth = 0
        for index in text[start...].indices {
            if text[index] == open { depth += 1 }
            if text[index] == close { depth -= 1 }
            if depth == 0 { return text[text.index(after: start)..<index] }
        }
        return text[text.index(after: start)...]
    }
}
