import CKernels
import Glibc

/// The loops of linear probes that are trained by gradient descent: dot products with rows, their
/// multiples added to a gradient, and steps of AdamW.
///
/// All sums run in one fixed order, so that a probe has the same bits on every machine with fused
/// multiply-add.
public struct ProbeLoops: Sendable {
    /// Which instructions the C loops use; see `CKernels.h`.
    private let level: Int32

    /// Loops for this machine.
    public init() { self.init(level: ck_best_level()) }

    /// Loops with fewer instructions than the machine has.
    init(level: Int32) { self.level = level }

    /// `Σ x · y`.
    public func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Float {
        ck_dot(level, x, y, count)
    }

    /// `y += factor · x`.
    public func add(
        _ factor: Float, _ x: UnsafePointer<Float>, count: Int, to y: UnsafeMutablePointer<Float>
    ) {
        ck_add_multiple(level, factor, x, count, y)
    }

    /// `Σ values · y[indices]`.
    public func dot(
        _ indices: UnsafePointer<Int32>, _ values: UnsafePointer<Float>, count: Int,
        _ y: UnsafePointer<Float>
    ) -> Float {
        ck_sparse_dot(level, indices, values, count, y)
    }

    /// `y[indices] += factor · values`.
    public func add(
        _ factor: Float, _ indices: UnsafePointer<Int32>, _ values: UnsafePointer<Float>,
        count: Int, to y: UnsafeMutablePointer<Float>
    ) {
        ck_add_sparse_multiple(level, factor, indices, values, count, y)
    }

    /// One step of AdamW; gradients become 0.
    ///
    /// Rounds where torch's loop over single tensors does: decay of the parameter, moving means,
    /// bias corrections in double, then `x += step · first / (√second / correction + ε)`.
    ///
    /// - Source: Loshchilov and Hutter 2019; torch's defaults β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    /// - Shapes: all `[count]`.
    /// - Cost: two divisions and a root a parameter; 28 bytes of traffic.
    public func adamW(
        _ step: AdamWStep, count: Int, parameters: UnsafeMutablePointer<Float>,
        gradient: UnsafeMutablePointer<Float>, first: UnsafeMutablePointer<Float>,
        second: UnsafeMutablePointer<Float>
    ) {
        ck_adamw_step(level, step.forC, count, parameters, gradient, first, second)
    }
}

/// The numbers of one step of AdamW.
public struct AdamWStep: Sendable {
    /// Counted from 1.
    public var number: Int
    /// Factor on the step, as torch's `lr`.
    public var learningRate: Double
    /// Decoupled decay: parameters shrink by this times the learning rate first.
    public var weightDecay: Double
    /// Weight of the absolute values of the parameters in the loss.
    public var l1Penalty: Double

    /// One step of the optimiser; `number` is counted from 1 and sets the bias corrections.
    public init(number: Int, learningRate: Double, weightDecay: Double, l1Penalty: Double) {
        (self.number, self.learningRate) = (number, learningRate)
        (self.weightDecay, self.l1Penalty) = (weightDecay, l1Penalty)
    }

    /// Rounded to float as torch rounds Python's numbers.
    var forC: ck_adamw {
        let (beta1, beta2) = (0.9, 0.999)
        let first = 1 - pow(beta1, Double(number))
        let second = 1 - pow(beta2, Double(number))
        return ck_adamw(
            decay: Float(1 - learningRate * weightDecay), first_rest: Float(1 - beta1),
            second: Float(beta2), second_rest: Float(1 - beta2),
            correction: Float(second.squareRoot()), epsilon: 1e-8,
            step: Float(-(learningRate / first)), l1: Float(l1Penalty))
    }
}
