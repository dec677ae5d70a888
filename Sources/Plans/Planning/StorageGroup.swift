import Activations

/// Activation sets at one hook of which the same becomes for the same reason.
public struct StorageGroup: Sendable, Codable, Equatable {
    /// The hook.
    public var hook: String
    /// What becomes of them.
    public var policy: ActivationPolicy
    /// Why.
    public var reason: String
    /// The wave in which they are on disk.
    public var wave: Int
    /// Row sets.
    public var sets: Int
    /// Bytes of all activations, stored or not.
    public var bytes: Int
    /// Bytes that units read of them in all, about.
    public var bytesRead: Double
}
