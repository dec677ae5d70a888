import Basics
import Formats

/// `cfg.json` and `sae.safetensors`, as EleutherAI's sparsify writes them.
///
/// - Source: `SparseCoder` of sparsify, commit 9d3b136: the k largest of `relu(W (x - b_dec) + b)`,
///   decoded by `W_dec` of `[latents, model]`. The loader of SAELens differs and is not followed.
struct SparsifyLayout: AutoencoderLayout {
    /// The name in listings.
    let name = "sparsify"
    /// Both files.
    let files = ["sae.safetensors", "cfg.json"]
    /// The encoder and the decoder.
    let marks = ["encoder.weight", "W_dec"]

    /// What is done with the keys of `cfg.json`.
    ///
    /// - Source: `SparseCoderConfig` and, before February 2025, `SaeConfig` of sparsify.
    static let keys = OwnerKeys(
        computed: [
            "activation", "d_in", "expansion_factor", "k", "num_latents", "signed",
            "skip_connection", "transcode",
        ],
        // The decoder is saved with the norms that training gave it; Multi-TopK is a loss.
        inert: ["multi_topk", "normalize_decoder"])

    /// Reads an autoencoder; transcoders and group maxima are refused by name.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let path = location.path(files[1])
        let json = try JSON(file: path)
        let activation = json["activation"]?.text ?? "topk"
        guard activation == "topk" else {
            throw refused(path, "activation", activation, "an autoencoder of `topk`")
        }
        for key in ["transcode", "skip_connection", "signed"] where json[key]?.truth == true {
            throw refused(path, key, "true", "an autoencoder without it")
        }
        let notes = try Self.keys.check(json, in: path, of: location)
        let modelSize = try integer("d_in", json, path)
        var latents = json["num_latents"]?.integer ?? 0
        if latents == 0 {
            let (product, overflow) = modelSize.multipliedReportingOverflow(
                by: try integer("expansion_factor", json, path))
            guard !overflow else {
                throw AutoencoderError(
                    .malformed, "\(path): `d_in` times `expansion_factor` overflows",
                    advice: "correct both")
            }
            latents = product
        }
        var specification = try AutoencoderSpecification(
            location, TopK(k: try integer("k", json, path)), modelSize: modelSize,
            latents: latents, hook: location.hook(or: hook(location), layout: self),
            model: location.model(or: parentModel(location), layout: self), subtractingBias: true,
            tensors: TensorMap(recipes: [
                "W_enc": .transposed("encoder.weight"), "b_enc": .stored("encoder.bias"),
            ]))
        specification.layoutNotes = notes
        return specification
    }

    /// The hook of a folder called after a block: `layers.5`, or `h.5` of GPT-2.
    ///
    /// Folders called after a part of a block are left to `sae.yaml`: whether its output is what
    /// is added to the residual stream depends on the model.
    private func hook(_ location: AutoencoderLocation) -> String? {
        let parts = (location.components.last ?? "").split(separator: ".").map(String.init)
        guard parts.count == 2, ["layers", "h"].contains(parts[0]), let layer = Int(parts[1]),
            layer >= 0
        else { return nil }
        return "blocks.\(layer).hook_resid_post"
    }

    /// The model that the folder above names.
    private func parentModel(_ location: AutoencoderLocation) throws -> String? {
        let path = "\(location.folder)/../config.json"
        return fileExists(path) ? try JSON(file: path)["model"]?.text : nil
    }

    /// An integer above 0 that must be there.
    private func integer(_ key: String, _ json: JSON, _ path: String) throws -> Int {
        guard let value = json[key]?.integer, value > 0 else {
            throw AutoencoderError(
                .malformed,
                "\(path): `\(key)` is \(json[key]?.text() ?? "absent"), "
                    + "expected an integer above 0",
                advice: "put back the file that training wrote")
        }
        return value
    }

    /// The error for a setting that is not computed.
    private func refused(
        _ path: String, _ key: String, _ value: String, _ advice: String
    ) -> AutoencoderError {
        AutoencoderError(
            .unsupported, "\(path): `\(key)` is `\(value)`, which is not computed", advice: advice)
    }
}
