import Basics
import Tensors

extension ReferenceBackend {
    /// Rounds each number to nearest even by integer arithmetic on its bits.
    public func convert(_ x: Tensor, to type: ElementType) throws -> Tensor {
        try Checks.floats(x, "input of a conversion")
        guard Checks.weightTypes.contains(type) else {
            throw KernelError(
                .unsupported, "Conversion to \(type.rawValue)",
                advice: "use float32, bfloat16 or float16")
        }
        if type == .float32 { return x }
        let result = Tensor(uninitialized: x.shape, type: type)
        let (input, output) = (x.floats, result.bytes.assumingMemoryBound(to: UInt16.self))
        for index in 0..<x.count {
            output[index] =
                type == .bfloat16 ? bfloat16Bits(input[index]) : float16Bits(input[index])
        }
        return result
    }

    /// Reads each number as it is stored.
    public func widen(_ x: Tensor) throws -> Tensor {
        if x.type == .float32 { return x }
        let result = Tensor(uninitialized: x.shape)
        for index in 0..<x.count { result.floats[index] = x.value(at: index) }
        return result
    }
}

/// The nearest bfloat16, ties to even; every NaN becomes the quiet one without a sign.
func bfloat16Bits(_ value: Float) -> UInt16 {
    if value.isNaN { return 0x7FC0 }
    let bits = value.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

/// The nearest float16, ties to even; numbers beyond 65,504 round to infinity from 65,520 on.
func float16Bits(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 16 & 0x8000)
    if value.isNaN { return sign | 0x7E00 }
    let magnitude = value.magnitude
    if magnitude >= 65_520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 {
        return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    let bits = magnitude.bitPattern
    let rounded = bits &+ 0xFFF &+ (bits >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
}
