import Basics

/// `layer<n>.sae.pt` of Qwen Scope, one autoencoder for each file.
///
/// - Source: `qwen_scope_sae_huggingface_loader` of SAELens 6. k and the model come from the name
///   of the repository, `SAE-Res-<model>-W<width>K-L0_<k>`.
struct QwenScopeLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "qwen_scope"
    /// A file for each layer.
    let files = ["layer0.sae.pt"]
    /// One weight file each.
    let isPerFile = true

    /// The files called after a layer.
    func autoencoders(among names: [String], in folder: String) -> [[String]] {
        names.filter { layer(of: $0) != nil }.map { [$0] }
    }

    /// Reads an autoencoder.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        guard let repository = repository(location) else {
            throw AutoencoderError(
                .missing, "\(location.path) does not say how many latents a token keeps",
                advice: "put it into a folder called as its repository, such as "
                    + "SAE-Res-Qwen3-1.7B-Base-W32K-L0_50, or describe it by a sae.yaml with "
                    + "`architecture: topk`")
        }
        let source = try openTensors(location.weights)
        let (latents, modelSize) = try matrixShape(of: "W_enc", in: source)
        let layer = layer(of: lastComponent(of: location.path))
        return try AutoencoderSpecification(
            location, TopK(k: repository.k), modelSize: modelSize, latents: latents,
            hook: location.hook(or: layer.map { "blocks.\($0).hook_resid_post" }, layout: self),
            model: location.model(or: "Qwen/\(repository.model)", layout: self),
            subtractingBias: false, contextSize: 1024,
            metadata: [
                JSONMember(
                    key: "hf_hook_name", value: layer.map { .string("model.layers.\($0)") } ?? .null
                )
            ],
            tensors: TensorMap(
                recipes: ["W_enc": .transposed("W_enc"), "W_dec": .transposed("W_dec")],
                isLenient: location.facts.isPublished))
    }

    /// The layer in the name of a file; nil for other files.
    private func layer(of file: String) -> Int? {
        guard file.hasPrefix("layer"), file.hasSuffix(".sae.pt") else { return nil }
        return Int(file.dropFirst(5).dropLast(7)).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// What the repository's name says; nil when no folder has such a name.
    private func repository(_ location: AutoencoderLocation) -> (model: String, k: Int)? {
        for component in location.components.reversed() {
            guard let start = component.firstRange(of: "SAE-Res-")?.upperBound,
                let width = component.firstRange(of: "-W", after: start),
                let middle = component.firstRange(of: "K-L0_", after: width.upperBound),
                Int(component[width.upperBound..<middle.lowerBound]) != nil,
                let k = Int(component[middle.upperBound...])
            else { continue }
            return (String(component[start..<width.lowerBound]), k)
        }
        return nil
    }
}

extension String {
    /// The first range of a text behind an index.
    fileprivate func firstRange(of text: String, after start: Index) -> Range<Index>? {
        self[start...].firstRange(of: text)
    }
}
