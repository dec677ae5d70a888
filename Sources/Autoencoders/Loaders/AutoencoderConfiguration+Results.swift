import Basics

extension AutoencoderConfiguration {
    /// The configuration as SAE Bench 0.6.0 writes it into `sae_cfg_dict`, for `float32` on the
    /// CPU.
    ///
    /// - Source: `SAEConfig.to_dict` and `SAEMetadata` of SAELens 6, then `_standardize_sae_cfg` of
    ///   SAE Bench: the same keys in the same order. Where SAELens fills in its own version, so
    ///   does this.
    func resultConfiguration(_ architecture: any Architecture.Type) throws(AutoencoderError)
        -> JSON
    {
        var members = [
            JSONMember(key: "d_in", value: .integer(modelSize)),
            JSONMember(key: "d_sae", value: .integer(latents)),
            JSONMember(key: "dtype", value: .string("float32")),
            JSONMember(key: "device", value: .string("cpu")),
            JSONMember(
                key: "apply_b_dec_to_input", value: .bool(try subtractsDecoderBias(architecture))),
        ]
        for key in ["normalize_activations", "reshape_activations"] {
            // Folding the factor into the weights leaves no normalisation.
            let isFolded = json[key]?.text == Self.scaledOnce
            members.append(
                JSONMember(
                    key: key, value: isFolded ? .string("none") : json[key] ?? .string("none")))
        }
        members.append(JSONMember(key: "metadata", value: resultMetadata(architecture)))
        members += architecture.settings(self)
        members.append(JSONMember(key: "architecture", value: .string(architecture.computedAs)))
        return .object(members)
    }

    /// The metadata with the entries that SAE Bench adds.
    private func resultMetadata(_ architecture: any Architecture.Type) -> JSON {
        let stored = json["metadata"] ?? .object([])
        var metadata = JSON.object([])
        for key in ["sae_lens_version", "sae_lens_training_version"] {
            metadata = metadata.setting(key, to: stored[key] ?? .string(saeLensVersion))
        }
        for member in stored.members ?? [] {
            metadata = metadata.setting(member.key, to: member.value)
        }
        if architecture.name != architecture.computedAs, metadata["training_architecture"] == nil {
            metadata = metadata.setting("training_architecture", to: .string(self.architecture))
        }
        let layer = self.metadata("hook_layer") ?? hookLayer.map { .integer($0) }
        metadata = metadata.setting("hook_layer", to: layer ?? .null)
        for key in [
            "hook_name", "context_size", "dataset_trust_remote_code", "model_name",
            "hook_head_index",
        ] {
            metadata = metadata.setting(key, to: self.metadata(key) ?? .null)
        }
        let arguments = self.metadata("model_from_pretrained_kwargs") ?? .object([])
        return metadata.setting("model_from_pretrained_kwargs", to: arguments)
            .setting("prepend_bos", to: self.metadata("prepend_bos") ?? .null)
            .setting("exclude_special_tokens", to: self.metadata("exclude_special_tokens") ?? .null)
    }

    /// The layer that the hook's name tells.
    private var hookLayer: Int? {
        self.metadata("hook_name")?.text.flatMap(layer(ofHook:))
    }
}

/// The version of SAELens whose behaviour is reproduced, written where a file names none.
private let saeLensVersion = "6.54.12"
