import Basics

/// One line of ``gpuBenchmark(_:on:report:)``.
public struct GPUMeasurement: Sendable, Equatable {
    /// What was measured, such as `encode, jump relu`.
    public var operation: String
    /// Sizes and weight type, such as `2048 × 2304 × 16384 bfloat16`.
    public var shape: String
    /// Times of one call.
    public var timing: GPUTiming
    /// Work of one call, in operations, bytes, tokens or launches.
    public var work: Double
    /// What ``work`` counts.
    public var unit: Unit
    /// What the time is held against, measured in the same run; nil for the bounds themselves.
    public var bound: String?
    /// The rate over that of the bound, or its time over ours; nil without a bound.
    public var share: Double?
    /// The share that is wanted; nil where none is.
    public var goal: Double?
    /// What a reader must know besides.
    public var note: String?
    /// What the device did in one call, the longest first; empty where it was not recorded.
    public var parts: [DeviceWork]

    /// Takes all values.
    package init(
        operation: String, shape: String, timing: GPUTiming, work: Double, unit: Unit,
        bound: String? = nil, share: Double? = nil, goal: Double? = nil, note: String? = nil,
        parts: [DeviceWork] = []
    ) {
        (self.operation, self.shape, self.timing) = (operation, shape, timing)
        (self.work, self.unit, self.bound, self.share) = (work, unit, bound, share)
        (self.goal, self.note, self.parts) = (goal, note, parts)
    }

    /// What a rate counts.
    public enum Unit: String, Sendable {
        case operations = "TFLOP/s"
        case bytes = "GB/s"
        case tokens = "tokens/s"
        case launches = "launches/s"

        /// How many of them are one of the unit.
        var size: Double {
            switch self {
            case .operations: 1e12
            case .bytes: 1e9
            case .tokens, .launches: 1
            }
        }
    }

    /// Work for each second of the fastest repetition, in ``unit``.
    public var rate: Double { work / timing.fastest / unit.size }

    /// All numbers.
    public var json: JSON {
        func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
        return .object([
            "operation": .string(operation), "shape": .string(shape),
            "fastest_seconds": .number(timing.fastest), "median_seconds": .number(timing.median),
            "repetitions": .integer(timing.repetitions), "calls": .integer(timing.calls),
            "work": .number(work), "rate": .number(rate), "unit": .string(unit.rawValue),
            "bound": bound.map { .string($0) } ?? .null, "share": number(share),
            "goal": number(goal), "note": note.map { .string($0) } ?? .null,
            "parts": .array(
                parts.map {
                    .object([
                        "name": .string($0.name), "count": .integer($0.count),
                        "seconds": .number($0.seconds),
                    ])
                }),
        ])
    }
}

/// Times of one call, in seconds.
public struct GPUTiming: Sendable, Equatable {
    /// Of the fastest repetition.
    public var fastest: Double
    /// Of the repetition in the middle.
    public var median: Double
    /// Repetitions that were timed.
    public var repetitions: Int
    /// Calls in one repetition.
    public var calls: Int

    /// Takes the seconds that each repetition took.
    package init(_ seconds: [Double], calls: Int = 1) {
        let sorted = seconds.map { max($0, 1e-9) / Double(calls) }.sorted()
        (fastest, median) = (sorted.first ?? 1e-9, sorted.isEmpty ? 1e-9 : sorted[sorted.count / 2])
        (repetitions, self.calls) = (seconds.count, calls)
    }
}
