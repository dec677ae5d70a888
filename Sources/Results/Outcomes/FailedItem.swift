/// An autoencoder or dataset that cannot be evaluated.
public struct FailedItem: Sendable, Codable {
    /// What it is called in configs and results.
    public var name: String
    /// What went wrong, in one sentence.
    public var reason: String

    /// Tells why something is left out.
    public init(name: String, reason: String) { (self.name, self.reason) = (name, reason) }
}
