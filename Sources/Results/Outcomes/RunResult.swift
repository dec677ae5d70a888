/// One evaluation of one autoencoder.
public struct RunResult: Sendable {
    public var evaluation: String
    public var release: String
    public var id: String
    public var hook: String
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
