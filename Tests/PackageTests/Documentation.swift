/// Finds public declarations without a documentation comment.
///
/// What a protocol demands is documented there, as the documentation builder shows it, so a type that
/// conforms need not say it again. The cases of an enumeration are part of its own comment.
struct Documentation {
    /// What protocols of the standard library demand.
    private static let standard: [String: Set<String>] = [
        "CustomStringConvertible": ["description"], "Equatable": ["=="],
        "Hashable": ["==", "hash"], "Comparable": ["<", "=="],
        "Codable": ["encode", "init(from:)"], "Encodable": ["encode"],
        "Decodable": ["init(from:)"], "IteratorProtocol": ["next"],
    ]

    private let files: [SwiftFile]
    /// What each type, extension and protocol inherits from, by its full name.
    private var inherited: [String: Set<String>] = [:]
    /// The members that each protocol demands.
    private var demands = Self.standard

    /// Looks at the files of all targets, since a protocol may stand in another one than its types.
    init(files: [SwiftFile]) {
        self.files = files
        for entry in files.flatMap(\.declarations) {
            if !entry.inherited.isEmpty {
                inherited[entry.fullName, default: []].formUnion(entry.inherited)
            }
            if let parent = entry.parent, parent.keyword == "protocol" {
                demands[parent.name, default: []].insert(entry.name)
            }
        }
    }

    /// The undocumented declarations, as `file:line: keyword name`.
    var missing: [String] {
        files.flatMap { file in
            file.declarations.filter(isMissing).map { entry in
                "\(file.path):\(entry.line): \(entry.keyword) \(entry.fullName)"
            }
        }
    }

    private func isMissing(_ entry: SwiftDeclaration) -> Bool {
        guard entry.access == "public" || entry.access == "open", !entry.isDocumented,
            !["extension", "case"].contains(entry.keyword)
        else { return false }
        guard let parent = entry.parent, parent.keyword != "protocol" else { return true }
        return !protocols(of: parent.name).contains { demands[$0]?.contains(entry.name) == true }
    }

    /// The protocols of a type with what they inherit from.
    private func protocols(of type: String) -> Set<String> {
        var all: Set<String> = []
        var open = inherited[type] ?? []
        while let name = open.popFirst() {
            if all.insert(name).inserted { open.formUnion(inherited[name] ?? []) }
        }
        return all
    }
}
