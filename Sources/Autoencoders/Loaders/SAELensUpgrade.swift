import Basics

/// Brings a configuration of SAELens 1 to 5 under the keys of version 6.
///
/// - Source: `handle_config_defaulting` and `handle_pre_6_0_config` of SAELens 6, in their order.
///   Two differences: other activation functions than relu and topk are refused, where SAELens
///   takes relu instead; and a `metadata` object without a version keeps its entries, which SAELens
///   drops.
func upgradedSAELensConfiguration(_ original: JSON, path: String) throws(AutoencoderError) -> JSON {
    guard let members = original.members else {
        throw AutoencoderError(
            .malformed, "\(path) is not a JSON object",
            advice: "check that it is the configuration of an autoencoder")
    }
    if try isVersion6(original, path: path) { return original }
    var entries = members.map { JSONMember(key: renamed[$0.key] ?? $0.key, value: $0.value) }
    for (key, value) in defaults where JSON.object(entries)[key] == nil {
        entries.append(JSONMember(key: key, value: value))
    }
    var flat = JSON.object(entries)
    let isHeadwise = flat["hook_name"]?.text?.contains("hook_z") ?? false
    if flat["reshape_activations"] == nil {
        flat = flat.setting("reshape_activations", to: .string(isHeadwise ? "hook_z" : "none"))
    }
    flat = try settingActivation(of: flat, path: path)
    switch flat["normalize_activations"] {
    case .bool(let isOn):
        flat = flat.setting(
            "normalize_activations", to: .string(isOn ? "expected_average_only_in" : "none"))
    case nil, .null: flat = flat.setting("normalize_activations", to: .string("none"))
    default: break
    }
    let old = original["metadata"]?.members ?? []
    let kept = (flat.members ?? []).filter { saeLensMetadataKeys.contains($0.key) }
    let metadata = kept.reduce(JSON.object(old)) { metadata, entry in
        // A default says nothing against what the file said.
        defaults.contains { $0.0 == entry.key } && metadata[entry.key] != nil
            ? metadata : metadata.setting(entry.key, to: entry.value)
    }
    return flat.setting("metadata", to: metadata)
}

/// Takes the activation function into the architecture.
private func settingActivation(of flat: JSON, path: String) throws(AutoencoderError) -> JSON {
    let name = flat["activation_fn"]?.text ?? "relu"
    let k = flat["activation_fn_kwargs"]?["k"]
    let isTopK = flat["architecture"]?.text == TopK.name
    switch name {
    case "relu": return isTopK && k != nil ? flat.setting("k", to: k ?? .null) : flat
    case "topk":
        guard let k, !k.isNull else {
            if isTopK, flat["k"] != nil { return flat }
            throw AutoencoderError(
                .missing, "\(path): activation function `\(name)` without `activation_fn_kwargs.k`",
                advice: "add the number of latents that training kept")
        }
        return flat.setting("architecture", to: .string(TopK.name)).setting("k", to: k)
    default:
        throw AutoencoderError(
            .unsupported, "\(path): activation function `\(name)` is unknown",
            advice: suggestion(for: name, among: ["relu", "topk"]))
    }
}

/// Whether the file says that version 6 or later wrote it.
private func isVersion6(_ json: JSON, path: String) throws(AutoencoderError) -> Bool {
    let candidates = [json["sae_lens_version"], json["metadata"]?["sae_lens_version"]]
    guard let version = candidates.compactMap({ $0?.text }).first(where: { !$0.isEmpty }) else {
        return false
    }
    guard let major = Int(version.prefix { $0.isNumber }) else {
        throw AutoencoderError(
            .malformed,
            "\(path): `sae_lens_version` is `\(version)`, expected a version such as 6.0.0",
            advice: "correct it, or remove it when the file has the keys of version 5")
    }
    return major >= 6
}

/// Keys of versions 1 to 5 that have other names in version 6.
private let renamed = [
    "hook_point": "hook_name", "hook_point_head_index": "hook_head_index",
    "activation_fn_str": "activation_fn",
]

/// What versions 1 to 5 mean when a key is absent.
private let defaults: [(String, JSON)] = [
    ("prepend_bos", .bool(true)), ("apply_b_dec_to_input", .bool(true)),
    ("finetuning_scaling_factor", .bool(false)), ("sae_lens_training_version", .null),
    ("activation_fn", .string("relu")), ("architecture", .string("standard")),
    ("neuronpedia_id", .null), ("device", .string("cpu")),
]

/// Keys that version 6 keeps in `metadata`.
let saeLensMetadataKeys: Set<String> = [
    "model_name", "hook_name", "model_class_name", "hook_head_index",
    "model_from_pretrained_kwargs",
    "prepend_bos", "exclude_special_tokens", "neuronpedia_id", "context_size", "seqpos_slice",
    "dataset_path", "sae_lens_version", "sae_lens_training_version", "hook_name_out",
    "hook_head_index_out", "hf_hook_name", "hf_hook_name_out",
]
