import Basics

/// What is known of an autoencoder besides its files, such as from the directory of published ones.
///
/// Layouts whose files name no hook or no model take both from here; that of SAELens merges all of
/// it into the configuration before it reads it.
public struct AutoencoderFacts: Sendable, Codable {
    /// The hook whose activations it takes, where the files name none.
    public var hookName: String?
    /// The model it was trained on, where the files name none.
    public var modelName: String?
    /// What training multiplied activations by, for `expected_average_only_in`.
    public var normScalingFactor: Double?
    /// Whether it was selected from the directory of published ones, which describes autoencoders
    /// as SAELens loads them.
    public var isPublished: Bool
    /// An object whose keys replace those of the configuration.
    @CodedAsText public var overrides: JSON

    /// Nothing.
    public static let none = AutoencoderFacts()

    /// Names what is known.
    public init(
        hookName: String? = nil, modelName: String? = nil, normScalingFactor: Double? = nil,
        isPublished: Bool = false, overrides: JSON = .object([])
    ) {
        (self.hookName, self.modelName) = (hookName, modelName)
        (self.normScalingFactor, self.isPublished) = (normScalingFactor, isPublished)
        _overrides = CodedAsText(wrappedValue: overrides)
    }

    /// A configuration of any version of SAELens with these facts in it; what is no object comes
    /// back as it is.
    ///
    /// - Source: `get_sae_lens_config_from_disk` of SAELens 6, which merges overrides into the file
    ///   before it brings the keys up to version 6.
    public func applied(to configuration: JSON) -> JSON {
        guard configuration.members != nil else { return configuration }
        var merged = configuration
        for member in overrides.members ?? [] {
            merged = merged.setting(member.key, to: member.value)
        }
        if let normScalingFactor {
            merged = merged.setting("norm_scaling_factor", to: .number(normScalingFactor))
        }
        for (keys, value) in [
            (["hook_name", "hook_point"], hookName), (["model_name"], modelName),
        ] {
            guard let value else { continue }
            let stored = keys.flatMap { [merged[$0], merged["metadata"]?[$0]] }
            if stored.allSatisfy({ $0?.isNull ?? true }) {
                merged = merged.setting(keys[0], to: .string(value))
            }
        }
        return merged
    }

    /// What of it can change a number, as a text for cache keys; nil when nothing can.
    ///
    /// Those keys name hooks by themselves.
    var contentText: String? {
        var members = (overrides.members ?? []).filter { !Self.labels.contains($0.key) }
        if let normScalingFactor {
            members.append(
                JSONMember(key: "norm_scaling_factor", value: .number(normScalingFactor)))
        }
        return members.isEmpty ? nil : JSON.object(members).text()
    }

    /// Keys that results show and no number depends on.
    private static let labels: Set<String> = [
        "neuronpedia_id", "dataset_path", "model_name", "hook_name",
    ]
}
