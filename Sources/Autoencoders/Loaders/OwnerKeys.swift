import Basics

/// What a layout does with the keys that the program of its owner writes into a configuration.
struct OwnerKeys {
    /// Keys whose values are read; values that are not computed are refused by name.
    let computed: Set<String>
    /// Keys that say nothing about what the autoencoder computes, once it is trained.
    let inert: Set<String>

    /// Refuses keys of a configuration that its layout does not know.
    ///
    /// - Parameters:
    ///   - json: the object that holds the keys.
    ///   - parent: the key of that object in the file; nil for the file itself.
    /// - Returns: a note on each key that SAELens passes over in a published file.
    /// - Throws: ``AutoencoderError`` that names the keys, unless `sae.yaml` says to ignore them.
    func check(
        _ json: JSON, in path: String, of location: AutoencoderLocation, under parent: String? = nil
    ) throws -> [String] {
        let ignored = try location.ignored
        let unknown = (json.members ?? []).map(\.key).filter {
            !computed.contains($0) && !inert.contains($0) && !ignored.contains($0)
        }
        if unknown.isEmpty { return [] }
        let names = unknown.map { "`\(parent.map { "\($0)." } ?? "")\($0)`" }
        if location.facts.isPublished {
            return names.map {
                "\($0) in \(lastComponent(of: path)) is passed over, as SAELens does."
            }
        }
        throw AutoencoderError(
            .unsupported,
            "\(path) has keys that are not known: \(names.prefix(8).joined(separator: ", "))"
                + (names.count > 8 ? ", …" : ""),
            advice: ignoringAdvice(unknown))
    }
}

/// What is refused in files of one's own and passed over in published ones, as SAELens does.
struct PassedOver {
    /// The autoencoder.
    let location: AutoencoderLocation
    /// Its configuration, for messages.
    let path: String
    /// A note on each setting that was passed over.
    private(set) var notes: [String] = []

    /// Nothing yet.
    init(_ location: AutoencoderLocation, _ path: String) {
        (self.location, self.path) = (location, path)
    }

    /// Refuses the value of a key, or notes that SAELens does not read it.
    mutating func refuse(
        _ key: String, _ value: JSON, _ reason: String, advice: String
    ) throws(AutoencoderError) {
        guard location.facts.isPublished else {
            throw AutoencoderError(
                .unsupported, "\(path): `\(key)` is \(value.text()), which \(reason)",
                advice: advice)
        }
        notes.append(
            "`\(key)` is \(value.text()) in \(lastComponent(of: path)), which SAELens does not read."
        )
    }
}
