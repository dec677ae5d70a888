import Basics
import LanguageModels

/// Activations of a row set at one hook.
public struct ActivationSet: Sendable, Codable {
    /// Index of the row set.
    public var rowSet: Int
    /// Where in the model they are taken.
    public var hook: HookPoint
    /// Hash of all that decides their numbers: the tokens, the model, the hook and the type.
    public var key: ContentHash
    /// Where the activations are kept.
    public var path: String
    /// Bytes of its file, or of the numbers where they are computed when read.
    public var byteCount: Int
    /// Whether they are kept or computed whenever they are read.
    public var policy = ActivationPolicy.store
    /// Sets of a wave are on disk at the same time.
    public var wave = 0

    /// Takes all values.
    package init(
        rowSet: Int, hook: HookPoint, key: ContentHash, path: String, byteCount: Int,
        policy: ActivationPolicy = .store, wave: Int = 0
    ) {
        (self.rowSet, self.hook, self.key) = (rowSet, hook, key)
        (self.path, self.byteCount, self.policy) = (path, byteCount, policy)
        self.wave = wave
    }
}

/// What becomes of activations.
public enum ActivationPolicy: String, Sendable, Codable {
    case store, recompute
}
