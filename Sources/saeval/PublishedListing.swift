import Autoencoders
import Basics
import Reports
import Runs

/// A list of entries of the directory of published autoencoders, with what is downloaded of them.
struct PublishedListing {
    /// The entries and the bytes of those that are downloaded.
    private let entries: [(entry: PublishedAutoencoder, bytes: Int?)]

    /// The entries that pairs of expressions select, in their order.
    ///
    /// - Parameters:
    ///   - model: keeps those of a model, named with or without its organisation.
    ///   - match: an expression that must match `<release>/<id>` as a whole.
    /// - Throws: an error when nothing is left.
    init(pairs: [(release: String, id: String)], model: String?, match: String?) throws {
        var (chosen, seen) = ([PublishedAutoencoder](), Set<String>())
        for pair in pairs {
            chosen += try PublishedAutoencoders.matching(release: pair.release, id: pair.id)
                .filter { seen.insert($0.name).inserted }
        }
        let pattern = try match.map { try NamePattern($0) }
        let kept = chosen.filter { entry in
            (model.map { Self.belongs(entry, to: $0) } ?? true)
                && (pattern?.matches(entry.name) ?? true)
        }
        guard !kept.isEmpty else {
            let wishes = [model.map { "belongs to `\($0)`" }, match.map { "matches `\($0)`" }]
            let models = Set(chosen.map { lastComponent(of: $0.model) })
            throw RunError(
                .unsuitable,
                "None of the \(chosen.count) autoencoders that --release and --id select "
                    + wishes.compactMap { $0 }.joined(separator: " and "),
                advice: model.map { suggestion(for: lastComponent(of: $0), among: Array(models)) }
                    ?? "an expression for `\(chosen[0].name)` and the like")
        }
        entries = kept.map { ($0, $0.storedBytes()) }
    }

    /// Whether the directory or the loader of SAELens names a model.
    private static func belongs(_ entry: PublishedAutoencoder, to model: String) -> Bool {
        [entry.model, entry.facts.modelName ?? entry.model].contains {
            lastComponent(of: $0) == lastComponent(of: model)
        }
    }

    /// The table.
    var table: SummaryTable {
        let rows = entries.map { entry, bytes in
            var (hook, latents) = (entry.hookName, entry.latents)
            if bytes != nil, hook == nil || latents == nil,
                let found = try? entry.reference()
            {
                (hook, latents) = (hook ?? found.hookName, latents ?? found.latents)
            }
            return [
                entry.release, entry.id, entry.layer.map { "\($0)" } ?? "-",
                latents.map { "\($0)" } ?? "-", hook ?? "-",
                bytes.map(byteText) ?? "not downloaded",
            ]
        }
        return SummaryTable(
            header: ["release", "id", "layer", "width", "hook", "size"], rows: rows,
            textColumns: [0, 1, 4])
    }

    /// One line on how many there are.
    var count: String {
        let releases = Set(entries.map(\.entry.release)).count
        let downloaded = entries.count { $0.bytes != nil }
        let source = "the directory of SAELens \(PublishedAutoencoders.version)"
        return "\(entries.count) in \(source) (releases: \(releases), downloaded: \(downloaded))"
    }
}
