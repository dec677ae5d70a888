/// A plan for people: what is not on disk is told by its sizes alone.
///
/// It is shown and simulated and never run; a run makes a ``RunPlan`` of its own, which refuses what
/// is missing.
public struct PlanOutline: Sendable {
    /// What would run. Keys of what is not on disk are hashes of names.
    public let plan: RunPlan
    /// What becomes of activations, and why.
    public let storage: [StorageGroup]
    /// Bytes that the activations of one wave may take; nil where nothing limits them.
    public let diskBudget: Int?
    /// For each unit the fraction of its inputs that it reads.
    let readShares: [Double]
    /// What is not on disk.
    public let missing: [MissingItem]
    /// Sentences on sizes that are not known exactly.
    public let assumptions: [String]
    /// The command that downloads what is missing.
    public let fetchCommand: String
}

/// Something that a config names and that is not on disk.
public struct MissingItem: Sendable, Codable, Equatable {
    /// What it is.
    public enum Kind: String, Sendable, Codable, CaseIterable { case model, autoencoder, dataset }

    /// What it is.
    public var kind: Kind
    /// Its name in the config or in the directory.
    public var name: String
    /// Its size, where it is known.
    public var bytes: Int?
}
