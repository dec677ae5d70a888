import Basics
import Tensors

/// An autoencoder on disk, found and not loaded.
///
/// The members of its ``specification`` are members of its own too.
@dynamicMemberLookup
public struct AutoencoderReference: Sendable, Codable {
    /// The first part of its name.
    public var release: String
    /// The second part of its name.
    public var id: String
    /// Its folder, or its weight file where a folder may hold several.
    public var path: String
    /// Its files by their paths in the folder, the weights first.
    public var files: [String]
    /// The name of the layout of its files, such as `sae_lens`.
    public var layout: String
    /// What its files say that it is.
    public var specification: AutoencoderSpecification
    /// Bytes of its weight file.
    public var storedBytes: Int
    /// What is known of it besides its files.
    public var facts: AutoencoderFacts

    /// Names an autoencoder whose function is not read from files.
    public init(
        release: String, id: String, path: String, files: [String] = [], layout: String,
        hookName: String, outputHookName: String? = nil, modelName: String? = nil, modelSize: Int,
        latents: Int, architecture: String, storedBytes: Int, prependsBeginning: Bool = true,
        facts: AutoencoderFacts = .none, configuration: JSON = .null
    ) {
        self.init(
            release: release, id: id, path: path, files: files, layout: layout,
            specification: AutoencoderSpecification(
                architecture: architecture, modelSize: modelSize, latents: latents,
                hookName: hookName, outputHookName: outputHookName, modelName: modelName,
                prependsBeginning: prependsBeginning, configuration: configuration),
            storedBytes: storedBytes, facts: facts)
    }

    /// Names an autoencoder by its specification.
    public init(
        release: String, id: String, path: String, files: [String] = [], layout: String,
        specification: AutoencoderSpecification, storedBytes: Int, facts: AutoencoderFacts = .none
    ) {
        (self.release, self.id, self.path, self.files) = (release, id, path, files)
        (self.layout, self.specification) = (layout, specification)
        (self.storedBytes, self.facts) = (storedBytes, facts)
    }

    /// A member of its ``specification``.
    public subscript<Value>(
        dynamicMember member: WritableKeyPath<AutoencoderSpecification, Value>
    ) -> Value {
        get { specification[keyPath: member] }
        set { specification[keyPath: member] = newValue }
    }

    /// The 16-bit type that weights are rounded to; nil when they are read as they are stored.
    public var roundingType: ElementType? { specification.roundingType }

    /// What a reader of the results should know of how its files are read, one sentence each.
    public var notes: [String] { specification.readingNotes }

    /// Reads it as `SAE.from_pretrained` of SAELens does: the weights are not rounded to the
    /// `dtype` of its configuration.
    public mutating func readAsPublished() { specification.readAsPublished() }

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
