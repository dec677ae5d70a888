import Basics
import EvalKit
import Formats
import Glibc

/// What a run is told: the config file with flags and environment applied, checked but not yet
/// resolved on disk.
public struct RunConfiguration: Sendable {
    /// A model folder, or a hub id found in the local cache.
    public var model: String
    /// How activations are stored: `float32`, `bfloat16` or `float16`.
    public var dtype = "float32"
    /// `auto`, `cpu` or `cuda`.
    public var device = "auto"
    /// The autoencoders; ``narrowing`` is in each of them.
    public var saes: [Selection]
    /// What to keep of all that ``saes`` selects.
    public var narrowing = Narrowing()
    /// Evaluations with the settings given for them.
    public var evals: [(identifier: String, settings: JSON)]
    /// The path of each dataset id.
    public var datasets: [(id: String, path: String)]
    /// The run's folder.
    public var output: String
    /// The folder of artifacts shared between runs.
    public var artifacts = "artifacts"
    /// The seed of every random stream.
    public var seed = 42
    /// How random numbers are drawn.
    public var streams = RandomStreams.independent
    /// Threads of one rank; nil shares the node's cores among its ranks.
    public var threads: Int?
    /// Memory that the ranks of one node may use together, in GiB; nil is what is free.
    public var memoryGiB: Double?
    /// Whether activations are stored or computed again where they are read.
    public var activations = ActivationChoice.auto
    /// Whether autoencoders are evaluated whose configuration names another model.
    public var allowsModelMismatch = false
    /// Disk that the activations which a run writes may take at a time, in GiB; nil is what is free.
    public var diskGiB: Double?
    /// The command that downloads what the config names on the hub.
    public var fetchCommand = HubCache.anyFetchCommand
    /// For each key, where its value came from.
    public var origins: [(key: String, origin: String)] = []

    static let keys = [
        "model", "dtype", "device", "saes", "evals", "datasets", "output", "artifacts", "seed",
        "streams", "threads", "memory_gib", "activations", "disk_gib", "allow_model_mismatch",
        "match", "layers",
    ]

