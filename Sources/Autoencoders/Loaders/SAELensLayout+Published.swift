import Basics

extension SAELensLayout {
    /// Changes what SAELens loads all the same in published files, and files of one's own are
    /// refused for.
    ///
    /// - Source: `handle_pre_6_0_config` of SAELens 6.54.12, which takes activation functions that it
    ///   does not know for relu, and `from_pretrained_with_cfg_and_sparsity`, which leaves activations
    ///   as they are when its directory has no factor for them.
    /// - Returns: a note on each change.
    func takeAsPublished(_ json: inout JSON) -> [String] {
        var notes: [String] = []
        for key in ["activation_fn_str", "activation_fn"] {
            guard let name = json[key]?.text, !["relu", "topk"].contains(name) else { continue }
            notes.append("`\(key)` is `\(name)` in cfg.json, which SAELens takes for relu.")
            json = json.setting(key, to: .string("relu"))
        }
        let key = "normalize_activations"
        let isScaled =
            json[key]?.truth == true || json[key]?.text == TrainedNormalization.scaledOnce
        if isScaled, json["norm_scaling_factor"] == nil {
            notes.append(
                "Training scaled activations, and SAELens has no factor for this autoencoder: they are "
                    + "left as they are, as there.")
            json = json.setting(key, to: .string("none"))
        }
        return notes
    }
}
