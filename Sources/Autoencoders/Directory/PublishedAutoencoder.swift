import Basics

/// One entry of the directory of published autoencoders.
public struct PublishedAutoencoder: Sendable {
    /// The first part of its name.
    public var release: String
    /// The second part of its name.
    public var id: String
    /// The repository on the Hugging Face hub.
    public var repository: String
    /// Its path in the repository: a folder or a file, as its layout has it.
    public var path: String
    /// How its files are stored.
    public var layout: PublishedLayout
    /// The model it was trained on, as the directory calls it.
    public var model: String
    /// The hook whose activations it takes; nil when only its files say.
    public var hookName: String?
    /// The layer of that hook.
    public var layer: Int?
    /// Number of latents; nil when only its files say.
    public var latents: Int?
    /// Mean number of active latents, as its authors measured it.
    public var l0: Double?
    /// What its layout is told besides the files.
    public var facts: AutoencoderFacts

    /// Both parts of its name.
    public var name: String { "\(release)/\(id)" }

    /// The files that it cannot be loaded without, by their paths in the repository.
    public var files: [String] { layout.files(at: path).needed }

    /// Files that some autoencoders of its layout have and others lack.
    public var optionalFiles: [String] { layout.files(at: path).optional }
}

extension PublishedAutoencoder: Equatable {
    /// Whether two entries are one: the directory has each name once.
    public static func == (first: PublishedAutoencoder, second: PublishedAutoencoder) -> Bool {
        first.release == second.release && first.id == second.id
    }
}

/// The directory of published autoencoders that SAELens ships, reduced to what selects, finds and
/// loads them.
public enum PublishedAutoencoders {
    /// All entries, in the order of the directory.
    ///
    /// - Cost: unpacked at first use.
    public static let all: [PublishedAutoencoder] = unpackedDirectory()

    /// The names of all models whose autoencoders are published, as the directory and as SAELens'
    /// loaders call them.
    ///
    /// - Cost: the entries are not unpacked.
    public static let models: Set<String> = unpackedModels()

    /// The version of SAELens whose directory this is.
    public static var version: String { publishedVersion }

    /// The names of all releases, in their order.
    public static var releases: [String] {
        all.reduce(into: []) { names, entry in
            if names.last != entry.release { names.append(entry.release) }
        }
    }

    /// The entries whose release and id match two regular expressions as a whole, in the order of
    /// the directory.
    ///
    /// - Source: `get_saes_from_regex` of SAE Bench.
    /// - Throws: ``AutoencoderError`` for what is no regular expression, and when nothing matches.
    public static func matching(
        release: String, id: String = ".*"
    ) throws(AutoencoderError) -> [PublishedAutoencoder] {
        let (releasePattern, idPattern) = (try NamePattern(release), try NamePattern(id))
        var verdict: (release: String, matches: Bool)?
        var matched: [String] = []
        var example: PublishedAutoencoder?
        let found = all.filter { entry in
            if verdict?.release != entry.release {
                verdict = (entry.release, releasePattern.matches(entry.release))
                if verdict?.matches == true {
                    matched.append(entry.release)
                    example = example ?? entry
                }
            }
            return verdict?.matches == true && idPattern.matches(entry.id)
        }
        guard let example else { throw noRelease(release) }
        guard !found.isEmpty else {
            throw AutoencoderError(
                .missing,
                "No id of release \(listed(matched)) matches `\(id)` as a whole",
                advice: "an id such as `\(example.id)`; `saeval ls saes --release '\(release)'` "
                    + "lists them")
        }
        return found
    }

    /// The error for a release that is not there.
    private static func noRelease(_ pattern: String) -> AutoencoderError {
        let plain = pattern.replacing(".*", with: "").replacing("\\", with: "")
        // Where anything may follow, beginnings are compared, a letter longer for one left out.
        let beginnings = releases.map {
            pattern.hasSuffix(".*") ? String($0.prefix(plain.count + 1)) : $0
        }
        let nearest =
            nearestName(to: plain, among: beginnings)
            .flatMap(beginnings.firstIndex).map { "`\(releases[$0])`; " } ?? ""
        return AutoencoderError(
            .missing,
            "No release in the directory of SAELens \(version) matches `\(pattern)` as a whole",
            advice: "\(nearest)`saeval ls saes --release '.*' --id '.*'` lists all")
    }

    /// Names for a message, three at most.
    private static func listed(_ names: [String]) -> String {
        names.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
            + (names.count > 3 ? " and \(names.count - 3) others" : "")
    }
}
