import Autoencoders
import Basics
import Formats
import LanguageModels

extension RunConfiguration.Selection {
    /// What it selects, and what of that cannot be read.
    ///
    /// - Throws: an error when nothing is selected or nothing of it is there.
    func survey(in cache: HubCache) throws -> AutoencoderSurvey {
        switch source {
        case .path(let path): try surveyAutoencoders(under: path)
        case .published(let release, let id):
            try publishedSurvey(PublishedAutoencoders.matching(release: release, id: id), cache)
        }
    }

    /// The entries that match and layers keep, in the order of the directory and under its names.
    private func publishedSurvey(
        _ entries: [PublishedAutoencoder], _ cache: HubCache
    ) throws -> AutoencoderSurvey {
        let kept = try entries.filter { entry in
            try matches(entry.name)
                && (entry.layer.map { layers?.contains($0) ?? true } ?? true)
        }
        guard !kept.isEmpty else { throw nothingMatches(of: entries.count) }
        guard kept.contains(where: { $0.storedBytes(in: cache) != nil }) else {
            let names = kept.prefix(3).map(\.name).joined(separator: ", ")
            throw RunError(
                .missing,
                "None of the \(kept.count) autoencoders that \(source.name) selects is downloaded: "
                    + names + (kept.count > 3 ? ", …" : ""),
                advice: "`saeval fetch` with the same config and flags, which downloads them")
        }
        return PublishedAutoencoders.survey(of: kept, in: cache)
    }

    /// Whether the expression matches a name; without one, all match.
    func matches(_ name: String) throws -> Bool {
        guard let match else { return true }
        return try Regex(match).wholeMatch(in: name) != nil
    }

    /// Whether it keeps an autoencoder.
    func keeps(_ reference: AutoencoderReference) throws -> Bool {
        guard try matches("\(reference.release)/\(reference.id)") else { return false }
        guard let layers else { return true }
        return try layers.contains(HookPoint(parsing: reference.hookName).layer)
    }

    /// The error for a selection of which nothing is kept.
    func nothingMatches(of count: Int) -> RunError {
        let listing: String
        let place: String
        switch source {
        case .path(let path):
            (place, listing) = ("below \(path)", "saeval ls saes \(path)")
        case .published(let release, let id):
            place = "of \(source.name)"
            listing = "saeval ls saes --release '\(release)' --id '\(id)'"
        }
        return RunError(
            .unsuitable,
            "None of the \(count) autoencoders \(place) matches"
                + (match.map { " `\($0)`" } ?? "") + (layers.map { " layers \($0)" } ?? ""),
            advice: "list them with `\(listing)`")
    }
}

extension RunConfiguration.Selection.Source {
    /// Whether an autoencoder that it selects is one that was selected before.
    ///
    /// The directory has some files under two names, both of which count.
    func isSame(_ new: AutoencoderReference, _ old: AutoencoderReference) -> Bool {
        switch self {
        case .path: new.path == old.path
        case .published:
            new.path == old.path && new.release == old.release && new.id == old.id
        }
    }
}
