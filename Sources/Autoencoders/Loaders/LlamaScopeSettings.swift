import Basics
import Formats

/// The configuration of an autoencoder of OpenMOSS, of any of its generations.
struct LlamaScopeSettings {
    /// The autoencoder.
    let location: AutoencoderLocation
    /// The file, for messages.
    let path: String
    /// Its content.
    let json: JSON
    /// What SAELens passes over in published files.
    private var passedOver: PassedOver
    /// What readers of the results should know.
    private(set) var notes: [String]

    /// Keys of all generations that say what is computed.
    static let functionKeys: Set<String> = [
        "hook_point_in", "hook_point_out", "d_model", "use_decoder_bias", "use_glu_encoder",
        "act_fn", "norm_activation", "sparsity_include_decoder_norm",
        "apply_decoder_bias_to_pre_encoder",
    ]
    /// Keys of all generations that say how weights are loaded: tensors were written in `dtype`.
    static let loadingKeys: Set<String> = [
        "device", "dtype", "sae_pretrained_name_or_path", "strict_loading",
    ]

    /// Reads a file and refuses what no generation computes here: keys that are not known, gated
    /// encoders and transcoders.
    init(_ location: AutoencoderLocation, file: String, _ keys: OwnerKeys) throws {
        (self.location, path) = (location, location.path(file))
        json = try JSON(file: path)
        guard json.members != nil else {
            throw AutoencoderError(
                .malformed, "\(path) is not a JSON object",
                advice: "put back the file that training wrote")
        }
        notes = try keys.check(json, in: path, of: location)
        passedOver = PassedOver(location, path)
        for key in ["use_glu_encoder", "use_decoder_bias", "sparsity_include_decoder_norm"] {
            if let value = json[key], !value.isNull, value.truth == nil {
                throw wrong(key, "true or false")
            }
        }
        if truth("use_glu_encoder") == true {
            try refuse("use_glu_encoder", advice: "an autoencoder without a gated linear unit")
        }
        if let output = text("hook_point_out"), output != text("hook_point_in") {
            try refuse(
                "hook_point_out",
                advice: "an autoencoder that reconstructs what it reads, "
                    + "`hook_point_in`; transcoders of OpenMOSS are not read")
        }
    }

    // MARK: - Entries

    /// A text; nil when it is absent.
    func text(_ key: String) -> String? { json[key]?.text }

    /// A truth value; nil when it is absent.
    func truth(_ key: String) -> Bool? { json[key]?.truth }

    /// How activations are normalised; nil when the file does not say.
    var normalization: String? { text("norm_activation") }

    /// A length that must be there.
    func size(_ key: String) throws -> Int {
        guard let size = json[key]?.integer, size > 0 else {
            throw wrong(key, "an integer above 0")
        }
        return size
    }

    /// What activations were multiplied by in training; nil when the file does not say.
    func averageNormScale(_ modelSize: Int) throws -> Double? {
        let norms = json["dataset_average_activation_norm"]
        guard let norm = norms?["in"]?.double, norm > 0, norm.isFinite else { return nil }
        if let output = norms?["out"]?.double, output != norm, !location.facts.isPublished {
            throw wrong("dataset_average_activation_norm.out", "\(norm), as for the same hook `in`")
        }
        return Double(modelSize).squareRoot() / norm
    }

    // MARK: - What is said

    /// Refuses the value of a key, or notes that SAELens does not read it in published files.
    mutating func refuse(_ key: String, advice: String) throws {
        try passedOver.refuse(key, json[key] ?? .null, "is not computed", advice: advice)
        notes += passedOver.notes
        passedOver = PassedOver(location, path)
    }

    /// Notes that thresholds are compared as SAELens compares them.
    mutating func noteDecoderNorms() {
        guard truth("sparsity_include_decoder_norm") == true else { return }
        notes.append(
            "Thresholds are compared as in SAELens, without the norms of the decoder that "
                + "`sparsity_include_decoder_norm` multiplies by; where those are 1 both agree.")
    }

    /// The error for an entry that does not exist or is of another kind.
    func wrong(_ key: String, _ kind: String) -> AutoencoderError {
        AutoencoderError(
            .malformed, "\(path): `\(key)` does not exist or is not \(kind)",
            advice: "put back the file that training wrote")
    }

    /// The specification of both generations of Llama Scope, as the loaders of SAELens make it.
    func specification(
        layout: any AutoencoderLayout, _ architecture: any Architecture, modelSize: Int,
        latents: Int, subtractingBias: Bool = false, normalization: TrainedNormalization,
        recipes: [String: TensorMap.Recipe], ignoring ignored: [String] = []
    ) throws -> AutoencoderSpecification {
        var specification = try AutoencoderSpecification(
            location, architecture, modelSize: modelSize, latents: latents,
            hook: location.hook(or: text("hook_point_in"), layout: layout),
            model: location.model(or: "meta-llama/Llama-3.1-8B", layout: layout),
            subtractingBias: subtractingBias, normalization: normalization, contextSize: 1024,
            dataset: "cerebras/SlimPajama-627B",
            tensors: TensorMap(
                recipes: recipes, ignored: ignored, isLenient: location.facts.isPublished))
        specification.layoutNotes = notes
        return specification
    }
}
