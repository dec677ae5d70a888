import Basics
import Formats

extension AutoencoderLayout {
    /// Reads an autoencoder's files but for its weights, once.
    func reference(
        to location: AutoencoderLocation, release: String, id: String
    ) throws -> AutoencoderReference {
        try checkMarks(of: location)
        var specification = try read(location)
        if let tensors = specification.function?.tensors, tensors.isLenient,
            let source = try? openTensors(location.weights)
        {
            specification.layoutNotes += TranslatedTensors(source, tensors).passedOver.map {
                "`\($0)` in \(lastComponent(of: location.weights)) is passed over, as SAELens does."
            }
        }
        return AutoencoderReference(
            release: release, id: id, path: location.path, files: location.files, layout: name,
            specification: specification, storedBytes: fileByteCount(location.weights) ?? 0,
            facts: location.facts)
    }
}

extension AutoencoderReference {
    /// The folder of its files.
    private var folder: String { fileExists(path) ? parentFolder(of: path) : path }

    /// The path of its weights.
    var weights: String { joined(folder, files.first ?? "") }

    /// Opens its weights under the names of SAELens.
    ///
    /// - Throws: ``AutoencoderError`` where its layout refuses what the file holds.
    func openWeights(of function: AutoencoderFunction) throws -> TranslatedTensors {
        let source = try openTensors(weights)
        try autoencoderLayout(named: layout, path: path).check(source, of: self)
        let tensors = TranslatedTensors(source, function.tensors)
        try tensors.checkValues(known: function.tensors.knownValues)
        return tensors
    }

    /// Whether each latent is decided on its own, so that some can be encoded alone; false for top-k
    /// and for what is not read from files.
    public var hasIndependentLatents: Bool {
        guard (try? autoencoderLayout(named: layout, path: path)) != nil else { return false }
        return Self.independentTrainers.contains(specification.architecture)
            || linearArchitectures.contains {
                $0.name == specification.architecture && $0.hasIndependentLatents
            }
    }

    /// Names that dictionary_learning's trainers have besides, all of them computed as `standard` or
    /// `jumprelu`.
    private static let independentTrainers: Set<String> = [
        "batch_topk", "matryoshka_batch_topk", "standard_april_update", "p_anneal",
    ]

    /// The hash of the bytes of all its files and of what is known besides, for cache keys; the
    /// folder's name does not count.
    ///
    /// - Cost: reads the weight file once.
    public func contentHash() throws -> ContentHash {
        var parts = try files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { ($0, try ContentHash.of(file: joined(folder, $0)).hex) }
        if let text = facts.contentText { parts.append(("facts", text)) }
        if let roundingType { parts.append(("rounding", roundingType.rawValue)) }
        let reader = try? autoencoderLayout(named: layout, path: path)
        if facts.isPublished, reader?.hasPublishedForm == true {
            parts.append(("published", "true"))
        }
        return ContentHash.of(parts: parts)
    }
}

/// Loads the autoencoder that a reference names and checks every tensor of it.
///
/// - Parameter foldingDecoderNorms: whether latents are rescaled as if every decoder row had norm
///   1, as SAE Bench does; architectures for which that could change the function are left as they
///   are.
/// - Throws: ``AutoencoderError`` or an error of the file's format, naming file, tensor and remedy.
/// - Cost: matrices stay mapped and are read once for the check; vectors are copied.
public func loadAutoencoder(
    _ reference: AutoencoderReference, foldingDecoderNorms: Bool = true
) throws -> any Autoencoder {
    let layout = try autoencoderLayout(named: reference.layout, path: reference.path)
    guard let function = reference.specification.function else {
        throw AutoencoderError(
            .missing, "\(reference.path) is not on disk",
            advice: "download it, and find it again")
    }
    return try layout.load(reference, function, foldingDecoderNorms: foldingDecoderNorms)
}
