/// Which folders of a target use what is declared in which other ones.
///
/// A folder is a room. A file that stands directly in the target's folder is a room of its own: what
/// the rooms share (a protocol, an error) and what puts them together (a registry) both stand there,
/// and only a file that is used by a room which it uses itself is part of a cycle.
///
/// Names are looked up, not types: a use is a name of a type, a function or a value of the top level,
/// or of a member that an extension adds to a type of elsewhere, where that name is declared in one
/// room only. So a cycle that goes through members alone is not found.
struct FolderGraph {
    /// One use of a symbol of another room.
    struct Use: Equatable {
        var file: String
        /// Counted from 1.
        var line: Int
        var symbol: String
    }

    /// The uses of other rooms by each room, by both names.
    private(set) var uses: [String: [String: [Use]]] = [:]

    /// The graph of the files of one target.
    init(files: [SwiftFile]) {
        let symbols = Self.symbols(of: files)
        for file in files { add(file, symbols, names: Self.ownNames(of: file.room, in: files)) }
    }

    /// Whether a room is a folder and not a file.
    static func isFolder(_ room: String) -> Bool { !room.hasSuffix(".swift") }
}

// MARK: - Cycles

extension FolderGraph {
    /// The uses between two folders, without files of the target's folder, as sentences.
    var crossings: [String] {
        uses.keys.sorted().filter(Self.isFolder).flatMap { room in
            (uses[room] ?? [:]).sorted { $0.key < $1.key }.filter { Self.isFolder($0.key) }
                .map { "\(room) → \(sentence(room, $0.key))" }
        }
    }

    /// One shortest cycle through each folder that is part of one and not of one named before.
    var cycles: [String] {
        var named: Set<String> = []
        return uses.keys.sorted().filter(Self.isFolder).compactMap { room in
            guard !named.contains(room), let cycle = shortestCycle(from: room) else { return nil }
            named.formUnion(cycle)
            let steps = zip(cycle, cycle.dropFirst() + [room]).map { sentence($0, $1) }
            return ([room] + steps).joined(separator: " → ")
        }
    }

    private func sentence(_ room: String, _ other: String) -> String {
        let all = uses[room]?[other] ?? []
        let first = all.first.map { "\($0.file):\($0.line) `\($0.symbol)`" } ?? ""
        return "\(other) (\(first)\(all.count > 1 ? " and \(all.count - 1) more" : ""))"
    }

    /// The rooms on the shortest way from a room back to itself; nil when there is none.
    private func shortestCycle(from start: String) -> [String]? {
        var ways = [[start]]
        var seen: Set<String> = []
        while let way = ways.first, let last = way.last {
            ways.removeFirst()
            for next in (uses[last] ?? [:]).keys.sorted() {
                if next == start { return way }
                if seen.insert(next).inserted { ways.append(way + [next]) }
            }
        }
        return nil
    }
}

// MARK: - Symbols

extension FolderGraph {
    /// What names of a target mean.
    private struct Symbols {
        /// The rooms of the types of the top level.
        var types: [String: String] = [:]
        /// The rooms of functions and values of the top level.
        var values: [String: String] = [:]
        /// The rooms of members that extensions of foreign types add.
        var members: [String: String] = [:]
    }

    /// Names that other files cannot see.
    private static let hidden: Set<String> = ["private", "fileprivate"]

    private static func symbols(of files: [SwiftFile]) -> Symbols {
        var symbols = Symbols()
        var rooms: [String: Set<String>] = [:]
        for file in files {
            for entry in file.declarations where entry.parent == nil {
                if entry.keyword == "extension" || hidden.contains(entry.access) { continue }
                rooms[entry.name, default: []].insert(file.room)
                if entry.isType {
                    symbols.types[entry.name] = file.room
                } else {
                    symbols.values[entry.name] = file.room
                }
            }
        }
        symbols.values = symbols.values.filter { rooms[$0.key]?.count == 1 }
        symbols.members = members(of: files, types: symbols.types)
        return symbols
    }

    /// Members of extensions of types of other rooms whose names mean nothing else in the target.
    private static func members(of files: [SwiftFile], types: [String: String]) -> [String: String]
    {
        var declared: [String: Int] = [:]
        for file in files {
            for (token, name) in zip(file.tokens, file.tokens.dropFirst())
            where ["func", "var", "let", "case", ","].contains(token.text) && name.kind == .word {
                declared[name.text, default: 0] += 1
            }
        }
        var rooms: [String: [String]] = [:]
        for file in files {
            for entry in file.declarations {
                guard let parent = entry.parent, parent.keyword == "extension",
                    ["func", "var", "let"].contains(entry.keyword), !hidden.contains(entry.access),
                    types[String(parent.name.prefix { $0 != "." })] != file.room
                else { continue }
                rooms[entry.name, default: []].append(file.room)
            }
        }
        return rooms.filter { $0.value.count == declared[$0.key] && Set($0.value).count == 1 }
            .compactMapValues(\.first)
    }

    /// The names that a room gives to something of its own, so that they mean nothing of elsewhere.
    private static func ownNames(of room: String, in files: [SwiftFile]) -> Set<String> {
        Set(
            files.filter { $0.room == room }.flatMap(\.declarations)
                .filter { $0.keyword != "extension" }.map(\.name))
    }

    /// Notes what a file uses of other rooms.
    private mutating func add(_ file: SwiftFile, _ symbols: Symbols, names: Set<String>) {
        let tokens = file.tokens
        let locals = Set(
            zip(tokens, tokens.dropFirst()).filter { ["let", "var", "func"].contains($0.0.text) }
                .map(\.1.text))
        for (index, token) in tokens.enumerated() where token.kind == .word {
            let before = index > 0 ? tokens[index - 1].text : ""
            let behind = index + 1 < tokens.count ? tokens[index + 1].text : ""
            var room: String?
            if before == "." {
                room = symbols.members[token.text]
            } else if !names.contains(token.text) {
                room = symbols.types[token.text]
                if room == nil, behind != ":", !locals.contains(token.text) {
                    room = symbols.values[token.text]
                }
            }
            guard let room, room != file.room else { continue }
            uses[file.room, default: [:]][room, default: []].append(
                Use(file: file.path, line: token.line, symbol: token.text))
        }
    }
}
