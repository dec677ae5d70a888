import Basics
import Tensors

/// Measures the operations that take the time of a run on the GPU, each beside what the same GPU
/// reaches in the same run: cuBLAS for products, a plain copy for everything that is bound by
/// memory.
///
/// Times are the device's own, by events. The first lines are the bounds.
///
/// - Parameter report: called with each line as soon as it is known.
/// - Returns: all lines, in order.
/// - Throws: the first error of a measurement.
public func gpuBenchmark(
    _ size: KernelBenchmarkSize = .full, on backend: CUDABackend,
    report: @escaping (GPUMeasurement) -> Void = { _ in }
) throws -> [GPUMeasurement] {
    var benchmark = GPUBenchmark(backend, size, report: report)
    benchmark.measureOperations()
    if let failure = benchmark.failures.first { throw failure.error }
    return benchmark.measurements
}

/// The measurements of one call, also for parts that need models and so are in other targets.
package struct GPUBenchmark {
    /// The GPU.
    package let backend: CUDABackend
    /// Whether shapes are so small that an emulated GPU takes seconds for all.
    package let isQuick: Bool
    /// Only parts in whose names this stands are measured; nil for all. Bounds always are.
    package var only: String?
    /// All lines so far.
    package private(set) var measurements: [GPUMeasurement] = []
    /// Parts that could not be measured, and why.
    package private(set) var failures: [(part: String, error: any Error)] = []
    /// Operations a second of the fastest product of each type.
    package var productRates: [ElementType: Double] = [:]
    /// Bytes a second that a copy reads and writes.
    package var bandwidth = 0.0
    private let report: (GPUMeasurement) -> Void
    /// Random numbers on the GPU from which tensors are filled, by type, seed and scale.
    private var patterns: [String: Tensor] = [:]
    /// Where in its pattern the next tensor begins.
    private var nextStart = 0

    /// Prepares measurements.
    package init(
        _ backend: CUDABackend, _ size: KernelBenchmarkSize,
        report: @escaping (GPUMeasurement) -> Void
    ) {
        (self.backend, isQuick, self.report) = (backend, size == .quick, report)
    }

    /// Measures a part; what fails is kept and the rest goes on.
    package mutating func part(_ name: String, _ body: (inout GPUBenchmark) throws -> Void) {
        guard wants(name) else { return }
        do { try body(&self) } catch { fail(name, error) }
    }

    /// Keeps why a part could not be measured.
    package mutating func fail(_ name: String, _ error: any Error) {
        failures.append((name, error))
    }

    /// Whether a part is to be measured.
    package func wants(_ name: String) -> Bool {
        only.map { name.contains($0) } ?? true || name == Self.bounds
    }

    /// The name of the part that everything is compared with.
    static let bounds = "bounds"

    /// Keeps and reports a line.
    package mutating func add(_ line: GPUMeasurement) {
        measurements.append(line)
        report(line)
    }
}

// MARK: - Times

extension GPUBenchmark {
    /// Times calls one after the other, with all that comes between them.
    ///
    /// One repetition lasts a millisecond at least, so that its events cost nothing.
    package func timing(_ body: () throws -> Void) throws -> GPUTiming {
        try body()
        let once = max(try backend.device.seconds(body), 1e-7)
        let calls = isQuick ? 1 : min(100, max(1, Int(1e-3 / once)))
        let repetitions = repetitions(lasting: once * Double(calls))
        let seconds = try (0..<repetitions).map { _ in
            try backend.device.seconds { for _ in 0..<calls { try body() } }
        }
        return GPUTiming(seconds, calls: calls)
    }

    /// Times what the device does in a call: kernels and products alone, without copies to the host
    /// and the wait for them.
    ///
    /// - Returns: also what the fastest repetition consisted of.
    package func workTiming(
        _ body: () throws -> Void
    ) throws -> (timing: GPUTiming, parts: [DeviceWork]) {
        try body()
        let once = total(try backend.device.work(of: body))
        let repetitions = repetitions(lasting: once)
        let works = try (0..<repetitions).map { _ in try backend.device.work(of: body) }
        let fastest = works.min { total($0) < total($1) } ?? []
        return (GPUTiming(works.map(total)), fastest)
    }

    /// What the device does in one call.
    package func work(of body: () throws -> Void) throws -> [DeviceWork] {
        try backend.device.work(of: body)
    }

    /// Times calls by the clock of the host, until the device has done all of it.
    package func wallTiming(repetitions: Int, _ body: () throws -> Void) throws -> GPUTiming {
        try body()
        let clock = ContinuousClock()
        return GPUTiming(
            try (0..<(isQuick ? 1 : repetitions)).map { _ in
                try backend.synchronize()
                return try clock.measure {
                    try body()
                    try backend.synchronize()
                } / .seconds(1)
            })
    }

    /// Enough repetitions for a median, in a third of a second or so.
    private func repetitions(lasting seconds: Double) -> Int {
        isQuick ? 2 : min(25, max(5, Int(0.35 / seconds)))
    }

    /// Seconds of all of it.
    private func total(_ work: [DeviceWork]) -> Double { work.reduce(0) { $0 + $1.seconds } }
}

// MARK: - Numbers

extension GPUBenchmark {
    /// Numbers in a pattern: a prime, so that no width divides it.
    private var patternLength: Int { isQuick ? 16_381 : 1_048_573 }

    /// A tensor in the GPU's memory with random numbers between -scale and scale.
    ///
    /// The numbers repeat after a million or so, from another offset for each tensor: the host makes
    /// few of them and the GPU copies.
    ///
    /// - Parameter seed: tensors of different seeds share no numbers.
    package mutating func numbers(
        _ shape: [Int], _ type: ElementType = .float32, seed: UInt64 = 1, scale: Float = 1
    ) throws -> Tensor {
        let pattern = try pattern(type, seed: seed, scale: scale)
        let (tensor, target) = try backend.result(shape, type)
        let source = try backend.operand(pattern)
        var (done, start) = (0, nextStart % patternLength)
        nextStart += 7919
        while done < tensor.count {
            let count = min(tensor.count - done, patternLength - start)
            try backend.device.copy(
                DeviceOperand(source.block, offset: source.offset + start * type.byteCount),
                to: DeviceOperand(target.block, offset: done * type.byteCount),
                byteCount: count * type.byteCount)
            (done, start) = (done + count, 0)
        }
        return tensor
    }

    /// The numbers that tensors repeat.
    private mutating func pattern(
        _ type: ElementType, seed: UInt64, scale: Float
    ) throws -> Tensor {
        let name = "\(type.rawValue) \(seed) \(scale)"
        if let pattern = patterns[name] { return pattern }
        let wide = Tensor(uninitialized: [patternLength])
        let values = wide.floats
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        for index in 0..<patternLength {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            values[index] = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31 * scale
        }
        let pattern = try backend.convert(wide, to: type)
        _ = try backend.operand(pattern)
        patterns[name] = pattern
        return pattern
    }
}
