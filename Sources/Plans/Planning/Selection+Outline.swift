import Autoencoders
import Basics
import Formats
import LanguageModels

extension RunConfiguration.Selection {
    /// Latents of an autoencoder of unknown width, for each number of its activations.
    private static let likelyExpansion = 32

    /// What it selects, where what is not on disk is outlined; nil for a source that ``survey(in:)``
    /// covers.
    func outlinedSurvey(
        in cache: HubCache, of model: ModelDescription, _ outline: OutlineRecord
    ) throws -> AutoencoderSurvey? {
        switch source {
        case .path: return nil
        case .repository(let id, let folder):
            do { return try survey(in: cache) } catch  where isMissing(error) {}
            guard let suite = PublishedSuite.of(repository: id.repository) else {
                outline.leaveOut(id.text)
                outline.add(.autoencoder, id.text, bytes: nil)
                return AutoencoderSurvey()
            }
            outline.assumeNames(of: id.text)
            var survey = AutoencoderSurvey()
            let size = try model.size(at: HookPoint(parsing: suite.hookName))
            let inside = suite.paths.filter { path in
                folder.map { path == $0 || path.hasPrefix($0 + "/") } ?? true
            }
            survey.found = inside.map { suite.outline($0, of: id.repository, modelSize: size) }
            for reference in try kept(of: survey.found, in: cache) {
                outline.add(
                    .autoencoder, "\(reference.release)/\(reference.id)",
                    bytes: reference.storedBytes)
            }
            return survey
        case .published(let release, let id):
            let entries = try PublishedAutoencoders.matching(release: release, id: id)
            let kept = try kept(of: entries, in: cache)
            return outlinedSurvey(of: kept, in: cache, model, outline)
        }
    }

    /// Entries of the directory: from disk, or else outlined.
    private func outlinedSurvey(
        of entries: [PublishedAutoencoder], in cache: HubCache, _ model: ModelDescription,
        _ outline: OutlineRecord
    ) -> AutoencoderSurvey {
        var survey = AutoencoderSurvey()
        // Looking for hundreds of files where there is not even the repository's folder takes time.
        var repositories: [String: Bool] = [:]
        for entry in entries {
            let isThere = repositories[entry.repository] ?? (entry.snapshot(in: cache) != nil)
            repositories[entry.repository] = isThere
            do {
                if isThere, entry.missingFiles(in: cache).isEmpty {
                    survey.found.append(try entry.reference(in: cache))
                } else {
                    let reference = try outlined(entry, model, outline)
                    outline.add(.autoencoder, entry.name, bytes: reference.storedBytes)
                    survey.found.append(reference)
                }
            } catch {
                survey.add(unread: entry.name, because: error)
            }
        }
        return survey
    }

    /// An entry of the directory that is not on disk.
    private func outlined(
        _ entry: PublishedAutoencoder, _ model: ModelDescription, _ outline: OutlineRecord
    ) throws -> AutoencoderReference {
        guard let name = entry.outlinedHookName else {
            throw RunError(
                .missing, "Nothing is known of \(entry.name) without its files",
                advice: "download it, or leave it out")
        }
        let size = try model.size(at: HookPoint(parsing: name))
        let latents = entry.outlinedLatents ?? Self.likelyExpansion * size
        if entry.outlinedLatents == nil { outline.assumeWidth(latents, of: entry.release) }
        return try entry.outline(hookName: name, modelSize: size, latents: latents)
    }
}
