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
    /// Whether `b_dec` is subtracted from the input.
    let subtractsDecoderBias: Bool

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
        subtractsDecoderBias =
            try Self.value(
                json["apply_b_dec_to_input"], "apply_b_dec_to_input", "true or false", path, \.truth
            ) ?? true
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
            let key = "normalize_activations"
            let name = try Self.value(json[key], key, "a text", path, \.text) ?? "none"
            if let found = ActivationNormalization(rawValue: name) { return found }
            if let reason = Self.refusedNormalizations[name] {
                throw AutoencoderError(
                    .unsupported, "\(path): \(key) `\(name)` is not computed: \(reason)",
                    advice:
                        "an export that folded it into the weights and has `\(key)` set to `none`"
                )
            }
            throw AutoencoderError(
                .unsupported, "\(path): \(key) `\(name)` is unknown",
                advice: suggestion(
                    for: name, among: ["none", "constant_norm_rescale", "layer_norm"]))
        }
    }

    /// Normalisations of SAELens that need more than the file holds.
    private static let refusedNormalizations = [
        "expected_average_only_in": "the factor it was trained with is not in the file",
        "covariance_whitening": "the whitening matrix is not in the file",
        "constant_scalar_rescale": "only temporal autoencoders use it",
    ]

    /// Refuses settings that would change the function and are not computed.
    func checkSupported() throws(AutoencoderError) {
        let key = "reshape_activations"
        let reshape = try Self.value(json[key], key, "a text", path, \.text) ?? "none"
        if reshape == "none" { return }
        let reason =
            reshape == "hook_z"
            ? "activations split by attention head are not computed yet" : "it is unknown"
        throw AutoencoderError(
            .unsupported, "\(path): \(key) `\(reshape)`: \(reason)",
            advice: "an autoencoder of the residual stream or of an MLP's output")
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
