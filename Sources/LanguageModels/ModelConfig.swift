import Basics
import Tensors

/// The `config.json` of a model, read key by key so that nothing that changes a number is
/// overlooked.
///
/// Getters name the file, the key, the value found and what is allowed. A missing key takes the
/// default of transformers where there is one.
struct ModelConfig: Sendable {
    /// The file, for messages.
    let path: String
    /// The whole object.
    let json: JSON

    /// The largest size of an axis that is accepted; products of several sizes then cannot
    /// overflow.
    static let largestSize = 1 << 24
    /// The largest number of blocks that is accepted; parameters and bytes of all blocks then
    /// cannot overflow either.
    static let mostLayers = 1024

    /// Reads `config.json` of a folder.
    ///
    /// - Throws: ``LanguageModelError`` when the file is missing or holds no JSON object.
    init(folder: String) throws(LanguageModelError) {
        let path = "\(folder)/config.json"
        guard fileExists(path) else {
            throw LanguageModelError(
                .missingFile, "\(path) does not exist",
                advice:
                    "name a folder with config.json and model.safetensors"
            )
        }
        do {
            try self.init(path: path, json: JSON(file: path))
        } catch let error as LanguageModelError {
            throw error
        } catch {
            throw LanguageModelError(
                .badConfig, "\(path) cannot be read", advice: "download the file again",
                cause: error)
        }
    }

    /// Takes an object that is already parsed.
    init(path: String, json: JSON) throws(LanguageModelError) {
        (self.path, self.json) = (path, json)
        guard json.members != nil else {
            throw LanguageModelError(
                .badConfig, "\(path) holds no JSON object", advice: "download the file again")
        }
    }

    /// The value of a key; `null` counts as absent.
    subscript(key: String) -> JSON? {
        guard let value = json[key], !value.isNull else { return nil }
        return value
    }
}

// MARK: - Typed values

extension ModelConfig {
    /// A size that must be there: an integer from 1 to a limit.
    func size(_ key: String, atMost limit: Int = largestSize) throws(LanguageModelError) -> Int {
        guard let size = try size(ifPresent: key, atMost: limit) else {
            throw LanguageModelError(
                .badConfig, "\(path) lacks `\(key)`",
                advice: "use the config.json that came with the weights")
        }
        return size
    }

    /// A size that may be absent or null.
    func size(
        ifPresent key: String, atMost limit: Int = largestSize
    ) throws(LanguageModelError) -> Int? {
        guard let value = self[key] else { return nil }
        guard let size = value.integer, (1...limit).contains(size) else {
            throw bad(key, value, allowed: "an integer from 1 to \(limit)")
        }
        return size
    }

    /// A positive finite number, or the default when the key is absent.
    func positive(_ key: String, default fallback: Double) throws(LanguageModelError) -> Double {
        try positive(ifPresent: key) ?? fallback
    }

    /// A positive finite number that may be absent or null.
    func positive(ifPresent key: String) throws(LanguageModelError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.double, number > 0, number.isFinite else {
            throw bad(key, value, allowed: "a number above 0")
        }
        return number
    }

    /// A positive finite number that must be there.
    func number(_ key: String) throws(LanguageModelError) -> Double {
        guard let number = try positive(ifPresent: key) else {
            throw LanguageModelError(
                .badConfig, "\(path) lacks `\(key)`",
                advice: "use the config.json that came with the weights")
        }
        return number
    }

    /// A nested object that may be absent or null; messages name it after the file.
    func object(ifPresent key: String) throws(LanguageModelError) -> ModelConfig? {
        guard let value = self[key] else { return nil }
        guard value.members != nil else { throw bad(key, value, allowed: "an object") }
        return try ModelConfig(path: "\(path), `\(key)`", json: value)
    }

    /// The same config with defaults of transformers for keys that are absent; null stays null.
    func filled(with defaults: KeyValuePairs<String, JSON>) throws(LanguageModelError)
        -> ModelConfig
    {
        var members = json.members ?? []
        for (key, value) in defaults where json[key] == nil {
            members.append(JSONMember(key: key, value: value))
        }
        return try ModelConfig(path: path, json: .object(members))
    }

    /// A truth value, or the default when the key is absent.
    func truth(_ key: String, default fallback: Bool) throws(LanguageModelError) -> Bool {
        guard let value = self[key] else { return fallback }
        guard let truth = value.truth else { throw bad(key, value, allowed: "true or false") }
        return truth
    }

    /// An activation function under its name in transformers.
    func activation(
        _ key: String, default fallback: ActivationName
    ) throws(LanguageModelError) -> ActivationName {
        guard let value = self[key] else { return fallback }
        guard let name = value.text.flatMap(ActivationName.init(rawValue:)) else {
            throw unsupported(
                key, value, allowed: ActivationName.allCases.map(\.rawValue).joined(separator: ", ")
            )
        }
        return name
    }

    /// The error for a value of the wrong kind.
    func bad(_ key: String, _ value: JSON, allowed: String) -> LanguageModelError {
        LanguageModelError(
            .badConfig, "\(path): `\(key)` is \(value.text()), not \(allowed)",
            advice: "use the config.json that came with the weights")
    }

    /// The error for a value that transformers knows and we do not.
    func unsupported(_ key: String, _ value: JSON, allowed: String) -> LanguageModelError {
        LanguageModelError(
            .unsupported, "\(path): `\(key)` = \(value.text()) is not supported",
            advice: "a model where it is \(allowed)")
    }
}

// MARK: - Refusals

extension ModelConfig {
    /// Refuses the settings of any architecture that would change numbers and are not implemented.
    ///
    /// - Parameter switches: more truth values that must be false, of one architecture.
    func refuseUnsupported(switches: [String] = []) throws(LanguageModelError) {
        if let value = self["quantization_config"] {
            throw unsupported("quantization_config", value, allowed: "absent")
        }
        let common = ["add_cross_attention", "is_encoder_decoder", "rope_interleaved"]
        for key in common + switches where try truth(key, default: false) {
            throw unsupported(key, .bool(true), allowed: "false")
        }
        if let value = self["pruned_heads"], value.members?.isEmpty != true {
            throw unsupported("pruned_heads", value, allowed: "empty")
        }
    }

    /// Refuses a model whose layers are not all of full attention.
    func refuseWindows() throws(LanguageModelError) {
        if let value = self["layer_types"],
            value.elements?.allSatisfy({ $0.text == "full_attention" }) != true
        {
            throw unsupported("layer_types", value, allowed: "`full_attention` throughout")
        }
        if let value = self["sliding_window"], self["layer_types"] == nil {
            throw unsupported("sliding_window", value, allowed: "null")
        }
    }
}

/// Names of activation functions in transformers.
enum ActivationName: String, CaseIterable, Sendable {
    case relu, gelu, silu, swish
    case geluNew = "gelu_new"
    case geluFast = "gelu_fast"
    case geluTanh = "gelu_pytorch_tanh"
}
