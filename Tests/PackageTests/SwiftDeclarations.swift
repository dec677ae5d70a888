/// A source file with its tokens and declarations.
struct SwiftFile: Sendable {
    /// From the package's folder.
    let path: String
    /// The folder within the target; see ``SourceFile/room``.
    let room: String
    let tokens: [SwiftToken]
    let declarations: [SwiftDeclaration]

    init(_ file: SourceFile) {
        (path, room) = (file.path, file.room)
        tokens = SwiftLexer.tokens(of: file.text)
        declarations = SwiftDeclarations.all(in: tokens)
    }

    /// The files of each target, read once for all tests.
    static let all = Result {
        Dictionary(grouping: try sourceFiles(), by: \.target).mapValues { $0.map(SwiftFile.init) }
    }
}

/// One declaration outside of function bodies.
struct SwiftDeclaration: Equatable, Sendable {
    /// `struct`, `func`, `case` and so on; `extension` is one too.
    var keyword: String
    /// The name; of an extension the extended type, `A.B`; of an initialiser `init(label:_:)`.
    var name: String
    /// The type or extension that it stands in; nil at the top level.
    var parent: Parent?
    /// Counted from 1.
    var line: Int
    /// What it may be used by: its own access level, or the one that it has from its parent.
    var access: String
    /// Whether a documentation comment stands before it.
    var isDocumented: Bool
    /// What a type or an extension inherits from and conforms to.
    var inherited: [String] = []

    /// The name with those of the types around it.
    var fullName: String { (parent.map { "\($0.name)." } ?? "") + name }

    /// The type or extension around a declaration.
    struct Parent: Equatable, Sendable {
        var keyword: String
        var name: String
    }

    /// Whether it declares a type.
    var isType: Bool { SwiftDeclarations.types.contains(keyword) || keyword == "typealias" }
}

/// Finds the declarations of a file: those of the top level, of types and of extensions.
struct SwiftDeclarations {
    static let types: Set<String> = ["struct", "class", "enum", "actor", "protocol"]
    private static let levels: Set<String> = [
        "public", "open", "package", "internal", "fileprivate", "private",
    ]
    private static let modifiers: Set<String> = [
        "static", "final", "mutating", "nonmutating", "indirect", "lazy", "override", "required",
        "convenience", "nonisolated", "weak", "unowned", "dynamic", "borrowing", "consuming",
    ]
    private static let members: Set<String> = [
        "func", "var", "let", "init", "subscript", "typealias", "associatedtype",
    ]

    /// What braces are around the current token.
    private struct Scope {
        /// Nil inside a body, where nothing is looked for.
        var parent: SwiftDeclaration.Parent?
        /// The access level of what has none of its own.
        var access = "internal"
        /// What members can have at most.
        var most = "open"
    }

    private let tokens: [SwiftToken]
    private var index = 0
    private var scopes: [Scope] = []
    private(set) var found: [SwiftDeclaration] = []

    /// The declarations of the tokens of a file, in their order.
    static func all(in tokens: [SwiftToken]) -> [SwiftDeclaration] {
        var walk = SwiftDeclarations(tokens: tokens)
        while walk.index < tokens.count { walk.step() }
        return walk.found
    }

    private init(tokens: [SwiftToken]) { self.tokens = tokens }

    /// The text of a token; nothing behind the end.
    private func text(_ position: Int) -> String {
        position >= 0 && position < tokens.count ? tokens[position].text : ""
    }

    /// Reads one declaration, or steps over what is none.
    private mutating func step() {
        switch text(index) {
        case "{":
            scopes.append(Scope())
            index += 1
        case "}":
            scopes = scopes.dropLast()
            index += 1
        case "(", "[":
            index = behindBrackets(index)
        case "import" where scopes.isEmpty:
            skipLine()
        case "#" where ["if", "elseif", "else", "endif"].contains(text(index + 1)):
            skipLine()
        default:
            if scopes.allSatisfy({ $0.parent != nil }) { declaration() } else { index += 1 }
        }
    }

    /// Steps over an import, or over `#if`, `#else` and `#endif` with their conditions.
    private mutating func skipLine() {
        let line = tokens[index].line
        while index < tokens.count, tokens[index].line == line { index += 1 }
    }

    /// The index behind the bracket that closes the one at an index.
    private func behindBrackets(_ start: Int) -> Int {
        var depth = 0
        for position in start..<tokens.count where tokens[position].kind == .symbol {
            if "([{".contains(text(position)) { depth += 1 }
            if ")]}".contains(text(position)) { depth -= 1 }
            if depth == 0 { return position + 1 }
        }
        return tokens.count
    }

