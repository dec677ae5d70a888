import Autoencoders
import Basics
import Formats
import LanguageModels

extension RunConfiguration.Selection {
    /// What lies in the folder or in the repository's snapshot.
    ///
    /// Autoencoders of a repository go by `<its name>/<their path in it>`, so that names do not
    /// depend on the commit.
    ///
    /// Entries of the directory keep its names and its order.
    ///
    /// - Throws: an error when the folder is missing, the repository is not in the cache, or nothing
    ///   of the directory is selected or there.
    func survey(in cache: HubCache) throws -> AutoencoderSurvey {
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
        let kept = try kept(of: entries)
        guard !kept.isEmpty else { throw nothingMatches(of: entries.count, in: cache) }
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

    /// The entries of the directory that the expression and layers keep.
    func kept(of entries: [PublishedAutoencoder]) throws -> [PublishedAutoencoder] {
        let pattern = try match.map { try Regex($0) }
        return try entries.filter { entry in
            if let pattern, try pattern.wholeMatch(in: entry.name) == nil { return false }
            guard let layer = entry.layer, let layers else { return true }
            return layers.contains(layer)
        }
    }

    /// Whether it keeps an autoencoder.
    func keeps(_ reference: AutoencoderReference) throws -> Bool {
        guard try matches("\(reference.release)/\(reference.id)") else { return false }
        guard let layers else { return true }
        // Hooks that are not supported are kept where their layer is, to fail by their names.
        let layer =
            (try? HookPoint(parsing: reference.hookName).layer)
            ?? layer(ofHook: reference.hookName) ?? 0
        return layers.contains(layer)
    }

    /// The error for a selection of which nothing is kept.
    func nothingMatches(of count: Int, in cache: HubCache) -> RunError {
        RunError(
            .unsuitable,
            "None of the \(count) autoencoders below \(source.name) matches"
                + (match.map { " `\($0)`" } ?? "") + (layers.map { " layers \($0)" } ?? ""),
            advice: source.listing(in: cache))
    }

    /// Whether the expression matches a name; without one, all match.
    func matches(_ name: String) throws -> Bool {
        guard let match else { return true }
        return try Regex(match).wholeMatch(in: name) != nil
    }
}

extension RunConfiguration.Selection.Source {
    /// The autoencoders of a survey.
    ///
    /// - Throws: an error when there are none.
    func found(
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
