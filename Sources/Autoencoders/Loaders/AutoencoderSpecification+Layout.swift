import Basics

extension AutoencoderSpecification {
    /// Takes what a layout other than SAELens' own knows of an SAE.
    ///
    /// - Parameters:
    ///   - outputSize: length of what the decoder reconstructs; nil for that of the activations.
    ///   - hook: the hook whose activations it takes.
    ///   - model: the model, nil when nothing says which; `sae.yaml` may overrule it, as it may the
    ///     context.
    ///   - subtractingBias: whether `b_dec` is subtracted from the input.
    ///   - metadata: what SAELens' loader of this layout keeps in `metadata` besides.
    ///   - reshape: `reshape_activations`; nil for what the hook's name tells.
    ///   - tensors: where its tensors are; what `sae.yaml` ignores is added.
    /// - Source: `handle_pre_6_0_config` of SAELens 6, which brings what its loaders make to
    ///   version 6, for the order of `metadata`.
    init(
        _ location: AutoencoderLocation, _ architecture: any Architecture, modelSize: Int,
        latents: Int, outputSize: Int? = nil, hook: String, outputHook: String? = nil,
        model: String?, subtractingBias: Bool, normalization: TrainedNormalization = .none,
        contextSize: Int? = nil, dataset: String? = nil, metadata: [JSONMember] = [],
        reshape: String? = nil, tensors: TensorMap
    ) throws {
        var normalization = normalization
        if let factor = location.facts.normScalingFactor, case .scaled = normalization {
            normalization = try TrainedNormalization(scaledBy: factor, path: location.path)
        }
        var tensors = tensors
        tensors.ignored += try location.ignored.sorted()
        let function = try AutoencoderFunction(
            architecture, modelSize: modelSize, latents: latents, outputSize: outputSize,
            subtractingBias: subtractingBias, normalization: normalization, tensors: tensors,
            path: location.path)
        let context = try location.sidecar?.integer("context_size") ?? contextSize
        let entries =
            [
                JSONMember(key: "model_name", value: model.map { .string($0) } ?? .null),
                JSONMember(key: "hook_name", value: .string(hook)),
                JSONMember(key: "hook_head_index", value: .null),
                JSONMember(key: "sae_lens_training_version", value: .null),
                JSONMember(
                    key: "prepend_bos",
                    value: .bool(try location.sidecar?.truth("prepend_bos") ?? true)),
                JSONMember(key: "dataset_path", value: dataset.map { .string($0) } ?? .null),
                JSONMember(key: "context_size", value: context.map { .integer($0) } ?? .null),
            ] + metadata + [JSONMember(key: "neuronpedia_id", value: .null)]
        let known = (location.facts.overrides.members ?? []).filter {
            saeLensMetadataKeys.contains($0.key)
        }
        let merged = known.reduce(JSON.object(entries)) { $0.setting($1.key, to: $1.value) }
        self.init(
            function, hook: hook, outputHook: outputHook,
            metadata: SAELensSettings(
                path: location.path, json: .object(["metadata": merged])),
            reshape: reshape ?? (hook.contains("hook_z") ? "hook_z" : "none"))
    }
}
