import Glibc
import Kernels
import Tensors

/// The numbers that an operation produced, in one order for all backends.
package struct Outcome {
    /// The results.
    package var numbers: [Double]

    package init(_ tensor: Tensor) { numbers = tensor.values.map(Double.init) }
    package init(_ values: [Float]) { numbers = values.map(Double.init) }
    package init(_ values: [Double]) { numbers = values }

    /// Codes as a dense matrix.
    package init(_ codes: SparseCodes) {
        numbers = [Double](repeating: 0, count: codes.rows * codes.latents)
        for row in 0..<codes.rows {
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                numbers[row * codes.latents + Int(codes.indices[entry])] = Double(
                    codes.values[entry])
            }
        }
    }

    /// Whether all numbers have the same bits.
    package func hasSameBits(as other: Outcome) -> Bool {
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
    package func firstDifference(from expected: Outcome, tolerance: Double) -> String? {
        guard numbers.count == expected.numbers.count else {
            return "\(numbers.count) numbers where \(expected.numbers.count) are expected"
        }
        let scale = expected.scale
        for (index, (actual, wanted)) in zip(numbers, expected.numbers).enumerated() {
            if actual == wanted || (actual.isNaN && wanted.isNaN) { continue }
            if !(abs(actual - wanted) <= tolerance * scale) {
                return "[\(index)] is \(actual), not \(wanted)"
            }
        }
        return nil
    }

    /// The largest difference from the expected numbers, as a share of the largest of them;
    /// infinite where it is not a number.
    package func largestDifference(from expected: Outcome) -> Double {
        guard numbers.count == expected.numbers.count else { return .infinity }
        let scale = expected.scale
        var largest = 0.0
        for (actual, wanted) in zip(numbers, expected.numbers) {
            if actual == wanted || (actual.isNaN && wanted.isNaN) { continue }
            let share = abs(actual - wanted) / scale
            largest = share.isNaN ? .infinity : max(largest, share)
        }
        return largest
    }

    /// The largest finite number.
    private var scale: Double { numbers.lazy.filter(\.isFinite).map(\.magnitude).max() ?? 0 }
}
