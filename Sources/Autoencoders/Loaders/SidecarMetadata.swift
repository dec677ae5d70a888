import Basics
import Formats

/// What a `sae.yaml` beside the weights says: facts that they lack, or all of them.
struct SidecarMetadata: Sendable {
    /// The name of the file.
    static let file = "sae.yaml"

    /// The file, for messages.
    let path: String
    /// Its content.
    private let json: JSON

    /// Keys that describe any autoencoder.
    private static let generalKeys = [
        "layout", "weights", "hook", "model", "context_size", "prepend_bos", "norm_scaling_factor",
        "ignore",
    ]
    /// Keys of them that a configuration of SAELens has no key for.
    private static let ownKeys: Set<String> = ["layout", "weights", "ignore"]
    /// Keys that describe the tensors and the function of a custom one.
    private static let customKeys = [
        "architecture", "tensors", "axes", "d_in", "d_sae", "k", "apply_b_dec_to_input",
        "normalize_activations", "rescale_acts_by_decoder_norm",
    ]
    /// The longest file that is read.
    private static let mostBytes = 1 << 16

    /// Reads a file and checks its keys.
    init(file path: String) throws {
        self.path = path
        guard let byteCount = fileByteCount(path), byteCount <= Self.mostBytes else {
            throw AutoencoderError(
                .malformed, "\(path) is longer than \(Self.mostBytes) bytes or no file",
                advice: "a short file of `key: value` lines")
        }
        guard let text = String(validating: try readFile(path), as: UTF8.self) else {
            throw AutoencoderError(
                .malformed, "\(path) is not UTF-8 text", advice: "save it as UTF-8")
        }
        json = try yamlTree(text, source: path)
        guard let members = json.members else {
            throw AutoencoderError(
                .malformed, "\(path) holds no `key: value` lines",
                advice: "lines such as `hook: blocks.12.hook_resid_post`")
        }
        let layout = try layout
        if let layout { _ = try autoencoderLayout(named: layout, path: path) }
        let known = Self.generalKeys + Self.keys(ofLayout: layout)
        for member in members where !known.contains(member.key) {
            let isCustom = Self.customKeys.contains(member.key)
            throw AutoencoderError(
                .malformed,
                isCustom
                    ? "\(path): `\(member.key)` belongs to `layout: custom`; files of other "
                        + "layouts say it themselves"
                    : "\(path): key `\(member.key)` is unknown",
                advice: suggestion(for: member.key, among: known))
        }
    }

    /// The name of the layout; `custom` when tensors are named, nil when the file does not say.
    var layout: String? {
        get throws {
            try text("layout") ?? (json["tensors"] == nil ? nil : CustomLayout.identifier)
        }
    }

    /// The keys of one layout alone.
    private static func keys(ofLayout name: String?) -> [String] {
        switch name {
        case CustomLayout.identifier: customKeys
        case PCALayout.identifier: ["form"]
        case IdentityLayout.identifier: ["d_in"]
        default: []
        }
    }

    /// A configuration of SAELens with the facts that are stated here under their keys.
    func joined(to configuration: JSON) throws -> JSON {
        let names = ["hook": "hook_name", "model": "model_name"]
        var joined = configuration
        for key in Self.generalKeys where !Self.ownKeys.contains(key) {
            guard let value = json[key], !value.isNull else { continue }
            let name = names[key] ?? key
            let metadata = configuration["metadata"].flatMap { $0.members == nil ? nil : $0 }
            if let metadata, key != "norm_scaling_factor" {
                joined = joined.setting(
                    "metadata", to: (joined["metadata"] ?? metadata).setting(name, to: value))
            } else {
                joined = joined.setting(name, to: value)
            }
        }
        return joined
    }

    // MARK: - Checked reading

    /// A text; nil when it is absent.
    func text(_ key: String) throws -> String? {
        try value(key, "a text") { $0.text.flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// An integer; nil when it is absent.
    func integer(_ key: String) throws -> Int? { try value(key, "an integer", \.integer) }

    /// A number; nil when it is absent.
    func double(_ key: String) throws -> Double? { try value(key, "a number", \.double) }

    /// A truth value; nil when it is absent.
    func truth(_ key: String) throws -> Bool? { try value(key, "true or false", \.truth) }

    /// A list of texts; empty when it is absent.
    func texts(_ key: String) throws -> [String] {
        try value(key, "a list of texts") { json in
            let texts = json.elements?.compactMap(\.text)
            return texts?.count == json.elements?.count ? texts : nil
        } ?? []
    }

    /// The entries of an object; empty when it is absent.
    func members(_ key: String) throws -> [JSONMember] {
        try value(key, "`key: value` lines", \.members) ?? []
    }

    /// A value of a kind; nil when it is absent or null.
    private func value<Value>(_ key: String, _ kind: String, _ read: (JSON) -> Value?) throws
        -> Value?
    {
        guard let stored = json[key], !stored.isNull else { return nil }
        if let value = read(stored) { return value }
        throw AutoencoderError(
            .malformed, "\(path): `\(key)` is \(stored.text()), expected \(kind)",
            advice: "correct `\(key)`")
    }
}
