import Basics
import Glibc
import Tensors

/// Applies the interventions of one pass, keeps what it captures and knows when it has everything.
///
/// It belongs to one pass on one thread.
final class HookVisitor {
    /// The block that runs.
    var layer = 0
    /// Rows of the batch.
    let batch: Int
    /// Positions of a row.
    let positions: Int
    /// What was captured so far.
    private(set) var captured: [HookPoint: Tensor] = [:]
    /// What to keep.
    private let captures: Set<HookPoint>
    /// What to replace.
    private let interventions: [HookPoint: [Intervention]]
    /// Token ids of the pass, if it began with them.
    private let tokens: [Int32]?
    /// Whether logits are not wanted.
    private let stopsAtLastCapture: Bool

    /// Begins a pass.
    init(_ pass: ForwardPass) {
        (batch, positions) = (pass.batch, pass.positions)
        (captures, interventions) = (pass.captures, pass.interventions)
        if case .tokens(let tokens) = pass.start { self.tokens = tokens } else { tokens = nil }
        if case .lastCapture = pass.end {
            stopsAtLastCapture = true
        } else {
            stopsAtLastCapture = false
        }
    }

    /// Whether nothing is left to do.
    var isFinished: Bool { stopsAtLastCapture && captured.count == captures.count }

    /// Whether a site of the running block is captured or replaced.
    func isWanted(_ site: HookPoint.Site) -> Bool {
        captures.contains(HookPoint(layer: layer, site: site)) || isReplaced(site)
    }

    /// Whether a site of the running block is replaced.
    func isReplaced(_ site: HookPoint.Site) -> Bool {
        interventions[HookPoint(layer: layer, site: site)]?.isEmpty == false
    }

    /// Shows the activation at a site of the running block.
    ///
    /// The outputs of attention and MLP come back as memory of their own, since blocks add the
    /// residual stream to them in place; residual streams are shared.
    ///
    /// - Shapes: `x` and the result are `[batch · positions, size of the hook]`.
    /// - Returns: the activation with interventions applied, or nil when the pass has all it wants.
    /// - Throws: ``LanguageModelError`` when an intervention returns another shape; its own errors.
    func visit(_ site: HookPoint.Site, _ x: Tensor) throws -> Tensor? {
        let point = HookPoint(layer: layer, site: site)
        var value = x
        var isShared = false
        for intervention in interventions[point] ?? [] {
            value = try intervention(
                HookedActivation(
                    values: value, batch: batch, positions: positions, tokens: tokens))
            isShared = true
            guard value.shape == x.shape, value.type == .float32 else {
                throw LanguageModelError(
                    .wrongShape,
                    "An intervention at \(point) made \(value.type.rawValue) of shape "
                        + "\(value.shape) from float32 of \(x.shape)",
                    advice: "return what came in, changed")
            }
        }
        if captures.contains(point) {
            captured[point] = value
            isShared = true
            if isFinished { return nil }
        }
        let isOverwritten = site == .attnOut || site == .mlpOut
        return isShared && isOverwritten ? value.copied() : value
    }
}

extension Tensor {
    /// The same values in memory of their own.
    func copied() -> Tensor {
        let copy = Tensor(uninitialized: shape, type: type)
        memcpy(copy.bytes, constantBytes, byteCount)
        return copy
    }
}
