import Basics
import Formats

/// `params.npz` of Gemma Scope, which says nothing about itself: sizes come from the arrays, hook
/// and model from the path of the repository or from `sae.yaml`.
///
/// - Source: `gemma_2_sae_huggingface_loader` of SAELens 6; Lieberum et al. 2024.
struct GemmaScopeLayout: AutoencoderLayout {
    /// The weights.
    static let weightFile = "params.npz"

    /// The name in listings.
    let name = "gemma_scope"
    /// The archive.
    let files = [weightFile]

    /// Reads the archive; transcoders of Gemma Scope have the same file and are refused.
    ///
    /// Arrays that are not known are refused, as by SAELens.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let source = try openTensors(location.weights)
        let encoder = ["W_enc", "w_enc"].first(where: source.contains) ?? "W_enc"
        let decoder = ["W_dec", "w_dec"].first(where: source.contains) ?? "W_dec"
        let (modelSize, latents) = try matrixShape(of: encoder, in: source)
        let repository = GemmaScopeRepository(location)
        if repository?.kind == .transcoders {
            throw AutoencoderError(
                .unsupported,
                "\(location.path) is a transcoder of Gemma Scope, which is not computed",
                advice: "an autoencoder of gemma-scope-…-res, -mlp or -att")
        }
        var tensors = TensorMap(recipes: ["W_enc": .stored(encoder), "W_dec": .stored(decoder)])
        var normalization = TrainedNormalization.none
        if repository?.isEmbedding(location) == true {
            // Training divided embeddings by the square root of their length, and so do the weights
            // in SAELens; the decoder's bias stays.
            let scale = 1 / Double(modelSize).squareRoot()
            tensors.recipes["b_dec"] = .scaled("b_dec", Float(scale))
            normalization = try TrainedNormalization(scaledBy: scale, path: location.path)
        }
        return try AutoencoderSpecification(
            location, JumpReLU(), modelSize: modelSize, latents: latents,
            hook: location.hook(or: repository?.hook(location), layout: self),
            model: location.model(or: repository?.model, layout: self), subtractingBias: false,
            normalization: normalization, contextSize: 1024,
            dataset: "monology/pile-uncopyrighted", tensors: tensors)
    }
}

/// What the name of a repository of Gemma Scope says.
private struct GemmaScopeRepository {
    /// The activations that its autoencoders take.
    enum Kind: String, CaseIterable { case res, mlp, att, transcoders }

    /// The activations.
    let kind: Kind
    /// The model in the names of TransformerLens.
    let model: String

    /// Finds `gemma-scope-2b-pt-res` and its like in a path; nil when there is none.
    init?(_ location: AutoencoderLocation) {
        for component in location.components.reversed() {
            guard let start = component.firstRange(of: "gemma-scope-")?.upperBound else { continue }
            let parts = component[start...].split(separator: "-").map(String.init)
            guard parts.count >= 3, ["2b", "9b", "27b"].contains(parts[0]),
                ["pt", "it"].contains(parts[1]), let kind = Kind(rawValue: parts[2])
            else { continue }
            self.kind = kind
            model = "gemma-2-\(parts[0])" + (parts[1] == "it" ? "-it" : "")
            return
        }
        return nil
    }

    /// Whether an autoencoder of the repository takes token embeddings.
    func isEmbedding(_ location: AutoencoderLocation) -> Bool {
        kind == .res && location.components.contains("embedding")
    }

    /// The hook of an autoencoder of the repository; nil when its path has no layer.
    func hook(_ location: AutoencoderLocation) -> String? {
        if isEmbedding(location) { return "hook_embed" }
        guard let layer = location.number(after: "layer_") else { return nil }
        switch kind {
        case .res: return "blocks.\(layer).hook_resid_post"
        case .mlp, .transcoders: return "blocks.\(layer).hook_mlp_out"
        case .att: return "blocks.\(layer).attn.hook_z"
        }
    }
}

/// The two lengths of a matrix in a file.
func matrixShape(
    of name: String, in source: any TensorSource
) throws -> (first: Int, second: Int) {
    let shape = try source.shape(of: name)
    guard shape.count == 2 else {
        throw AutoencoderError(
            .shape, "\(source.path): tensor `\(name)` has shape \(shape), expected a matrix",
            advice: "check that the file holds an autoencoder of this layout")
    }
    return (shape[0], shape[1])
}
