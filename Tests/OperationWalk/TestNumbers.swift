import Kernels
import Tensors

/// A small generator of repeatable numbers for tests.
package struct TestNumbers {
    private var state: UInt64

    package init(seed: Int) { state = UInt64(seed &* 2 &+ 1) &* 0x9E37_79B9_7F4A_7C15 }

    /// The next 32 bits.
    package mutating func next() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33)
    }

    /// A number between -1 and 1.
    package mutating func unit() -> Float { Float(next() % 65_536) / 32_768 - 1 }

    /// A tensor of numbers between -scale and scale.
    package mutating func tensor(_ shape: [Int], scale: Float = 1) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in unit() * scale }, shape: shape)
    }

    /// A tensor of integers from -bound to bound, divided by 8: sums of products are exact in
    /// float.
    package mutating func exact(_ shape: [Int], bound: Int = 8) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in exactNumber(bound) }, shape: shape)
    }

    /// A list of such integers.
    package mutating func exactList(_ count: Int, bound: Int = 8) -> [Float] {
        (0..<count).map { _ in exactNumber(bound) }
    }

    private mutating func exactNumber(_ bound: Int) -> Float {
        Float(Int(next() % UInt32(2 * bound + 1)) - bound) / 8
    }
}

extension Tensor {
    /// The tensor in another stored type.
    package func stored(as type: ElementType) -> Tensor {
        guard let result = try? ReferenceBackend().convert(self, to: type) else {
            preconditionFailure("conversion to \(type)")
        }
        return result
    }

    /// The bits of all values.
    package var bits: [UInt32] { (0..<count).map { floats[$0].bitPattern } }
}
