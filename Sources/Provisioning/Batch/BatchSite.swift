import Basics
import Plans

/// What is particular to a cluster: a YAML file that users of the cluster share.
///
/// ```yaml
/// modules: [openmpi/4.1]
/// partition: cpu
/// account: my-project
/// sbatch: ["--constraint=rome"]
/// environment: {HF_HOME: /scratch/hf}
/// ```
public struct BatchSite: Sendable {
    /// Arguments of one `module load`.
    public var modules: [String] = []
    /// Options of sbatch by name, such as `partition`, in the order in which they are written.
    public var options: [(name: String, value: String?)] = []
    /// Variables for the program.
    public var environment: [(name: String, value: String)] = []
    /// What starts the ranks.
    public var launcher: String?
    /// The program.
    public var program: String?
    /// Ranks on each node, where the command line does not say.
    public var ranksPerNode: Int?
    /// Cores of a rank, where the command line does not say.
    public var coresPerRank: Int?

    /// Keys of the file.
    static let keys = [
        "modules", "partition", "account", "qos", "sbatch", "environment", "launcher", "program",
        "ranks_per_node", "cpus_per_rank",
    ]

    /// Nothing particular.
    public init() {}

    /// Reads a file.
    ///
    /// - Throws: ``RunError`` that names the key, its value and what is allowed.
    public init(file path: String) throws {
        guard fileExists(path) else {
            throw RunError(
                .missing, "Site file \(path) does not exist",
                advice: "name a YAML file, or leave --site out")
        }
        guard let text = String(validating: try readFile(path), as: UTF8.self) else {
            throw RunError(
                .badConfig, "Site file \(path) is not UTF-8 text", advice: "name a YAML file")
        }
        try self.init(tree: try parseYAML(text, source: path), source: path)
    }

    /// Reads a tree of settings.
    init(tree: JSON, source: String) throws {
        guard let members = tree.members else {
            throw RunError(
                .badConfig, "\(source) holds no `key: value` lines",
                advice: "write lines such as `partition: cpu`")
        }
        for member in members where !Self.keys.contains(member.key) {
            throw RunError(
                .unknownKey, "Key `\(member.key)` in \(source) is unknown",
                advice: suggestion(for: member.key, among: Self.keys))
        }
        let reader = KeyReader(tree: tree, source: source, origins: [])
        modules = try reader.lines("modules")
        for name in ["partition", "account", "qos"] {
            if reader.given(name) != nil { set(name, try reader.line(name)) }
        }
        for option in try reader.lines("sbatch") { try set(option, from: source) }
        environment = try reader.variables("environment")
        if reader.given("launcher") != nil { launcher = try reader.line("launcher") }
        if reader.given("program") != nil { program = try reader.line("program") }
        ranksPerNode = try reader.integer("ranks_per_node", from: 1, to: 4096)
        coresPerRank = try reader.integer("cpus_per_rank", from: 1, to: 4096)
    }

    /// Sets an option of sbatch; a later value replaces an earlier one.
    public mutating func set(_ name: String, _ value: String?) {
        if let index = options.firstIndex(where: { $0.name == name }) {
            options[index].value = value
        } else {
            options.append((name, value))
        }
    }

    /// Sets an option as sbatch takes it: `--name=value` or `--name`.
    ///
    /// - Throws: ``RunError`` for another text.
    public mutating func set(_ option: String, from source: String) throws(RunError) {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0].dropFirst(2)
        let isName = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
        guard parts[0].hasPrefix("--"), !name.isEmpty, isName, !option.contains(where: \.isNewline)
        else {
            throw RunError(
                .badConfig, "`\(option)` in \(source) is not an option of sbatch",
                advice: "write --name=value, such as --constraint=rome")
        }
        set(String(name), parts.count == 2 ? String(parts[1]) : nil)
    }
}

extension KeyReader {
    /// A text of one line.
    fileprivate func line(_ key: String) throws -> String {
        try oneLine(try text(key, orElse: nil), key)
    }

    /// A list of texts of one line each; a single text stands for a list of one.
    fileprivate func lines(_ key: String) throws -> [String] {
        guard let value = given(key) else { return [] }
        if let text = value.text { return [try oneLine(text, key)] }
        guard let elements = value.elements else { throw wrong(key, value, "a list of texts") }
        return try elements.map { element in
            guard let text = element.text, !text.isEmpty else {
                throw wrong(key, value, "a list of texts")
            }
            return try oneLine(text, key)
        }
    }

    /// Names and values of variables.
    fileprivate func variables(_ key: String) throws -> [(name: String, value: String)] {
        guard let value = given(key) else { return [] }
        guard let members = value.members else { throw wrong(key, value, "NAME: value lines") }
        return try members.map { member in
            let isName = member.key.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0) || $0 == 0x5F
            }
            guard isName, let first = member.key.utf8.first, !(0x30...0x39).contains(first) else {
                throw wrong(key, .string(member.key), "names of letters, digits and _")
            }
            switch member.value {
            case .string(let text): return (member.key, try oneLine(text, key))
            case .integer, .number, .bool: return (member.key, member.value.text())
            default: throw wrong(key, member.value, "texts and numbers")
            }
        }
    }

    /// Throws for a text that would go on in another line of the script.
    private func oneLine(_ text: String, _ key: String) throws -> String {
        guard !text.contains(where: \.isNewline) else {
            throw wrong(key, .string(text), "one line")
        }
        return text
    }
}
