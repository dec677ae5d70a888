import Basics

/// The configuration as SAE Bench 0.6.0 writes it into `sae_cfg_dict`, for `float32` on the CPU.
///
/// - Parameters:
///   - metadata: what SAELens keeps in `metadata`, written as it is.
///   - reshape: `reshape_activations`.
/// - Source: `SAEConfig.to_dict` and `SAEMetadata` of SAELens 6, then `_standardize_sae_cfg` of
///   SAE Bench: the same keys in the same order. Where SAELens fills in its own version, so does
///   this.
func saeBenchConfiguration(
    of function: AutoencoderFunction, metadata: SAELensSettings, reshape: String
) -> JSON {
    let architecture = function.architecture
    var members = [
        JSONMember(key: "d_in", value: .integer(function.modelSize)),
        JSONMember(key: "d_sae", value: .integer(function.latents)),
        JSONMember(key: "dtype", value: .string("float32")),
        JSONMember(key: "device", value: .string("cpu")),
        JSONMember(key: "apply_b_dec_to_input", value: .bool(function.subtractsDecoderBias)),
        // Folding a factor into the weights leaves no normalisation.
        JSONMember(
            key: TrainedNormalization.key, value: .string(function.normalization.ofRows.rawValue)),
        JSONMember(key: "reshape_activations", value: .string(reshape)),
        JSONMember(
            key: "metadata", value: resultMetadata(metadata, type(of: architecture))),
    ]
    members += architecture.settings(outputSize: function.outputSize)
    members.append(
        JSONMember(key: "architecture", value: .string(type(of: architecture).computedAs)))
    return .object(members)
}

/// The metadata with the entries that SAE Bench adds.
private func resultMetadata(
    _ settings: SAELensSettings, _ architecture: any Architecture.Type
) -> JSON {
    let stored = settings.json["metadata"] ?? .object([])
    var metadata = JSON.object([])
    for key in ["sae_lens_version", "sae_lens_training_version"] {
        metadata = metadata.setting(key, to: stored[key] ?? .string(saeLensVersion))
    }
    for member in stored.members ?? [] {
        metadata = metadata.setting(member.key, to: member.value)
    }
    if architecture.name != architecture.computedAs, metadata["training_architecture"] == nil {
        metadata = metadata.setting("training_architecture", to: .string(architecture.name))
    }
    let hookLayer = settings.metadata("hook_name")?.text.flatMap(layer(ofHook:))
    let layer = settings.metadata("hook_layer") ?? hookLayer.map { .integer($0) }
    metadata = metadata.setting("hook_layer", to: layer ?? .null)
    for key in [
        "hook_name", "context_size", "dataset_trust_remote_code", "model_name", "hook_head_index",
    ] {
        metadata = metadata.setting(key, to: settings.metadata(key) ?? .null)
    }
    let arguments = settings.metadata("model_from_pretrained_kwargs") ?? .object([])
    return metadata.setting("model_from_pretrained_kwargs", to: arguments)
        .setting("prepend_bos", to: settings.metadata("prepend_bos") ?? .null)
        .setting("exclude_special_tokens", to: settings.metadata("exclude_special_tokens") ?? .null)
}

/// The version of SAELens whose behaviour is reproduced, written where a file names none.
private let saeLensVersion = "6.54.12"

/// The configuration that SAE Bench's own classes write into results.
///
/// - Source: `CustomSAEConfig` of SAE Bench 0.6.0, whose keys and defaults these are.
func customClassConfiguration(
    model: String, modelSize: Int, latents: Int, hook: String, layer: Int?, architecture: String
) -> JSON {
    .object([
        "model_name": .string(model), "d_in": .integer(modelSize), "d_sae": .integer(latents),
        "hook_layer": layer.map { .integer($0) } ?? .null, "hook_name": .string(hook),
        "context_size": .null, "hook_head_index": .null, "architecture": .string(architecture),
        "apply_b_dec_to_input": .null, "finetuning_scaling_factor": .null,
        "activation_fn_str": .string(""), "prepend_bos": .bool(true),
        "normalize_activations": .string("none"), "dtype": .string("float32"),
        "device": .string(""), "dataset_path": .string(""),
        "dataset_trust_remote_code": .bool(true), "seqpos_slice": .array([.null]),
        "training_tokens": .integer(-100_000), "sae_lens_training_version": .null,
        "neuronpedia_id": .null,
    ])
}

/// The layer of a hook of any kind: the first run of digits in its name; nil when it has none.
///
/// - Source: `_standardize_sae_cfg` of SAE Bench 0.6.0.
public func layer(ofHook name: String) -> Int? {
    Int(name.drop { !("0"..."9").contains($0) }.prefix { ("0"..."9").contains($0) })
}
