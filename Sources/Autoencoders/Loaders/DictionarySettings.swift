import Basics

/// The entries of a `config.json`.
struct DictionarySettings {
    /// The file, for messages.
    let path: String
    /// Its content.
    private let json: JSON
    /// Its `trainer`.
    private let trainer: JSON
    /// Tokens of a text, from its `buffer`.
    let contextSize: Int?

    /// What is done with the keys of `trainer`, those of every trainer and version.
    ///
    /// - Source: the property `config` of the trainers of dictionary_learning up to commit 60ec6bf.
    static let keys = OwnerKeys(
        computed: [
            "trainer_class", "dict_class", "activation_dim", "dict_size", "k", "layer", "lm_name",
            "submodule_name",
        ],
        inert: [
            "lr", "seed", "device", "steps", "wandb_name",
            // Schedules.
            "warmup_steps", "sparsity_warmup_steps", "lambda_warm_steps", "decay_start",
            "resample_steps", "anneal_start", "anneal_end", "steps_before_annealing",
            "n_sparsity_updates", "sparsity_queue_length", "sparsity_loss_queue_length",
            "activation_queue_length",
            // The loss.
            "l1_penalty", "l0_penalty", "sparsity_function", "sparsity_penalty",
            "initial_sparsity_penalty", "adaptive_sparsity_penalty", "sparsity_coefficient",
            "sparsity_coeff",
            "p_start", "p_end", "bandwidth", "target_l0", "auxk_alpha", "top_k_aux",
            "gp_reg_coeff",
            // How the threshold was tracked; the file holds what came out.
            "threshold_beta", "threshold_start_step",
            // Groups of Matryoshka, all of which are used.
            "group_fractions", "group_weights", "group_sizes", "weights_temperature",
        ])
    /// What is done with the keys of the file itself; those of `buffer` say what the training's
    /// activations were, of which `io` and `ctx_len` are read.
    static let outerKeys = OwnerKeys(computed: ["trainer", "buffer"], inert: [])

    /// Reads a file.
    init(file path: String) throws {
        let json = try JSON(file: path)
        guard let trainer = json["trainer"], trainer.members != nil else {
            throw AutoencoderError(
                .missing, "\(path) has no object `trainer`",
                advice: "check that it is the configuration of a dictionary of dictionary_learning")
        }
        (self.path, self.json, self.trainer) = (path, json, trainer)
        contextSize = json["buffer"]?["ctx_len"]?.integer
    }

    /// Refuses keys that are not known.
    ///
    /// - Returns: a note on each key that SAELens passes over in a published file.
    func check(_ location: AutoencoderLocation) throws -> [String] {
        try Self.outerKeys.check(json, in: path, of: location)
            + Self.keys.check(trainer, in: path, of: location, under: "trainer")
    }

    /// The dictionary's class, also under the spelling of files from before January 2025.
    var kind: DictionaryKind {
        get throws {
            guard let name = trainer["dict_class"]?.text else { throw missing("dict_class") }
            if let kind = DictionaryKind(rawValue: name.replacing("Matroyshka", with: "Matryoshka"))
            {
                return kind
            }
            throw AutoencoderError(
                .unsupported, "\(path): `dict_class` `\(name)` is not computed",
                advice: suggestion(for: name, among: DictionaryKind.all.map(\.rawValue)))
        }
    }

    /// What SAE Bench calls the architecture; trainers of one class have names of their own.
    func label(_ kind: DictionaryKind) -> String {
        switch trainer["trainer_class"]?.text {
        case "StandardTrainerAprilUpdate": "standard_april_update"
        case "PAnnealTrainer": "p_anneal"
        default: kind.label
        }
    }

    /// The hook: the residual stream behind `layer`; nil when `submodule_name` names another site or
    /// `buffer.io` the input of a module, neither of which SAELens reads in published files.
    func hook(isPublished: Bool) -> String? {
        guard let layer = trainer["layer"]?.integer, layer >= 0 else { return nil }
        let submodule = trainer["submodule_name"]?.text ?? "resid_post"
        let isOutput = json["buffer"]?["io"]?.text ?? "out" == "out"
        guard isPublished || isOutput && submodule.hasPrefix("resid_post") else { return nil }
        return "blocks.\(layer).hook_resid_post"
    }

    /// The model without the organisation, as SAE Bench names models.
    var model: String? {
        trainer["lm_name"]?.text.flatMap { $0.isEmpty ? nil : lastComponent(of: $0) }
    }

    /// An integer; nil when it is absent.
    func integer(_ key: String) throws -> Int? {
        guard let value = trainer[key], !value.isNull else { return nil }
        if let integer = value.integer { return integer }
        throw AutoencoderError(
            .malformed, "\(path): `trainer.\(key)` is \(value.text()), expected an integer",
            advice: "correct `\(key)` in the file")
    }

    /// A length that must be there.
    func size(_ key: String) throws -> Int {
        guard let size = try integer(key) else { throw missing(key) }
        return size
    }

    /// The error for a key that is not there.
    func missing(_ key: String) -> AutoencoderError {
        AutoencoderError(
            .missing, "\(path) has no `trainer.\(key)`",
            advice: "put back the file that training wrote")
    }
}
