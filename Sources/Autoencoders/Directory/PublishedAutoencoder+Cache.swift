import Basics
import Formats

extension PublishedAutoencoder {
    /// The snapshot of its repository in a cache; nil when there is none.
    public func snapshot(in cache: HubCache = HubCache()) -> String? {
        try? cache.snapshot(of: repository)
    }

    /// The files that it needs and that are not in a cache, by their paths in the repository.
    public func missingFiles(in cache: HubCache = HubCache()) -> [String] {
        guard let snapshot = snapshot(in: cache) else { return files }
        return files.filter { !fileExists("\(snapshot)/\($0)") }
    }

    /// Bytes of its files in a cache; nil when not all that it needs are there.
    public func storedBytes(in cache: HubCache = HubCache()) -> Int? {
        guard let snapshot = snapshot(in: cache) else { return nil }
        var sum = 0
        for file in files {
            guard fileExists("\(snapshot)/\(file)"),
                let count = fileByteCount("\(snapshot)/\(file)")
            else { return nil }
            sum += count
        }
        return optionalFiles.reduce(sum) { $0 + (fileByteCount("\(snapshot)/\($1)") ?? 0) }
    }

    /// The autoencoder in a cache, under the names of the directory and with what it knows.
    ///
    /// - Throws: ``AutoencoderError`` when it is not downloaded, its layout is not read, or its
    ///   configuration is damaged.
    public func reference(in cache: HubCache = HubCache()) throws -> AutoencoderReference {
        guard let snapshot = snapshot(in: cache) else {
            throw notDownloaded(
                "\(cache.folder) has no snapshot of \(repository)", cache)
        }
        let missing = missingFiles(in: cache)
        guard missing.isEmpty else {
            throw notDownloaded("\(snapshot) lacks \(missing.joined(separator: ", "))", cache)
        }
        guard let name = layout.readAs else { throw unreadLayout() }
        let stored = "\(snapshot)/\(path)"
        let reader = try autoencoderLayout(named: name, path: stored)
        let isFile = files.first == path
        let found = isFile ? [] : reader.autoencoders(among: try folderContents(stored), in: stored)
        var location = AutoencoderLocation(
            folder: isFile ? parentFolder(of: stored) : stored,
            files: isFile ? files.map(lastComponent) : found.first ?? reader.files, layout: name,
            isPerFile: isFile, sidecar: nil)
        location.facts = facts
        return try reader.reference(to: location, release: release, id: id)
    }

    /// The error for a layout that is not read.
    func unreadLayout() -> AutoencoderError {
        AutoencoderError(
            .unsupported,
            "\(name) is of the layout `\(layout.rawValue)`, which is not read",
            advice: "an autoencoder of "
                + PublishedLayout.allCases.filter { $0.readAs != nil }.map(\.rawValue)
                .joined(separator: ", "))
    }

    /// The error that says what is not there.
    private func notDownloaded(_ reason: String, _ cache: HubCache) -> AutoencoderError {
        AutoencoderError(
            .missing, "\(name) is not downloaded: \(reason)",
            advice: cache.advice)
    }
}

extension PublishedAutoencoders {
    /// What is in a cache of some entries, under the names of the directory and in the order given;
    /// entries that are not downloaded or cannot be read go by their names.
    public static func survey(
        of entries: [PublishedAutoencoder], in cache: HubCache
    ) -> AutoencoderSurvey {
        var survey = AutoencoderSurvey()
        for entry in entries {
            do { survey.found.append(try entry.reference(in: cache)) } catch {
                survey.unread.append(.init(path: entry.name, reason: "\(error)", error: error))
            }
        }
        return survey
    }
}
