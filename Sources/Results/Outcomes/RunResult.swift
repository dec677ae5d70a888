/// One evaluation of one autoencoder.
public struct RunResult: Sendable {
    /// The name of the evaluation, such as `core`.
    public var evaluation: String
    /// The release that the autoencoder is from.
    public var release: String
    /// The autoencoder within its release.
    public var id: String
    /// Where it takes its activations, as TransformerLens spells it.
    public var hook: String
    /// The block that the hook is in, counted from 0.
    public var layer: Int
    /// The numbers. Details and what is unstructured, which can be large, are in the file alone.
    public var outcome: Outcome

    /// Takes all values.
    public init(
        evaluation: String, release: String, id: String, hook: String, layer: Int, outcome: Outcome
    ) {
        (self.evaluation, self.release, self.id) = (evaluation, release, id)
        (self.hook, self.layer, self.outcome) = (hook, layer, outcome)
    }
}
