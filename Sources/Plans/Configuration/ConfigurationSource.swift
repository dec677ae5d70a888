import Basics
import EvalKit
import Formats
import Glibc

/// A config file and the flags that change it.
public struct ConfigurationSource: Sendable {
    /// The YAML file; nil when flags say everything.
    public var path: String?
    /// Values of flags under paths of keys, such as `output`.
    public var flags: [(keys: [String], value: JSON)]
    /// `--set core.context_size=64`: a path of keys and a YAML value.
    public var assignments: [String]
    /// `--evals core,tpp`: evaluations to keep; those without settings in the file get defaults.
    public var evaluations: [String]
    /// The command that downloads what the config names on the hub; nil is made of the path.
    public var fetchCommand: String?

    /// A config with what changes it.
    public init(
        path: String?, flags: [(keys: [String], value: JSON)] = [], assignments: [String] = [],
        evaluations: [String] = [], fetchCommand: String? = nil
    ) {
        (self.path, self.flags) = (path, flags)
        (self.assignments, self.evaluations) = (assignments, evaluations)
        self.fetchCommand = fetchCommand
    }

    /// Reads the file and applies environment and flags: flag before environment before file before
    /// default.
    ///
    /// - Parameter environment: how to look a variable up; `SAEVAL_OUTPUT` sets `output`, and so
    ///   on.
    /// - Parameter needsAutoencoders: whether `saes` must name some.
    /// - Throws: ``RunError`` or ``EvaluationError``; nothing is looked up on disk besides the file
    ///   itself.
    public func configuration(
        catalogue: [EvaluationEntry], needsAutoencoders: Bool = true,
        environment: @escaping (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws -> RunConfiguration {
        let source = path ?? "the flags"
        var tree = JSON.object([JSONMember]())
        var origins: [(key: String, origin: String)] = []
        if let path {
            tree = try parseYAML(try text(of: path), source: path)
            if tree.isNull { tree = .object([JSONMember]()) }
            origins = (tree.members ?? []).map { ($0.key, path) }
        }
        func assign(_ keys: [String], _ value: JSON, _ origin: String) throws {
            tree = try setting(keys, to: value, in: tree, whole: keys.joined(separator: "."))
            origins.removeAll { $0.key == keys.joined(separator: ".") }
            origins.append((keys.joined(separator: "."), origin))
        }
        for key in [
            "model", "dtype", "device", "output", "artifacts", "seed", "streams", "threads",
            "memory_gib", "activations", "disk_gib", "allow_model_mismatch",
        ] {
            let name = "SAEVAL_\(key.uppercased())"
            if let text = environment(name) {
                try assign([key], yamlScalar(text), name)
            }
        }
        for flag in flags {
            try assign(
                flag.keys, flag.value,
                "--\(flag.keys[0].split(separator: "_").joined(separator: "-"))")
        }
        if !evaluations.isEmpty {
            let given = tree["evals"]
            let kept = evaluations.map {
                JSONMember(key: $0, value: given?[$0] ?? .object([JSONMember]()))
            }
            try assign(["evals"], .object(kept), "--evals")
        }
        for assignment in assignments { try apply(assignment, catalogue, assign) }
        var configuration = try RunConfiguration(
            tree: tree, source: source, origins: origins, needsAutoencoders: needsAutoencoders,
            environment: environment)
        if let command = fetchCommand ?? path.map({ "saeval fetch \($0)" }) {
            configuration.fetchCommand = command
        }
        for entry in configuration.evals {
            _ = try catalogue.named(entry.identifier).make(entry.settings)
        }
        return configuration
    }

    private func text(of path: String) throws -> String {
        guard fileExists(path) else {
            throw RunError(
                .missing, "Config \(path) does not exist",
                advice: "name a YAML file, such as configs/quickstart.yaml")
        }
        guard let text = String(validating: try readFile(path), as: UTF8.self) else {
            throw RunError(
                .badConfig, "Config \(path) is not UTF-8 text", advice: "name a YAML file")
        }
        return text
    }

    private func apply(
        _ assignment: String, _ catalogue: [EvaluationEntry],
        _ assign: ([String], JSON, String) throws -> Void
    ) throws {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw RunError(
                .badConfig, "--set \(assignment) has no `=`",
                advice: "write --set core.context_size=64")
        }
        var keys = assignment[..<equals].split(separator: ".").map(String.init)
        guard let first = keys.first else {
            throw RunError(
                .badConfig, "--set \(assignment) names no key",
                advice: "write --set core.context_size=64")
        }
        if catalogue.contains(where: { $0.identifier == first }) { keys.insert("evals", at: 0) }
        let text = String(assignment[assignment.index(after: equals)...])
        try assign(keys, try parseYAML(text, source: "--set \(assignment)"), "--set")
    }

    /// A tree with the value under a path of keys replaced or added.
    private func setting(_ keys: [String], to value: JSON, in tree: JSON, whole: String) throws
        -> JSON
    {
        guard let key = keys.first else { return value }
        guard var members = tree.isNull ? [] : tree.members else {
            throw RunError(
                .badConfig, "`\(whole)` cannot be set: `\(tree.text())` has no keys",
                advice: "name a key of the config")
        }
        let index = members.firstIndex { $0.key == key }
        let old = index.map { members[$0].value } ?? .null
        let new = JSONMember(
            key: key, value: try setting(Array(keys.dropFirst()), to: value, in: old, whole: whole))
        if let index { members[index] = new } else { members.append(new) }
        return .object(members)
    }
}
