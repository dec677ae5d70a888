import Autoencoders
import Basics
import Formats
import Hub
import Plans

/// A repository of the hub that a config names, and what of it a run reads.
public struct HubNeed: Sendable {
    /// What a run reads of a repository.
    enum Content: Sendable, Equatable {
        /// Config, tokenizer and weights of a model.
        case model
        /// Autoencoders below a folder whose `<release>/<id>` matches all expressions.
        case autoencoders(folder: String?, matches: [String])
        /// Entries of the directory of published autoencoders.
        case published([PublishedAutoencoder])
        /// Files and folders by name.
        case patterns([String])
    }

    /// What it is for, such as `model`.
    public var purpose: String
    /// The repository and its revision.
    public var id: HubID
    /// Model or dataset.
    public var kind: HubCache.Kind
    /// What is read.
    var content: Content

    /// The files of a listing that are read.
    ///
    /// - Parameter contents: gets a small file.
    func files(
        of listing: HubListing, contents: (HubFile) throws -> [UInt8]
    ) throws -> [HubFile] {
        switch content {
        case .model: return try ModelFiles.needed(in: listing, contents: contents)
        case .autoencoders(let folder, let matches):
            return try AutoencoderFiles(folder: folder, matches: matches).needed(in: listing)
        case .published(let entries):
            return try entries.flatMap { try files(of: $0, in: listing) }
        case .patterns(let patterns):
            return try HubFiles(
                kind: kind, repository: id.repository, revision: id.revision, patterns: patterns
            ).chosen(from: listing)
        }
    }
}

extension HubNeed {
    /// The files of an entry of the directory.
    private func files(
        of entry: PublishedAutoencoder, in listing: HubListing
    ) throws -> [HubFile] {
        let needed = try entry.files.map { path in
            guard let file = listing.file(path) else {
                throw RunError(
                    .unsuitable,
                    "Repository `\(listing.id.text)` has no \(path), where the directory of SAELens "
                        + "\(PublishedAutoencoders.version) places \(entry.name)",
                    advice: "expressions for `release` and `id` that leave it out")
            }
            return file
        }
        return needed + entry.optionalFiles.compactMap(listing.file)
    }
}

extension RunConfiguration {
    /// Everything on the hub that a run of this config reads; what is in local folders is left
    /// out.
    ///
    /// - Throws: an error for what is neither a path nor a hub id.
    public func hubNeeds() throws -> [HubNeed] {
        var needs: [HubNeed] = []
        if !folderExists(model), !model.hasPrefix("/"), !model.hasPrefix(".") {
            needs.append(
                HubNeed(purpose: "model", id: try HubID(model), kind: .model, content: .model))
        }
        for selection in saes {
            switch selection.source {
            case .path: continue
            case .repository(let id, let folder):
                needs.append(
                    HubNeed(
                        purpose: "autoencoders", id: id, kind: .model,
                        content: .autoencoders(
                            folder: folder,
                            matches: [selection.match, selection.narrowing.match].compactMap { $0 })
                    ))
            case .published(let release, let id):
                let all = try PublishedAutoencoders.matching(release: release, id: id)
                needs += try publishedNeeds(selection.kept(of: all, in: hubCache))
            }
        }
        for entry in datasets where HubPath.isHubPath(entry.path) {
            let path = try HubPath(entry.path)
            needs.append(
                HubNeed(
                    purpose: "dataset \(entry.id)", id: path.id, kind: .dataset,
                    content: .patterns([path.path])))
        }
        return needs
    }

    /// One need for each repository of some entries of the directory.
    private func publishedNeeds(_ entries: [PublishedAutoencoder]) throws -> [HubNeed] {
        var groups: [(repository: String, entries: [PublishedAutoencoder])] = []
        for entry in entries {
            if let index = groups.firstIndex(where: { $0.repository == entry.repository }) {
                groups[index].entries.append(entry)
            } else {
                groups.append((entry.repository, [entry]))
            }
        }
        return try groups.map { repository, entries in
            HubNeed(
                purpose: "autoencoders", id: try HubID(repository), kind: .model,
                content: .published(entries))
        }
    }

    /// Datasets that evaluations ask for and for which the config names no file.
    public func unnamedDatasets() -> [String] {
        let asked = evals.compactMap { $0.settings["dataset"]?.text }
        return asked.filter { id in
            let own = (try? expandedPath(id, of: "`dataset`")) ?? id
            return !datasets.contains { $0.id == id } && !fileExists(own)
        }
    }

    /// Looks everything up in the cache, as a run does.
    ///
    /// - Throws: an error that names the first item that is missing.
    public func checkHubCache() throws {
        for need in try hubNeeds() {
            switch need.content {
            case .model: _ = try modelFolder(model, cache: hubCache)
            case .autoencoders: break
            case .published(let entries):
                let missing = entries.first { !$0.missingFiles(in: hubCache).isEmpty }
                if let missing { _ = try missing.reference(in: hubCache) }
            case .patterns: _ = try hubCache.snapshot(of: need.id, kind: need.kind)
            }
        }
        for entry in datasets where HubPath.isHubPath(entry.path) {
            _ = try hubCache.file(HubPath(entry.path))
        }
        for selection in saes {
            guard case .repository = selection.source else { continue }
            let survey = try selection.survey(in: hubCache)
            guard survey.found.isEmpty else { continue }
            _ = try selection.source.found(survey, in: hubCache)
        }
    }
}
