/// An autoencoder or dataset that cannot be evaluated.
public struct FailedItem: Sendable, Codable {
    public var name: String
    public var reason: String

    public init(name: String, reason: String) { (self.name, self.reason) = (name, reason) }
}