    /// Reads attributes, modifiers, the keyword and the name.
    private mutating func declaration() {
        var position = index
        var access: String?
        var isDocumented = false
        while position < tokens.count {
            let word = text(position)
            isDocumented = isDocumented || tokens[position].isDocumented
            let isLevel = Self.levels.contains(word)
            if word == "@" {
                position += 2
            } else if isLevel || Self.modifiers.contains(word)
                || (word == "class" && ["func", "var"].contains(text(position + 1)))
            {
                position += 1
                // `private(set)` says nothing of reading.
                if isLevel && text(position) != "(" { access = word }
            } else {
                break
            }
            if text(position) == "(" && tokens[position].isGlued {
                position = behindBrackets(position)
            }
        }
        let keyword = text(position)
        let isNamed = position == index && index > 0 && text(index - 1) == "."
        guard position < tokens.count, !isNamed, isDeclaration(keyword) else {
            index = max(position, index + 1)
            return
        }
        index = position + 1
        add(keyword, access: access, line: tokens[position].line, isDocumented: isDocumented)
    }

    /// The level of the two that lets fewer see a declaration.
    private static func lower(_ one: String, _ other: String) -> String {
        let order = ["private", "fileprivate", "internal", "package", "public", "open"]
        return order.first { $0 == one || $0 == other } ?? one
    }

    private func isDeclaration(_ keyword: String) -> Bool {
        Self.types.contains(keyword) || Self.members.contains(keyword) || keyword == "extension"
            || (keyword == "case" && scopes.last?.parent?.keyword == "enum")
    }

    /// Notes what is declared by a keyword whose name comes next.
    private mutating func add(_ keyword: String, access: String?, line: Int, isDocumented: Bool) {
        let scope = scopes.last
        let inherited = keyword == "case" ? scope?.most : scope?.access
        let own = access ?? inherited ?? "internal"
        let level = Self.lower(own, scope?.most ?? "open")
        for name in names(of: keyword) {
            found.append(
                SwiftDeclaration(
                    keyword: keyword, name: name, parent: scope?.parent, line: line, access: level,
                    isDocumented: isDocumented))
        }
        guard let last = found.last, Self.types.contains(keyword) || keyword == "extension" else {
            return
        }
        found[found.count - 1].inherited = inheritance()
        let outer = keyword == "extension" ? "" : scope?.parent.map { "\($0.name)." } ?? ""
        let isExtension = keyword == "extension"
        scopes.append(
            Scope(
                parent: SwiftDeclaration.Parent(keyword: keyword, name: outer + last.name),
                access: isExtension || keyword == "protocol" ? level : "internal",
                most: isExtension && access == nil ? "open" : level))
        index += 1
    }

    /// Reads from behind a type's name to its brace; the names behind the colon.
    private mutating func inheritance() -> [String] {
        var names: [String] = []
        var isInherited = false
        var angles = 0
        while index < tokens.count, text(index) != "{" {
            switch text(index) {
            case "<": angles += 1
            case ">": angles -= 1
            case ":" where angles == 0: isInherited = true
            case "where": isInherited = false
            case let name where isInherited && angles == 0 && tokens[index].kind == .word:
                names.append(name)
            default: break
            }
            index += 1
        }
        return names
    }

    /// Reads the names that a declaration gives, and steps behind them.
    private mutating func names(of keyword: String) -> [String] {
        switch keyword {
        case "subscript": return [keyword]
        case "init": return ["init(\(labels()))"]
        case "case": return cases()
        case "extension":
            var name = text(index)
            index += 1
            while text(index) == "." {
                name += ".\(text(index + 1))"
                index += 2
            }
            return [name]
        case "var" where text(index) == "(", "let" where text(index) == "(":
            let end = behindBrackets(index)
            defer { index = end }
            return tokens[index..<end].filter { $0.kind == .word }.map(\.text)
        default:
            var name = text(index)
            index += 1
            // An operator.
            while tokens[index - 1].kind == .symbol, index < tokens.count, tokens[index].isGlued,
                text(index) != "("
            {
                name += text(index)
                index += 1
            }
            return [name]
        }
    }

    /// Reads the labels of an initialiser's parameters, `a:_:`.
    private mutating func labels() -> String {
        while index < tokens.count, text(index) != "(" { index += 1 }
        let end = behindBrackets(index)
        defer { index = end }
        var labels = ""
        var depth = 0
        for position in index..<end {
            if "([{<".contains(text(position)) { depth += 1 }
            if ")]}".contains(text(position)) || text(position) == ">" && text(position - 1) != "-"
            {
                depth -= 1
            }
            let isFirst = position == index && end > index + 2
            if depth == 1 && (isFirst || text(position) == ",") {
                labels += "\(text(position + 1)):"
            }
        }
        return labels
    }

    /// The names of `case a, b(Int), c = 3`.
    private mutating func cases() -> [String] {
        var names: [String] = []
        repeat {
            if text(index) == "," { index += 1 }
            names.append(text(index))
            index += 1
            if text(index) == "(" { index = behindBrackets(index) }
            if text(index) == "=" { index += text(index + 1) == "-" ? 3 : 2 }
        } while text(index) == ","
        return names
    }
}
