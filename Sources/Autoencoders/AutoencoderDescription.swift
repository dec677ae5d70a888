import Basics
import Tensors

/// A loaded SAE: what it is, where it came from and what loading made of its weights.
///
/// The members of its ``specification`` are members of its own too.
@dynamicMemberLookup
public struct AutoencoderDescription: Sendable, Codable {
    /// Its sizes, hook, model and architecture.
    public var specification: AutoencoderSpecification
    /// The architecture it is computed as; BatchTopK files are computed as `jumprelu`.
    public var computedAs: String
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

    /// Describes an autoencoder; what is not known may be left out.
    public init(
        architecture: String, computedAs: String? = nil, modelSize: Int, latents: Int,
        hookName: String, outputHookName: String? = nil, modelName: String? = nil,
        contextSize: Int? = nil, prependsBeginning: Bool = true, release: String = "custom_sae",
        id: String, k: Int? = nil,
        path: String = "", storedBytes: Int = 0, storedType: ElementType = .float32,
        isFolded: Bool = false, notes: [String] = [], configuration: JSON? = nil
    ) {
        let shortest: JSON = .object([
            "d_in": .integer(modelSize), "d_sae": .integer(latents), "dtype": .string("float32"),
            "device": .string("cpu"),
            "metadata": .object([
                "model_name": modelName.map { .string($0) } ?? .null,
                "hook_name": .string(hookName),
            ]),
            "architecture": .string(architecture),
        ])
        specification = AutoencoderSpecification(
            architecture: architecture, modelSize: modelSize, latents: latents, hookName: hookName,
            outputHookName: outputHookName, modelName: modelName, contextSize: contextSize,
            prependsBeginning: prependsBeginning, configuration: configuration ?? shortest)
        self.computedAs = computedAs ?? architecture
        (self.release, self.id, self.k) = (release, id, k)
        (self.path, self.storedBytes, self.storedType) = (path, storedBytes, storedType)
        (self.isFolded, self.notes) = (isFolded, notes)
    }

    /// Describes the autoencoder that a reference names, its matrices of a type.
    init(_ reference: AutoencoderReference, storedType: ElementType) {
        specification = reference.specification
        computedAs =
            specification.function.map { type(of: $0.architecture).computedAs }
            ?? specification.architecture
        (release, id, path) = (reference.release, reference.id, reference.path)
        (storedBytes, self.storedType) = (reference.storedBytes, storedType)
        (isFolded, notes) = (false, [])
    }

    /// A member of its ``specification``.
    public subscript<Value>(
        dynamicMember member: WritableKeyPath<AutoencoderSpecification, Value>
    ) -> Value {
        get { specification[keyPath: member] }
        set { specification[keyPath: member] = newValue }
    }

    /// The configuration as SAE Bench writes it into `sae_cfg_dict`, for `float32` on the CPU.
    public var configuration: JSON {
        get { specification.configuration }
        set { specification.configuration = newValue }
    }

    /// The configuration for results computed in another type or on another device.
    public func configuration(type: String, device: String = "cpu") -> JSON {
        specification.configuration(type: type, device: device)
    }
}
