import Autoencoders
import Basics
import Formats

extension RunConfiguration {
    /// Which autoencoders to evaluate.
    public struct Selection: Sendable {
        /// Where they come from.
        public enum Source: Sendable, Equatable {
            /// A folder; every autoencoder below it counts.
            case path(String)
            /// A repository of the hub, found in the local cache, and a folder in it; every
            /// autoencoder below it counts.
            case repository(HubID, folder: String?)
            /// Entries of the directory of published autoencoders whose release and id match
            /// regular expressions as a whole, found in the local cache.
            case published(release: String, id: String)
        }

        /// Where they come from.
        public var source: Source
        /// A regular expression that must match `<release>/<id>` as a whole.
        public var match: String?
        /// Layers to keep; nil keeps all.
        public var layers: [Int]?
        /// What the config keeps of all its entries; one entry may lose everything by it.
        public var narrowing = Narrowing()
    }

    /// A choice among autoencoders.
    public struct Narrowing: Sendable, Equatable {
        /// A regular expression that must match `<release>/<id>` as a whole; nil keeps all.
        public var match: String?
        /// Layers to keep; nil keeps all.
        public var layers: [Int]?

        /// Keeps what both keep.
        public init(match: String? = nil, layers: [Int]? = nil) {
            (self.match, self.layers) = (match, layers)
        }

        /// Whether it keeps everything.
        package var isEmpty: Bool { match == nil && layers == nil }

        /// As messages call it.
        var name: String {
            let parts = [match.map { "`\($0)`" }, layers.map { "layers \($0)" }]
            return parts.compactMap { $0 }.joined(separator: " and ")
        }

        /// Whether the expression matches a name; without one, all match.
        func matches(_ name: String) throws -> Bool {
            guard let match else { return true }
            return try Regex(match).wholeMatch(in: name) != nil
        }

        /// Whether it keeps an autoencoder; one of unknown layer is kept by any layers.
        func keeps(_ name: String, layer: Int?) throws -> Bool {
            guard try matches(name) else { return false }
            guard let layer, let layers else { return true }
            return layers.contains(layer)
        }

        /// The keys of a config.
        var members: [JSONMember] {
            var members: [JSONMember] = []
            if let match { members.append(JSONMember(key: "match", value: .string(match))) }
            if let layers {
                members.append(
                    JSONMember(key: "layers", value: .array(layers.map { .integer($0) })))
            }
            return members
        }
    }
}

extension RunConfiguration.Selection {
    /// Selects all below a folder.
    init(path: String) { self.init(source: .path(path)) }

    /// The entry of a config.
    var tree: JSON { .object(source.members + own.members) }

    /// What the entry itself keeps.
    var own: RunConfiguration.Narrowing { .init(match: match, layers: layers) }
}

extension RunConfiguration.Selection.Source {
    /// The keys of a config.
    fileprivate var members: [JSONMember] {
        switch self {
        case .path(let path): return [JSONMember(key: "path", value: .string(path))]
        case .repository(let id, let folder):
            let repository = JSONMember(key: "repo", value: .string(id.text))
            return [repository]
                + (folder.map { [JSONMember(key: "folder", value: .string($0))] } ?? [])
        case .published(let release, let id):
            return [
                JSONMember(key: "release", value: .string(release)),
                JSONMember(key: "id", value: .string(id)),
            ]
        }
    }

    /// As messages call it.
    var name: String {
        switch self {
        case .path(let path): path
        case .repository(let id, let folder): id.text + (folder.map { "/\($0)" } ?? "")
        case .published(let release, let id): "release `\(release)`, id `\(id)`"
        }
    }
}