    /// Reads a tree of settings.
    ///
    /// - Throws: ``RunError`` that names the key, its value and what is allowed.
    init(
        tree: JSON, source: String, origins: [(key: String, origin: String)],
        needsAutoencoders: Bool = true,
        environment: @escaping (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws {
        guard let members = tree.members else {
            throw RunError(
                .badConfig, "\(source) holds no `key: value` lines",
                advice: "see `saeval run --help`")
        }
        let reader = KeyReader(
            tree: tree, source: source, origins: origins, environment: environment)
        for member in members where !Self.keys.contains(member.key) {
            throw RunError(
                .unknownKey, "Key `\(member.key)` in \(reader.origin(of: member.key)) is unknown",
                advice: suggestion(for: member.key, among: Self.keys))
        }
        model = try reader.path("model", orElse: nil)
        dtype = try reader.choice(
            "dtype", of: ["float32", "bfloat16", "float16"], orElse: "float32")
        device = try reader.choice("device", of: ["auto", "cpu", "cuda"], orElse: "auto")
        saes = try reader.selections(areNeeded: needsAutoencoders)
        narrowing = try reader.narrowing(of: tree)
        for index in saes.indices { saes[index].narrowing = narrowing }
        evals = try reader.evaluations()
        datasets = try reader.datasets()
        output = try reader.path("output", orElse: nil)
        artifacts = try reader.path("artifacts", orElse: "artifacts")
        seed = try reader.integer("seed", from: 0) ?? 42
        streams =
            RandomStreams(
                rawValue: try reader.choice(
                    "streams", of: RandomStreams.allCases.map(\.rawValue), orElse: "independent"))
            ?? .independent
        threads = try reader.integer("threads", from: 1, to: 4096)
        memoryGiB = try reader.positive("memory_gib", to: 1_048_576)
        activations =
            ActivationChoice(
                rawValue: try reader.choice(
                    "activations", of: ActivationChoice.allCases.map(\.rawValue), orElse: "auto"))
            ?? .auto
        diskGiB = try reader.positive("disk_gib", to: 1_048_576)
        allowsModelMismatch = try reader.truth("allow_model_mismatch")
        self.origins = origins
    }

    /// The config as a tree: written to the run's folder, running it again repeats the run.
    public var tree: JSON {
        var members = [
            JSONMember(key: "model", value: .string(model)),
            JSONMember(key: "dtype", value: .string(dtype)),
            JSONMember(key: "device", value: .string(device)),
            JSONMember(key: "saes", value: .array(saes.map(\.tree))),
            JSONMember(
                key: "evals",
                value: .object(evals.map { JSONMember(key: $0.identifier, value: $0.settings) })),
            JSONMember(
                key: "datasets",
                value: .object(datasets.map { JSONMember(key: $0.id, value: .string($0.path)) })),
            JSONMember(key: "output", value: .string(output)),
            JSONMember(key: "artifacts", value: .string(artifacts)),
            JSONMember(key: "seed", value: .integer(seed)),
            JSONMember(key: "streams", value: .string(streams.rawValue)),
            JSONMember(key: "activations", value: .string(activations.rawValue)),
        ]
        members += narrowing.members
        if let threads { members.append(JSONMember(key: "threads", value: .integer(threads))) }
        if let memoryGiB {
            members.append(JSONMember(key: "memory_gib", value: .number(memoryGiB)))
        }
        if allowsModelMismatch {
            members.append(JSONMember(key: "allow_model_mismatch", value: .bool(true)))
        }
        if let diskGiB { members.append(JSONMember(key: "disk_gib", value: .number(diskGiB))) }
        return .object(members)
    }

    /// The config as YAML.
    public func yaml() throws -> String { try yamlText(of: tree) }
}

/// Typed access to the keys of a config.
package struct KeyReader {
    let tree: JSON
    let source: String
    let origins: [(key: String, origin: String)]

    /// How to look a variable up that a path names.
    let environment: (String) -> String?

    /// Reads a config.
    ///
    /// - Parameters:
    ///   - tree: its values.
    ///   - source: the file that it comes from, for messages.
    ///   - origins: keys that something else gave, and what.
    ///   - environment: gives the value of a variable.
    package init(
        tree: JSON, source: String, origins: [(key: String, origin: String)],
        environment: @escaping (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) {
        (self.tree, self.source, self.origins) = (tree, source, origins)
        self.environment = environment
    }

    /// The file, flag or variable that gave a key, or gave something below it, last.
    func origin(of key: String) -> String {
        let first = key.split(separator: ".").first.map(String.init) ?? key
        return origins.last { $0.key == first || $0.key.hasPrefix(first + ".") }?.origin ?? source
    }

    /// The value under a key; nil when absent or null.
    package func given(_ key: String) -> JSON? {
        guard let value = tree[key], !value.isNull else { return nil }
        return value
    }

    /// The error of a value that is not what a key takes.
    package func wrong(_ key: String, _ value: JSON, _ wanted: String) -> RunError {
        RunError(
            .badConfig, "`\(key)` in \(origin(of: key)) holds \(value.text())",
            advice: "give \(wanted)")
    }

    package func text(_ key: String, orElse fallback: String?) throws -> String {
        guard let value = given(key) else {
            if let fallback { return fallback }
            throw RunError(
                .missingKey, "`\(key)` is missing from \(source)",
                advice: "add `\(key): …` or the flag --\(key)")
        }
        guard let text = value.text, !text.isEmpty else { throw wrong(key, value, "a text") }
        return text
    }

    /// A path with `~` and variables written out.
    func path(_ key: String, orElse fallback: String?) throws -> String {
        try expanded(try text(key, orElse: fallback), key)
    }

    /// A path below a key with `~` and variables written out.
    func expanded(_ path: String, _ key: String) throws(RunError) -> String {
        try expandedPath(path, of: "`\(key)` in \(origin(of: key))", environment: environment)
    }

    func choice(_ key: String, of choices: [String], orElse fallback: String) throws -> String {
        let text = try text(key, orElse: fallback)
        guard choices.contains(text) else {
            throw wrong(key, .string(text), choices.joined(separator: ", "))
        }
        return text
    }

    package func integer(_ key: String, from least: Int, to most: Int = .max) throws -> Int? {
        guard let value = given(key) else { return nil }
        guard let integer = value.integer, (least...most).contains(integer) else {
            let end = most == .max ? "" : " and at most \(most)"
            throw wrong(key, value, "an integer of at least \(least)\(end)")
        }
        return integer
    }

    func truth(_ key: String) throws -> Bool {
        guard let value = given(key) else { return false }
        guard let truth = value.truth else { throw wrong(key, value, "true or false") }
        return truth
    }

    func positive(_ key: String, to most: Int) throws -> Double? {
        guard let value = given(key) else { return nil }
        guard let number = value.double, number > 0, number <= Double(most) else {
            throw wrong(key, value, "a number above 0 and at most \(most)")
        }
        return number
    }

    func evaluations() throws -> [(identifier: String, settings: JSON)] {
        let all = try namedEvaluations()
        for (index, entry) in all.enumerated()
        where all[..<index].contains(where: { $0.identifier == entry.identifier }) {
            throw RunError(
                .badConfig, "`evals` in \(origin(of: "evals")) names `\(entry.identifier)` twice",
                advice: "name each evaluation once")
        }
        return all
    }

    private func namedEvaluations() throws -> [(identifier: String, settings: JSON)] {
        guard let value = given("evals") else {
            throw RunError(
                .missingKey, "`evals` is missing from \(source)",
                advice: "add `evals: {core: {}}` or the flag --evals core")
        }
        if let names = value.elements {
            return try names.map { name in
                guard let text = name.text else {
                    throw wrong("evals", name, "names of evaluations")
                }
                return (text, .object([JSONMember]()))
            }
        }
        guard let members = value.members, !members.isEmpty else {
            throw wrong("evals", value, "evaluations and their settings")
        }
        return members.map { ($0.key, $0.value.isNull ? .object([JSONMember]()) : $0.value) }
    }

    func datasets() throws -> [(id: String, path: String)] {
        guard let value = given("datasets") else { return [] }
        guard let members = value.members else {
            throw wrong("datasets", value, "`id: PATH` lines")
        }
        return try members.map { member in
            guard let path = member.value.text else {
                throw wrong("datasets.\(member.key)", member.value, "a path")
            }
            return (member.key, try expanded(path, "datasets.\(member.key)"))
        }
    }
}
