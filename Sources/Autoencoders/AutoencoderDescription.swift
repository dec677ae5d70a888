import Basics
import Tensors

/// What an autoencoder is, where it came from and which activations it takes.
public struct AutoencoderDescription: Sendable, Codable {
    /// The architecture as its file calls it.
    public var architecture: String
    /// The architecture it is computed as; BatchTopK files are computed as `jumprelu`.
    public var computedAs: String
    /// Length of the activations it takes.
    public var modelSize: Int
    /// Number of latents.
    public var latents: Int
    /// The hook whose activations it takes, such as `blocks.12.hook_resid_post`.
    public var hookName: String
    /// The model it was trained on, as its file calls it.
    public var modelName: String?
    /// Tokens of a text it was trained on.
    public var contextSize: Int?
    /// Whether its texts began with the beginning-of-sequence token.
    public var prependsBeginning: Bool
    /// The first part of its name.
    public var release: String
    /// The second part of its name.
    public var id: String
    /// Latents kept for each token, where the architecture says so.
    public var k: Int?
    /// Its folder; empty when it has none.
    public var path: String
    /// Bytes of its weight file; 0 when it has none.
    public var storedBytes: Int
    /// How the matrices are stored.
    public var storedType: ElementType
    /// Whether decoder norms were folded into the latents.
    public var isFolded: Bool
    /// What a reader of the results should know, one sentence each.
    public var notes: [String]
    /// The configuration as SAE Bench writes it into `sae_cfg_dict`, for `float32` on the CPU.
    @CodedAsText public var configuration: JSON

    /// Describes an autoencoder; what is not known may be left out.
    public init(
        architecture: String, computedAs: String? = nil, modelSize: Int, latents: Int,
        hookName: String, modelName: String? = nil, contextSize: Int? = nil,
        prependsBeginning: Bool = true, release: String = "custom_sae", id: String, k: Int? = nil,
        path: String = "", storedBytes: Int = 0, storedType: ElementType = .float32,
        isFolded: Bool = false, notes: [String] = [], configuration: JSON? = nil
    ) {
        (self.architecture, self.computedAs) = (architecture, computedAs ?? architecture)
        (self.modelSize, self.latents, self.hookName) = (modelSize, latents, hookName)
        (self.modelName, self.contextSize) = (modelName, contextSize)
        (self.prependsBeginning, self.release, self.id, self.k) = (
            prependsBeginning, release, id, k
        )
        (self.path, self.storedBytes, self.storedType) = (path, storedBytes, storedType)
        (self.isFolded, self.notes) = (isFolded, notes)
        let shortest: JSON = .object([
            "d_in": .integer(modelSize), "d_sae": .integer(latents), "dtype": .string("float32"),
            "device": .string("cpu"),
            "metadata": .object([
                "model_name": modelName.map { .string($0) } ?? .null,
                "hook_name": .string(hookName),
            ]),
            "architecture": .string(architecture),
        ])
        _configuration = CodedAsText(wrappedValue: configuration ?? shortest)
    }

    /// The configuration for results computed in another type or on another device.
    ///
    /// Classes of SAE Bench's own leave the device empty.
    public func configuration(type: String, device: String = "cpu") -> JSON {
        let typed = configuration.setting("dtype", to: .string(type))
        return typed["device"]?.text == "" ? typed : typed.setting("device", to: .string(device))
    }
}

/// A JSON value that is encoded as its text.
@propertyWrapper
public struct CodedAsText: Sendable, Codable {
    /// The value.
    public var wrappedValue: JSON

    /// Wraps a value.
    public init(wrappedValue: JSON) { self.wrappedValue = wrappedValue }

    /// Parses the text.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        wrappedValue = try JSON(parsing: Array(text.utf8), source: "an encoded configuration")
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue.text())
    }
}

extension JSON {
    /// This object with a key replaced where it stands, or appended.
    func setting(_ key: String, to value: JSON) -> JSON {
        var members = members ?? []
        if let index = members.lastIndex(where: { $0.key == key }) {
            members[index].value = value
        } else {
            members.append(JSONMember(key: key, value: value))
        }
        return .object(members)
    }
}
