/// What a config says about activations: its key `activations`.
public enum ActivationChoice: String, Sendable, CaseIterable {
    /// Stored where the disk has room and that is cheaper.
    case auto
    /// Always stored.
    case store
    /// Never stored.
    case recompute
}
