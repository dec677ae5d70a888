import SAEval

/// Another autoencoder, of whose active latents only the strongest few are kept for each token:
/// how much of its reconstruction do they carry?
struct StrongestLatents: Autoencoder {
    /// The autoencoder that is cut short.
    let base: any Autoencoder
    /// Latents kept for each token.
    let limit: Int
    /// Its name, sizes and hook.
    let description: AutoencoderDescription
    /// One direction for each latent, `[latents, model]`.
    var decoderMatrix: MatrixView { base.decoderMatrix }

    init(of base: any Autoencoder, keeping limit: Int) {
        (self.base, self.limit) = (base, limit)
        description = AutoencoderDescription(
            architecture: "strongest latents", modelSize: base.description.modelSize,
            latents: base.description.latents, hookName: base.description.hookName,
            modelName: base.description.modelName, id: "strongest_\(limit)")
    }

    /// The strongest latents of each row of x, `[tokens, model]`.
    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        let all = try base.encode(x, on: backend)
        var kept = SparseCodes(latents: all.latents)
        for row in 0..<all.rows {
            let entries = all.rowStarts[row]..<all.rowStarts[row + 1]
            let strongest = entries.sorted { all.values[$0] > all.values[$1] }.prefix(limit)
            for entry in strongest.sorted() {
                kept.indices.append(all.indices[entry])
                kept.values.append(all.values[entry])
            }
            kept.rowStarts.append(kept.indices.count)
        }
        return kept
    }

    /// The sum of their directions, `[tokens, model]`.
    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    {
        try base.decode(codes, of: x, on: backend)
    }
}

let folder = "configs/quickstart/saes/sae_lens/toyworld-res/blocks.2.hook_resid_post__relu"
let base = try loadAutoencoder(findAutoencoders(under: folder)[0])
let summary = try evaluate(
    [4, 8, 16].map { StrongestLatents(of: base, keeping: $0) }, config: "configs/quickstart.yaml",
    settings: ["saes=[\(folder)]", "output=runs/own-autoencoder"])
if let summary { print(summary.tables) }
