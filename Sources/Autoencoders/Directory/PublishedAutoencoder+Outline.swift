/// What can be said of published autoencoders without their files, for plans.
extension PublishedAutoencoder {
    /// The hook whose activations it takes: as the directory says, or else the residual stream after
    /// its layer; nil when not even that is known.
    public var outlinedHookName: String? {
        hookName ?? layer.map { "blocks.\($0).hook_resid_post" }
    }

    /// The number of latents that directory or id tell; nil when only the files do.
    ///
    /// Ids and releases say `width_65k` or `width-2pow14`.
    public var outlinedLatents: Int? {
        latents ?? Self.width(in: id) ?? Self.width(in: release)
    }

    /// The architecture that layout or names tell; `unknown` when only the files do.
    var outlinedArchitecture: String {
        switch layout {
        case .gemmaScope, .gemmaScope2: JumpReLU.name
        default: Self.architecture(in: "\(release)/\(path)") ?? "unknown"
        }
    }

    /// The architecture in a name; nil when there is none.
    static func architecture(in name: String) -> String? {
        let letters = name.lowercased().filter(\.isLetter)
        let known: [(part: String, architecture: String)] = [
            ("matryoshka", MatryoshkaBatchTopK.name), ("batchtopk", BatchTopK.name),
            ("topk", TopK.name), ("gated", Gated.name), ("jumprelu", JumpReLU.name),
            ("panneal", Standard.name), ("vanilla", Standard.name), ("standard", Standard.name),
        ]
        return known.first { letters.contains($0.part) }?.architecture
    }

    /// The latents that a width in a name stands for.
    ///
    /// Thousands are powers of two: `65k` is 65,536, `1m` is 1,048,576.
    static func width(in name: String) -> Int? {
        for match in name.matches(of: /width[-_](?:2pow([0-9]{1,2})|([0-9]{1,4})([km]))/) {
            if let power = match.output.1.flatMap({ Int($0) }), power < 31 { return 1 << power }
            guard let number = match.output.2.flatMap({ Int($0) }) else { continue }
            let unit = match.output.3 == "m" ? 1000.0 * 1000 : 1000.0
            // The power of two below the next thousand: 131k is 131,072, 524k is 524,288.
            var power = 1
            while Double(power * 2) < Double(number + 1) * unit { power *= 2 }
            if Double(power) >= Double(number) * unit { return power }
        }
        return nil
    }

    /// Bytes of its weights: two matrices and three vectors.
    ///
    /// - Parameters:
    ///   - modelSize: length of the activations it takes.
    ///   - latents: number of latents.
    public func outlinedBytes(modelSize: Int, latents: Int) -> Int {
        let elements = 2 * modelSize * latents + 2 * latents + modelSize
        switch layout {
        case .llamaScope, .llamaScopeDistilled, .goodfire: return 2 * elements
        default: return 4 * elements
        }
    }

    /// A reference for plans, to nothing on disk.
    ///
    /// - Parameters:
    ///   - hookName: the hook whose activations it takes.
    ///   - modelSize: their length.
    ///   - latents: number of latents.
    /// - Throws: ``AutoencoderError`` when its layout is not read.
    public func outline(
        hookName: String, modelSize: Int, latents: Int
    ) throws -> AutoencoderReference {
        guard let name = layout.readAs else { throw unreadLayout() }
        return AutoencoderReference(
            release: release, id: id, path: "\(repository)/\(path)", layout: name,
            hookName: hookName, modelName: facts.modelName ?? model, modelSize: modelSize,
            latents: latents, architecture: outlinedArchitecture,
            storedBytes: outlinedBytes(modelSize: modelSize, latents: latents), facts: facts)
    }
}
