import Basics
import Tensors

/// An autoencoder on disk, found and not loaded.
public struct AutoencoderReference: Sendable, Codable {
    /// The first part of its name.
    public var release: String
    /// The second part of its name.
    public var id: String
    /// Its folder, or its weight file where a folder may hold several.
    public var path: String
    /// Its files by their paths in the folder, the weights first.
    public var files: [String]
    /// The name of the layout of its files, such as `sae_lens`.
    public var layout: String
    /// The hook whose activations it takes.
    public var hookName: String
    /// The hook that it reconstructs, where that is another one, as for transcoders.
    public var outputHookName: String?
    /// The model it was trained on, as its file calls it.
    public var modelName: String?
    /// Length of the activations it takes.
    public var modelSize: Int
    /// Number of latents.
    public var latents: Int
    /// The architecture as its file calls it.
    public var architecture: String
    /// Bytes of its weight file.
    public var storedBytes: Int
    /// Whether rows of text begin with the beginning-of-sequence token.
    public var prependsBeginning: Bool
    /// What is known of it besides its files.
    public var facts: AutoencoderFacts
    /// The 16-bit type that weights are rounded to before they are widened to `float32`; nil when
    /// they are read as they are stored.
    ///
    /// - Source: `SAE.load_from_disk` of SAELens 6.54.12 casts all weights to the `dtype` of
    ///   `cfg.json`, and SAE Bench 0.6.0 then casts them to the model's type. What is published is
    ///   loaded by `SAE.from_pretrained`, as `float32`.
    public private(set) var roundingType: ElementType?
    /// Latents kept for each token on average when training tracked the threshold of batch top-k
    /// that the file stands for; nil for all others.
    public var trackedK: Int?
    /// The notes of its layout.
    private var layoutNotes: [String]
    /// The configuration as SAE Bench writes it into `sae_cfg_dict`.
    @CodedAsText public var configuration: JSON

    /// Names an autoencoder on disk.
    public init(
        release: String, id: String, path: String, files: [String] = [], layout: String,
        hookName: String, outputHookName: String? = nil, modelName: String? = nil, modelSize: Int,
        latents: Int, architecture: String, storedBytes: Int, prependsBeginning: Bool = true,
        facts: AutoencoderFacts = .none, roundingType: ElementType? = nil, trackedK: Int? = nil,
        notes: [String] = [], configuration: JSON = .null
    ) {
        (self.release, self.id, self.path, self.files) = (release, id, path, files)
        self.layout = layout
        (self.hookName, self.outputHookName, self.modelName) = (hookName, outputHookName, modelName)
        (self.modelSize, self.latents) = (modelSize, latents)
        (self.architecture, self.storedBytes) = (architecture, storedBytes)
        (self.prependsBeginning, self.facts) = (prependsBeginning, facts)
        (self.roundingType, self.trackedK, layoutNotes) = (roundingType, trackedK, notes)
        _configuration = CodedAsText(wrappedValue: configuration)
    }

    /// What a reader of the results should know of how its files are read, one sentence each.
    public var notes: [String] {
        guard let roundingType else { return layoutNotes }
        return layoutNotes + [
            "The weights are rounded to \(roundingType.rawValue), the `dtype` of its configuration, "
                + "as `SAE.load_from_disk` of SAELens rounds them."
        ]
    }

    /// Reads it as `SAE.from_pretrained` of SAELens does: the weights are not rounded to the
    /// `dtype` of its configuration.
    public mutating func readAsPublished() { roundingType = nil }

    /// The configuration for results computed in another type or on another device.
    ///
    /// Classes of SAE Bench's own leave the device empty.
    public func configuration(type: String, device: String = "cpu") -> JSON {
        let typed = configuration.setting("dtype", to: .string(type))
        return typed["device"]?.text == "" ? typed : typed.setting("device", to: .string(device))
    }

    /// Whether each latent is decided on its own, so that some can be encoded alone; false for top-k
    /// and for what is not read from files.
    public var hasIndependentLatents: Bool {
        guard (try? autoencoderLayout(named: layout, path: path)) != nil else { return false }
        return Self.independentTrainers.contains(architecture)
            || architectures.contains { $0.name == architecture && $0.hasIndependentLatents }
    }

    /// Names that dictionary_learning's trainers have besides, all of them computed as `standard` or
    /// `jumprelu`.
    private static let independentTrainers: Set<String> = [
        "batch_topk", "matryoshka_batch_topk", "standard_april_update", "p_anneal",
    ]

    /// The folder of its files.
    var folder: String { fileExists(path) ? parentFolder(of: path) : path }

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
    return try layout.load(reference, foldingDecoderNorms: foldingDecoderNorms)
}

/// The layer of a hook of any kind: the first run of digits in its name; nil when it has none.
///
/// - Source: `_standardize_sae_cfg` of SAE Bench 0.6.0.
public func layer(ofHook name: String) -> Int? {
    Int(name.drop { !("0"..."9").contains($0) }.prefix { ("0"..."9").contains($0) })
}
