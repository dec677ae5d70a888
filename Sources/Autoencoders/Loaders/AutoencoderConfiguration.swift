import Basics

/// The configuration of an autoencoder, whatever dialect it was written in, under the keys of
/// SAELens 6.
struct AutoencoderConfiguration: Sendable {
    /// The file it came from, for messages.
    let path: String
    /// The object under SAELens 6 keys, `metadata` included.
    let json: JSON
    /// The architecture as the file calls it.
    let architecture: String
    /// Length of the activations.
    let modelSize: Int
    /// Number of latents.
    let latents: Int
    /// Whether `b_dec` is subtracted from the input; nil when the file does not say.
    private let decoderBiasSetting: Bool?

    /// The largest number of latents; indices are 32 bits wide.
    private static let mostLatents = Int(Int32.max)
    /// The longest activation that is accepted.
    private static let longestActivation = 1 << 20

    /// Reads a configuration of SAELens 1 to 6 and brings older ones up to version 6.
    init(file path: String) throws {
        try self.init(JSON(file: path), path: path)
    }

    /// Takes a configuration of SAELens 1 to 6.
    init(_ original: JSON, path: String) throws {
        let json = try upgradedSAELensConfiguration(original, path: path)
        (self.path, self.json) = (path, json)
        architecture =
            try Self.value(json["architecture"], "architecture", "a text", path, \.text)
            ?? "standard"
        modelSize = try Self.size(json, "d_in", limit: Self.longestActivation, path)
        latents = try Self.size(json, "d_sae", limit: Self.mostLatents, path)
        let key = "apply_b_dec_to_input"
        decoderBiasSetting = try Self.value(json[key], key, "true or false", path, \.truth)
    }

    /// Whether `b_dec` is subtracted from the input; transcoders never do.
    func subtractsDecoderBias(_ architecture: any Architecture.Type) throws(AutoencoderError)
        -> Bool
    {
        if architecture.target == .input { return decoderBiasSetting ?? true }
        guard decoderBiasSetting != true else {
            throw AutoencoderError(
                .malformed,
                "\(path): `apply_b_dec_to_input` is true, which a \(architecture.name) cannot do",
                advice: "set it to false; the decoder's bias belongs to the output's hook")
        }
        return false
    }

    /// Length of what the decoder reconstructs.
    func outputSize(_ architecture: any Architecture.Type) throws(AutoencoderError) -> Int {
        architecture.target == .input
            ? modelSize : try Self.size(json, "d_out", limit: Self.longestActivation, path)
    }

    /// The hook that the decoder reconstructs; nil when it is the one that was read.
    func outputHookName(_ architecture: any Architecture.Type) throws(AutoencoderError) -> String? {
        if architecture.target == .input { return nil }
        if let name = metadata("hook_name_out")?.text, !name.isEmpty { return name }
        throw AutoencoderError(
            .missing, "\(path) names no hook that the \(architecture.name) writes to",
            advice: "add `\"hook_name_out\": \"blocks.12.hook_mlp_out\"`, with your layer, "
                + "to its `metadata`")
    }

    /// The hook whose activations it takes.
    var hookName: String {
        get throws(AutoencoderError) {
            if let name = metadata("hook_name")?.text, !name.isEmpty { return name }
            throw AutoencoderError(
                .missing, "\(path) names no hook",
                advice:
                    "add `\"hook_name\": \"blocks.12.hook_resid_post\"`, with your layer, "
                    + "to its `metadata`"
            )
        }
    }

    /// The model it was trained on.
    var modelName: String? { metadata("model_name")?.text }

    /// Tokens of a text it was trained on.
    var contextSize: Int? { metadata("context_size")?.integer }

    /// Whether texts begin with the beginning-of-sequence token.
    var prependsBeginning: Bool { metadata("prepend_bos")?.truth ?? true }

    /// An entry of `metadata`, or of the top level where version 5 kept it; null counts as absent.
    func metadata(_ key: String) -> JSON? {
        [json["metadata"]?[key], json[key]].compactMap { $0 }.first { !$0.isNull }
    }

    /// An integer setting; nil when it is absent.
    func integer(_ key: String) throws(AutoencoderError) -> Int? {
        try Self.value(json[key], key, "an integer", path, \.integer)
    }

    /// A truth value; nil when it is absent.
    func truth(_ key: String) throws(AutoencoderError) -> Bool? {
        try Self.value(json[key], key, "true or false", path, \.truth)
    }

    // MARK: - What is computed

