import Autoencoders
import Basics
import Formats
import LanguageModels

extension RunConfiguration.Selection {
    /// What is in the folder or in the repository's snapshot.
    ///
    /// Autoencoders of a repository go by `<its name>/<their path in it>`, so that names do not
    /// depend on the commit.
    ///
    /// Entries of the directory keep its names and its order.
    ///
    /// - Throws: an error when the folder does not exist, the repository is not in the cache, or
    ///   nothing of the directory is selected or there.
    package func survey(in cache: HubCache) throws -> AutoencoderSurvey {
        switch source {
        case .path(let path): return try surveyAutoencoders(under: path)
        case .repository(let id, let folder):
            let snapshot = try cache.snapshot(of: id)
            let place = folder.map { "\(snapshot)/\($0)" } ?? snapshot
            guard folderExists(place) else {
                throw RunError(
                    .missing, "The snapshot of `\(id.text)` has no folder \(place)",
                    advice: cache.advice)
            }
            var survey = try surveyAutoencoders(under: place)
            func inner(_ path: String) -> String {
                path.hasPrefix(snapshot + "/")
                    ? String(path.dropFirst(snapshot.count + 1)) : id.name
            }
            for index in survey.found.indices {
                survey.found[index].release = id.name
                survey.found[index].id = inner(survey.found[index].path)
                survey.found[index].readAsPublished()
            }
            survey.found.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            survey.unread = try survey.unread.filter { try matches("\(id.name)/\(inner($0.path))") }
            for (index, unread) in survey.unread.enumerated() {
                guard let error = unread.error as? AutoencoderError, error.code == .missing else {
                    continue
                }
                survey.unread[index].error = RunError(
                    .missing, "\(unread.path) is not whole", advice: cache.advice, cause: error)
            }
            return survey
        case .published(let release, let id):
            return try publishedSurvey(
                PublishedAutoencoders.matching(release: release, id: id), cache)
        }
    }

    /// The entries that the expression and layers keep.
    private func publishedSurvey(
        _ entries: [PublishedAutoencoder], _ cache: HubCache
    ) throws -> AutoencoderSurvey {
        let kept = try kept(of: entries, in: cache)
        guard !kept.isEmpty else { return AutoencoderSurvey() }
        guard kept.contains(where: { $0.storedBytes(in: cache) != nil }) else {
            let names = kept.prefix(3).map(\.name).joined(separator: ", ")
            throw RunError(
                .missing,
                "None of the \(kept.count) autoencoders of \(source.name) is downloaded: "
                    + names + (kept.count > 3 ? ", …" : ""),
                advice: cache.advice)
        }
        return PublishedAutoencoders.survey(of: kept, in: cache)
    }

    /// The entries of the directory that are kept; none where the config's narrowing loses all.
    ///
    /// - Throws: ``RunError`` where the expression and layers of this selection itself lose all.
    package func kept(
        of entries: [PublishedAutoencoder], in cache: HubCache
    ) throws -> [PublishedAutoencoder] {
        let selected = try entries.filter { try own.keeps($0.name, layer: $0.layer) }
        guard !selected.isEmpty else { throw nothingMatches(of: entries.count, in: cache) }
        return try selected.filter { try narrowing.keeps($0.name, layer: $0.layer) }
    }

    /// The autoencoders on disk that are kept; none where the config's narrowing loses all.
    ///
    /// - Throws: ``RunError`` where the expression and layers of this selection itself lose all.
    package func kept(
        of references: [AutoencoderReference], in cache: HubCache
    ) throws -> [AutoencoderReference] {
        let selected = try references.filter { try own.keeps($0.name, layer: $0.anyLayer) }
        guard !selected.isEmpty || references.isEmpty else {
            throw nothingMatches(of: references.count, in: cache)
        }
        return try selected.filter { try narrowing.keeps($0.name, layer: $0.anyLayer) }
    }

    /// Names and layers of what this selection itself keeps, before the config's narrowing.
    ///
    /// - Parameter found: what is on disk; the directory says what is published.
    func candidates(
        among found: [AutoencoderReference]
    ) throws -> [(name: String, layer: Int?)] {
        var all: [(name: String, layer: Int?)] = found.map { ($0.name, $0.anyLayer) }
        if case .published(let release, let id) = source, !narrowing.isEmpty {
            all = try PublishedAutoencoders.matching(release: release, id: id).map {
                ($0.name, $0.layer)
            }
        }
        return try all.filter { try own.keeps($0.name, layer: $0.layer) }
    }

    /// The error for a selection of which nothing is kept.
    func nothingMatches(of count: Int, in cache: HubCache) -> RunError {
        RunError(
            .unsuitable,
            "None of the \(count) autoencoders below \(source.name) matches"
                + (match.map { " `\($0)`" } ?? "") + (layers.map { " layers \($0)" } ?? ""),
            advice: source.listing(in: cache))
    }

    /// Whether the expressions match a name.
    func matches(_ name: String) throws -> Bool {
        try own.matches(name) && narrowing.matches(name)
    }
}

extension AutoencoderReference {
    /// As expressions see it.
    fileprivate var name: String { "\(release)/\(id)" }

    /// The layer, also of a hook that is not supported, which is kept to fail by its name.
    fileprivate var anyLayer: Int {
        (try? HookPoint(parsing: self.hookName).layer) ?? layer(ofHook: self.hookName) ?? 0
    }
}

extension RunConfiguration.Selection.Source {
    /// The autoencoders of a survey.
    ///
    /// - Throws: an error when there are none.
    package func found(
        _ survey: AutoencoderSurvey, in cache: HubCache
    ) throws -> [AutoencoderReference] {
        switch self {
        case .path(let path): return try findAutoencoders(under: path)
        case .published: return survey.found
        case .repository(let id, _):
            guard survey.found.isEmpty else { return survey.found }
            throw RunError(
                .missing,
                "The snapshot of `\(id.text)` holds no autoencoder that can be read"
                    + (survey.note.map { "; \($0)" } ?? ""),
                advice: cache.advice)
        }
    }

    /// What to do about a selection that matches nothing.
    func listing(in cache: HubCache) -> String {
        switch self {
        case .path(let path): "list them with `saeval ls saes \(path)`"
        case .repository(let id, _):
            "names of the form \(id.name)/<path in the repository>; others come with "
                + cache.advice
        case .published(let release, let id):
            "list them with `saeval ls saes --release '\(release)' --id '\(id)'`"
        }
    }

    /// What tells an autoencoder that it selects from those that were selected before.
    ///
    /// The directory has some files under two names, both of which count.
    func identity(of reference: AutoencoderReference) -> String {
        let identities = Self.identities(of: reference)
        if case .published = self { return identities[1] }
        return identities[0]
    }

    /// What an autoencoder is known by: its place, and its place with its name.
    static func identities(of reference: AutoencoderReference) -> [String] {
        [reference.path, "\(reference.path)\n\(reference.release)\n\(reference.id)"]
    }
}

extension RunConfiguration.Narrowing {
    /// The error of a narrowing by which none of some autoencoders is left.
    func nothingLeft(of all: [(name: String, layer: Int?)]) -> RunError {
        let layers = Set(all.compactMap(\.layer)).sorted().map { "\($0)" }
        let names = all.prefix(3).map(\.name).joined(separator: ", ") + (all.count > 3 ? ", …" : "")
        return RunError(
            .unsuitable,
            "\(name) keeps none of the \(all.count) autoencoders that `saes` names: \(names)",
            advice: self.layers == nil
                ? "an expression that matches such a name as a whole"
                : "layers among \(layers.joined(separator: ", "))")
    }
}
