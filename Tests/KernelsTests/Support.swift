import Glibc
import Tensors

@testable import Kernels

/// A small generator of repeatable numbers for tests.
struct TestNumbers {
    private var state: UInt64

    init(seed: Int) { state = UInt64(seed &* 2 &+ 1) &* 0x9E37_79B9_7F4A_7C15 }

    /// The next 32 bits.
    mutating func next() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33)
    }

    /// A number between -1 and 1.
    mutating func unit() -> Float { Float(next() % 65_536) / 32_768 - 1 }

    /// A tensor of numbers between -scale and scale.
    mutating func tensor(_ shape: [Int], scale: Float = 1) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in unit() * scale }, shape: shape)
    }

    /// A tensor of integers from -bound to bound, divided by 8: sums of products are exact in
    /// float.
    mutating func exact(_ shape: [Int], bound: Int = 8) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in exactNumber(bound) }, shape: shape)
    }

    /// A list of such integers.
    mutating func exactList(_ count: Int, bound: Int = 8) -> [Float] {
        (0..<count).map { _ in exactNumber(bound) }
    }

    private mutating func exactNumber(_ bound: Int) -> Float {
        Float(Int(next() % UInt32(2 * bound + 1)) - bound) / 8
    }
}

extension Tensor {
    /// The tensor in another stored type.
    func stored(as type: ElementType) -> Tensor {
        guard let result = try? ReferenceBackend().convert(self, to: type) else {
            preconditionFailure("conversion to \(type)")
        }
        return result
    }

    /// The bits of all values.
    var bits: [UInt32] { (0..<count).map { floats[$0].bitPattern } }
}

/// The sizes that one step of the walk uses.
struct WalkShape: Sendable, CustomStringConvertible {
    var rows: Int
    var inner: Int
    var outer: Int
    var type: ElementType

    var description: String { "\(rows)x\(inner)x\(outer) \(type.rawValue)" }

    /// Awkward sizes with every weight type.
    static let all: [WalkShape] = {
        let sizes = [
            (0, 5, 7), (1, 1, 1), (1, 37, 53), (7, 16, 48), (2, 300, 1001), (255, 9, 25),
            (256, 24, 8),
            (257, 11, 17), (513, 3, 49), (1025, 2, 3), (5, 0, 3),
        ]
        return sizes.flatMap { size in
            Checks.weightTypes.map {
                WalkShape(rows: size.0, inner: size.1, outer: size.2, type: $0)
            }
        }
    }()
}

/// The numbers that an operation produced, in one order for all backends.
struct Outcome {
    /// The results.
    var numbers: [Double]

    init(_ tensor: Tensor) { numbers = tensor.values.map(Double.init) }
    init(_ values: [Float]) { numbers = values.map(Double.init) }
    init(_ values: [Double]) { numbers = values }

    /// Codes as a dense matrix.
    init(_ codes: SparseCodes) {
        numbers = [Double](repeating: 0, count: codes.rows * codes.latents)
        for row in 0..<codes.rows {
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                numbers[row * codes.latents + Int(codes.indices[entry])] = Double(
                    codes.values[entry])
            }
        }
    }

    /// Whether all numbers have the same bits.
    func hasSameBits(as other: Outcome) -> Bool {
        numbers.count == other.numbers.count
            && numbers.withUnsafeBytes { mine in
                other.numbers.withUnsafeBytes {
                    memcmp(mine.baseAddress!, $0.baseAddress!, $0.count)
                }
                    == 0
            }
    }

    /// The first place where two outcomes differ by more than a share of the largest expected
    /// number.
    func firstDifference(from expected: Outcome, tolerance: Double) -> String? {
        guard numbers.count == expected.numbers.count else {
            return "\(numbers.count) numbers where \(expected.numbers.count) are expected"
        }
        let scale = expected.numbers.lazy.filter(\.isFinite).map(\.magnitude).max() ?? 0
        for (index, (actual, wanted)) in zip(numbers, expected.numbers).enumerated() {
            if actual == wanted || (actual.isNaN && wanted.isNaN) { continue }
            if !(abs(actual - wanted) <= tolerance * scale) {
                return "[\(index)] is \(actual), not \(wanted)"
            }
        }
        return nil
    }
}

/// All backends with their levels that this machine can run.
let processorBackends: [CPUBackend] = (0...CPUBackend().level).map { CPUBackend(level: $0) }
