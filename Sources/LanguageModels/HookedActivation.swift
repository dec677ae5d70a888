import Tensors

/// An activation at a hook and the tokens that its rows belong to: what an intervention gets.
public struct HookedActivation {
    /// `[batch · positions, size of the hook]`.
    public var values: Tensor
    /// Rows of the pass.
    public var batch: Int
    /// Positions of a row.
    public var positions: Int
    /// Token ids `[batch · positions]`; nil where the pass began at a residual stream.
    public var tokens: [Int32]?

    /// Takes all values.
    public init(values: Tensor, batch: Int, positions: Int, tokens: [Int32]? = nil) {
        (self.values, self.batch, self.positions) = (values, batch, positions)
        self.tokens = tokens
    }

    /// The position of an index of `[batch · positions]` in its row.
    public func position(of index: Int) -> Int { index % positions }
}

/// Replaces an activation: returns one of the same shape, in memory of its own where it changed.
public typealias Intervention = (HookedActivation) throws -> Tensor
