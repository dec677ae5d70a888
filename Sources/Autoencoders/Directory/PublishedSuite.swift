/// A repository of many autoencoders of which number, layer and width are known without a listing.
///
/// Plans take the number and the sizes from here; only a listing of the repository has the names.
public struct PublishedSuite: Sendable {
    /// The hook whose activations they take.
    public let hookName: String
    /// Latents of each.
    public let latents: Int
    /// Stand-ins for their paths in the repository.
    public let paths: [String]

    /// What is known of a repository; nil when nothing is.
    ///
    /// SAE Bench's baseline suite has one repository for each model and width. Each holds seven
    /// architectures at six sparsities.
    ///
    /// - Source: Karvonen et al. 2025, app. B.
    public static func of(repository: String) -> PublishedSuite? {
        let name = repository.split(separator: "/").last ?? ""
        guard
            let match = name.wholeMatch(
                of: /saebench_(gemma-2-2b|pythia-160m-deduped)_width-2pow(12|14|16)_date-.*/),
            let power = Int(match.output.2)
        else { return nil }
        let layer = match.output.1 == "gemma-2-2b" ? 12 : 8
        let architectures = [
            "BatchTopK", "GatedSAE", "JumpRelu", "MatryoshkaBatchTopK", "PAnneal", "Standard",
            "TopK",
        ]
        return PublishedSuite(
            hookName: "blocks.\(layer).hook_resid_post", latents: 1 << power,
            paths: architectures.flatMap { architecture in
                (0..<6).map { "\(architecture)/resid_post_layer_\(layer)/trainer_\($0)" }
            })
    }

    /// A reference for plans to one of them, to nothing on disk.
    ///
    /// - Parameters:
    ///   - path: one of ``paths``.
    ///   - repository: the repository's id.
    ///   - modelSize: length of the activations they take.
    public func outline(
        _ path: String, of repository: String, modelSize: Int
    ) -> AutoencoderReference {
        let release = repository.split(separator: "/").last.map(String.init) ?? repository
        return AutoencoderReference(
            release: release, id: path, path: "\(repository)/\(path)",
            layout: DictionaryLearningLayout().name, hookName: hookName, modelSize: modelSize,
            latents: latents,
            architecture: PublishedAutoencoder.architecture(in: path) ?? "unknown",
            storedBytes: 4 * (2 * modelSize * latents + 2 * latents + modelSize))
    }
}
