import Autoencoders
import Basics
import Formats

extension RunConfiguration.Selection {
    /// What lies in the folder or in the repository's snapshot.
    ///
    /// Autoencoders of a repository go by `<its name>/<their path in it>`, so that names do not
    /// depend on the commit.
    ///
    /// - Throws: an error when the folder is missing, or the repository is not in the cache.
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
        }
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
        }
    }
}