extension KeyReader {
    /// The entries of `saes`.
    ///
    /// - Parameter areNeeded: whether there must be some.
    func selections(areNeeded: Bool) throws -> [RunConfiguration.Selection] {
        guard let value = given("saes") else {
            if !areNeeded { return [] }
            throw RunError(
                .missingKey, "`saes` is missing from \(source)",
                advice: "add `saes: [{path: FOLDER}]` or the flag --saes FOLDER")
        }
        let entries = value.elements ?? [value]
        guard !entries.isEmpty || !areNeeded else {
            throw wrong("saes", value, "at least one `- path: FOLDER`")
        }
        return try entries.map(selection)
    }

    /// One entry of `saes`.
    private func selection(_ entry: JSON) throws -> RunConfiguration.Selection {
        if let path = entry.text {
            return RunConfiguration.Selection(path: try expanded(path, "saes"))
        }
        let known = ["path", "repo", "folder", "release", "id", "match", "layers"]
        for member in entry.members ?? [] where !known.contains(member.key) {
            throw RunError(
                .unknownKey, "Key `saes.\(member.key)` in \(origin(of: "saes")) is unknown",
                advice: suggestion(for: member.key, among: known))
        }
        var selection = RunConfiguration.Selection(source: try selectionSource(entry))
        let own = try narrowing(of: entry, under: "saes.")
        (selection.match, selection.layers) = (own.match, own.layers)
        return selection
    }

    /// The keys `match` and `layers` of the config or of an entry of `saes`.
    ///
    /// - Parameter prefix: `saes.` for an entry.
    func narrowing(of entry: JSON, under prefix: String = "") throws
        -> RunConfiguration.Narrowing
    {
        var narrowing = RunConfiguration.Narrowing()
        if let match = entry["match"], !match.isNull {
            guard let pattern = match.text, (try? Regex(pattern)) != nil else {
                throw wrong(prefix + "match", match, "a regular expression")
            }
            narrowing.match = pattern
        }
        if let layers = entry["layers"], !layers.isNull {
            let numbers = layers.elements?.map(\.integer) ?? [layers.integer]
            guard numbers.allSatisfy({ $0 != nil }) else {
                throw wrong(prefix + "layers", layers, "a list of layers such as [1, 2]")
            }
            narrowing.layers = numbers.compactMap { $0 }
        }
        return narrowing
    }

    /// The keys of an entry of `saes` that say where autoencoders come from.
    private func selectionSource(_ entry: JSON) throws -> RunConfiguration.Selection.Source {
        let given = ["path", "repo", "folder", "release", "id"].filter {
            entry[$0]?.isNull == false
        }
        switch given {
        case ["path"]:
            guard let path = entry["path"]?.text else { break }
            return .path(try expanded(path, "saes.path"))
        case ["repo"], ["repo", "folder"]:
            guard let repository = entry["repo"]?.text, let id = try? HubID(repository) else {
                throw wrong(
                    "saes.repo", entry["repo"] ?? .null, "`org/name` or `org/name@revision`")
            }
            guard let folder = entry["folder"], !folder.isNull else {
                return .repository(id, folder: nil)
            }
            guard let path = folder.text, HubID.isInnerPath(path) else {
                throw wrong("saes.folder", folder, "a folder in the repository such as `a/b`")
            }
            return .repository(id, folder: path)
        case ["release"], ["release", "id"]:
            return .published(
                release: try pattern("release", of: entry),
                id: given.count == 1 ? ".*" : try pattern("id", of: entry))
        default: break
        }
        throw wrong(
            "saes", entry,
            "`path: FOLDER`, `repo: org/name` and perhaps `folder:`, or `release:` and perhaps `id:`"
        )
    }

    /// A regular expression for names of the directory.
    private func pattern(_ key: String, of entry: JSON) throws -> String {
        // Ids such as 7 are numbers in YAML.
        let value = entry[key] ?? .null
        guard let text = value.text ?? value.integer.map({ "\($0)" }) else {
            throw wrong("saes.\(key)", value, "a regular expression")
        }
        do { _ = try NamePattern(text) } catch {
            throw RunError(
                .badConfig, "`saes.\(key)` in \(origin(of: "saes")): \(error.message)",
                advice: error.advice)
        }
        return text
    }
}