    /// What is done to the activations first.
    var normalization: ActivationNormalization {
        get throws(AutoencoderError) {
            guard let name = try normalizationName, name != Self.scaledOnce else { return .none }
            if let found = ActivationNormalization(rawValue: name) { return found }
            if let reason = Self.refusedNormalizations[name] {
                throw AutoencoderError(
                    .unsupported,
                    "\(path): \(Self.normalizationKey) `\(name)` is not computed: \(reason)",
                    advice: "an export that folded it into the weights and has "
                        + "`\(Self.normalizationKey)` set to `none`")
            }
            throw AutoencoderError(
                .unsupported, "\(path): \(Self.normalizationKey) `\(name)` is unknown",
                advice: suggestion(
                    for: name, among: ["none", "constant_norm_rescale", "layer_norm"]))
        }
    }

    /// The factor s on all activations under `expected_average_only_in`; nil when there is none.
    ///
    /// Files do not hold it: it comes with the directory of published autoencoders, or from the
    /// user, as `norm_scaling_factor`.
    var activationScale: Float? {
        get throws(AutoencoderError) {
            guard try normalizationName == Self.scaledOnce else { return nil }
            let key = "norm_scaling_factor"
            guard let factor = try Self.value(json[key], key, "a number", path, \.double) else {
                throw AutoencoderError(
                    .missing,
                    "\(path): \(Self.normalizationKey) `\(Self.scaledOnce)` without the factor "
                        + "that training multiplied activations by",
                    advice: "add `\"\(key)\"`: the square root of \(modelSize) over the mean norm "
                        + "of the activations")
            }
            guard factor > 0, Float(factor).isNormal else {
                throw AutoencoderError(
                    .malformed, "\(path): `\(key)` is \(factor), expected a number above 0",
                    advice: "correct `\(key)`")
            }
            return Float(factor)
        }
    }

    /// The normalisation by name; nil when there is none.
    private var normalizationName: String? {
        get throws(AutoencoderError) {
            let key = Self.normalizationKey
            return try Self.value(json[key], key, "a text", path, \.text)
        }
    }

    /// The key of the normalisation.
    private static let normalizationKey = "normalize_activations"
    /// The normalisation by one factor, which folds into the weights.
    static let scaledOnce = "expected_average_only_in"

    /// Normalisations of SAELens that need more than the file holds.
    private static let refusedNormalizations = [
        "covariance_whitening": "the whitening matrix is not in the file",
        "constant_scalar_rescale": "only temporal autoencoders use it",
    ]

    /// Refuses settings that would change the function and are not computed.
    ///
    /// `hook_z` asks for heads side by side, which is how activations lie here anyway.
    func checkSupported() throws(AutoencoderError) {
        let key = "reshape_activations"
        let reshape = try Self.value(json[key], key, "a text", path, \.text) ?? "none"
        guard ["none", "hook_z"].contains(reshape) else {
            throw AutoencoderError(
                .unsupported, "\(path): \(key) `\(reshape)` is unknown",
                advice: suggestion(for: reshape, among: ["none", "hook_z"]))
        }
        if let head = metadata("hook_head_index") {
            throw AutoencoderError(
                .unsupported,
                "\(path): `hook_head_index` is \(head.text()), and activations of single heads are "
                    + "not computed",
                advice: "an autoencoder of all heads of `attn.hook_z`")
        }
    }

    // MARK: - Checked reading

    /// A value of a kind; nil when it is absent or null.
    private static func value<Value>(
        _ json: JSON?, _ key: String, _ kind: String, _ path: String, _ read: (JSON) -> Value?
    ) throws(AutoencoderError) -> Value? {
        guard let json, !json.isNull else { return nil }
        guard let value = read(json) else {
            throw AutoencoderError(
                .malformed, "\(path): `\(key)` is \(json.text()), expected \(kind)",
                advice: "correct `\(key)` in the file")
        }
        return value
    }

    /// A length of an axis.
    private static func size(
        _ json: JSON, _ key: String, limit: Int, _ path: String
    ) throws(AutoencoderError) -> Int {
        guard let size = try value(json[key], key, "an integer", path, \.integer) else {
            throw AutoencoderError(
                .missing, "\(path) has no `\(key)`",
                advice: "check that it is the configuration of an autoencoder of SAELens")
        }
        guard size > 0, size <= limit else {
            throw AutoencoderError(
                .malformed, "\(path): `\(key)` is \(size), expected 1 to \(limit)",
                advice: "correct `\(key)` in the file")
        }
        return size
    }
}
