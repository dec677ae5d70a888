import CKernels
import COpenBLAS
import Tensors

/// One line of ``kernelBenchmark(_:report:)``.
public struct KernelMeasurement: Sendable, Codable, Equatable {
    /// What was measured, such as `encode`.
    public var operation: String
    /// Sizes and weight type, such as `1024 × 2304 × 16384 bfloat16`.
    public var shape: String
    /// Processor seconds of the fastest repetition.
    public var seconds: Double
    /// Work for each second, in ``unit``.
    public var rate: Double
    /// `GFLOP/s` or `GB/s`.
    public var unit: String
    /// The time of OpenBLAS for the product alone over our time; nil where there is no such
    /// product.
    public var shareOfOpenBLAS: Double?
    /// The rate over that of independent multiply-adds on one core; nil for bytes.
    public var shareOfPeak: Double?
}

/// How much ``kernelBenchmark(_:report:)`` measures.
public enum KernelBenchmarkSize: String, Sendable, CaseIterable {
    /// A second or two, small shapes.
    case quick
    /// About a minute: the shapes of a 2B-parameter model and of a 70M one.
    case full
}

/// Measures the operations that take the time of a run, on the calling thread, against what the
/// core can do.
///
/// Times are processor times of this thread, so that other work on the machine disturbs little. The
/// first line is the bound: independent fused multiply-adds and nothing else.
///
/// - Parameter report: called with each line as soon as it is known.
/// - Returns: all lines, in order.
public func kernelBenchmark(
    _ size: KernelBenchmarkSize = .full, report: @escaping (KernelMeasurement) -> Void = { _ in }
) throws -> [KernelMeasurement] {
    var run = BenchmarkRun(report: report)
    run.measurePeak()
    let isQuick = size == .quick
    let products: [BenchmarkRun.Product] =
        isQuick
        ? [.init(operation: "linear", rows: 256, inner: 256, outputs: 960, type: .float32)]
        : [
            .init(
                operation: "linear, encode's shape", rows: 256, inner: 2304, outputs: 16384,
                type: .float32),
            .init(
                operation: "linear, encode's shape", rows: 1024, inner: 2304, outputs: 16384,
                type: .bfloat16),
            .init(
                operation: "linear, feed-forward", rows: 1024, inner: 2304, outputs: 9216,
                type: .bfloat16),
            .init(
                operation: "linear, small model", rows: 1024, inner: 512, outputs: 2048,
                type: .float32),
            .init(
                operation: "linear, unembedding", rows: 1024, inner: 512, outputs: 50304,
                type: .float16),
        ]
    for product in products { try run.measure(product) }
    let encoders =
        isQuick
        ? [(256, 256, 1024, ElementType.float32)]
        : [
            (512, 512, 4096, .float32), (256, 2304, 16384, .float32), (512, 2304, 16384, .float32),
            (512, 2304, 16384, .bfloat16), (2048, 2304, 16384, .bfloat16),
        ]
    for (rows, model, latents, type) in encoders {
        try run.measureAutoencoder(rows: rows, model: model, latents: latents, type: type)
    }
    try run.measureAttention(batch: isQuick ? 1 : 8, positions: 128, heads: 8, headSize: 64)
    if !isQuick { try run.measureAttention(batch: 1, positions: 1024, heads: 8, headSize: 256) }
    try run.measureDistributions(rows: isQuick ? 8 : 256, vocabulary: 50304)
    try run.measureElements(count: isQuick ? 65_536 : 4_194_304)
    return run.measurements
}

/// The measurements of one call.
private struct BenchmarkRun {
    /// A product to measure.
    struct Product {
        var operation: String
        var rows: Int
        var inner: Int
        var outputs: Int
        var type: ElementType

        var sizes: String { "\(rows) × \(inner) × \(outputs)" }
        var description: String { "\(sizes) \(type.rawValue)" }
        var operations: Double { 2 * Double(rows) * Double(inner) * Double(outputs) }
    }

    private(set) var measurements: [KernelMeasurement] = []
    private let report: (KernelMeasurement) -> Void
    private let backend = CPUBackend()
    private var peak = 0.0
    private var state: UInt64 = 1

    init(report: @escaping (KernelMeasurement) -> Void) { self.report = report }

    /// Processor seconds of the fastest of a few repetitions; they stop after a second or so.
    private func fastest(_ body: () throws -> Void) rethrows -> Double {
        var (best, total) = (Double.infinity, 0.0)
        for repetition in 0..<7 where repetition < 3 || total < 1.5 {
            let start = ck_thread_seconds()
            try body()
            let seconds = ck_thread_seconds() - start
            (best, total) = (min(best, seconds), total + seconds)
        }
        return max(best, 1e-9)
    }

    private mutating func add(
        _ operation: String, _ shape: String, _ seconds: Double, operations: Double? = nil,
        bytes: Double = 0,
        openBLAS: Double? = nil
    ) {
        let line = KernelMeasurement(
            operation: operation, shape: shape, seconds: seconds,
            rate: (operations ?? bytes) / seconds / 1e9,
            unit: operations == nil ? "GB/s" : "GFLOP/s",
            shareOfOpenBLAS: openBLAS.map { $0 / seconds },
            shareOfPeak: operations.flatMap { peak > 0 ? $0 / seconds / peak : nil })
        measurements.append(line)
        report(line)
    }

    /// Repeatable numbers between -1 and 1.
    private mutating func numbers(_ shape: [Int]) -> Tensor {
        let tensor = Tensor(uninitialized: shape)
        let values = tensor.floats
        var state = state
        for index in 0..<tensor.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            values[index] = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
        self.state = state
        return tensor
    }
}

// MARK: - Bounds and products

extension BenchmarkRun {
    /// Independent chains of fused multiply-adds, as a line of its own.
    mutating func measurePeak() {
        let (seconds, work) = refreshPeak()
        let name = ["portable", "AVX2", "AVX-512"][Int(backend.level)]
        add("multiply-add peak", "one core, \(name)", seconds, operations: work)
    }

    /// Measures the peak at the clock of the moment: it moves by a tenth with what the neighbours
    /// do.
    @discardableResult private mutating func refreshPeak() -> (seconds: Double, work: Double) {
        var work = 0.0
        let seconds = fastest { work = ck_peak_work(backend.level, 2_000_000) }
        peak = work / seconds
        return (seconds, work)
    }

    /// Seconds of one `cblas_sgemm` on one thread.
    private func openBLASSeconds(_ x: Tensor, _ weight: Tensor, _ outputs: Int) -> Double {
        let result = Tensor(uninitialized: [x.rows, outputs])
        return fastest {
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans, Int32(x.rows), Int32(outputs),
                Int32(x.columns), 1,
                x.floats, Int32(x.columns), weight.floats, Int32(x.columns), 0, result.floats,
                Int32(outputs))
        }
    }

    /// A linear map as models have it, beside the same product of OpenBLAS.
    mutating func measure(_ product: Product) throws {
        let x = numbers([product.rows, product.inner])
        let weight = numbers([product.outputs, product.inner])
        let plain = openBLASSeconds(x, weight, product.outputs)
        refreshPeak()
        let core = String(cString: openblas_get_corename())
        add(
            "OpenBLAS (\(core)) sgemm", product.sizes + " float32", plain,
            operations: product.operations)
        let weights = LinearWeights(weight: try backend.convert(weight, to: product.type))
        let seconds = try fastest { _ = try backend.linear(x, weights) }
        add(
            product.operation, product.description, seconds, operations: product.operations,
            openBLAS: plain)
    }
}

// MARK: - Autoencoders, attention, distributions

extension BenchmarkRun {
    /// Encoding with jump relu and with top-k, and decoding of what comes out.
    mutating func measureAutoencoder(rows: Int, model: Int, latents: Int, type: ElementType) throws
    {
        let product = Product(
            operation: "encode", rows: rows, inner: model, outputs: latents, type: type)
        let x = numbers([rows, model])
        let matrix = numbers([latents, model])
        let plain = openBLASSeconds(x, matrix, latents)
        let zeros = [Float](repeating: 0, count: latents)
        // A product has variance model / 9; 2.5 deviations leave about 0.6 % of the latents.
        let threshold = [Float](repeating: 2.5 * (Float(model) / 9).squareRoot(), count: latents)
        let stored = try backend.convert(matrix, to: type)
        let activations: [(String, EncoderWeights.Activation)] = [
            ("encode, jump relu", .jumpReLU(bias: zeros, threshold: threshold)),
            ("encode, top 64", .topK(bias: zeros, k: 64, rankScale: nil)),
        ]
        var codes = SparseCodes(latents: latents)
        for (name, activation) in activations {
            let encoder = EncoderWeights(matrix: stored, isTransposed: true, activation: activation)
            refreshPeak()
            let seconds = try fastest { codes = try backend.encode(x, encoder) }
            add(name, product.description, seconds, operations: product.operations, openBLAS: plain)
        }
        let decoder = DecoderWeights(matrix: stored, bias: [Float](repeating: 0, count: model))
        let seconds = try fastest { _ = try backend.decode(codes, decoder) }
        let bytes = Double(codes.indices.count * model * type.byteCount)
        add(
            "decode, \(codes.indices.count / rows) latents a row", product.description, seconds,
            bytes: bytes)
    }

    /// Causal attention; only the visible half of the products is counted.
    mutating func measureAttention(batch: Int, positions: Int, heads: Int, headSize: Int) throws {
        let shape = AttentionShape(
            batch: batch, positions: positions, heads: heads, keyHeads: heads, headSize: headSize,
            scale: 0.125)
        let (q, k) = (
            numbers([batch * positions, heads * headSize]),
            numbers([batch * positions, heads * headSize])
        )
        refreshPeak()
        let seconds = try fastest {
            _ = try backend.attention(queries: q, keys: k, values: k, shape)
        }
        let operations = 2 * Double(batch * heads * headSize) * Double(positions * (positions + 1))
        add(
            "attention", "\(batch) × \(positions) × \(heads) × \(headSize)", seconds,
            operations: operations)
    }

    /// The reductions over the vocabulary.
    mutating func measureDistributions(rows: Int, vocabulary: Int) throws {
        let (clean, changed) = (numbers([rows, vocabulary]), numbers([rows, vocabulary]))
        var sums: [Double] = []
        let shape = "\(rows) × \(vocabulary)"
        let seconds = try fastest { sums = try backend.logSumExp(clean) }
        add("log-sum-exp", shape, seconds, bytes: Double(clean.byteCount))
        let other = try backend.logSumExp(changed)
        let both = try fastest {
            _ = try backend.divergence(
                clean: clean, cleanLogSumExp: sums, changed: changed, changedLogSumExp: other)
        }
        add("divergence", shape, both, bytes: Double(2 * clean.byteCount))
    }

    /// The maps over elements.
    mutating func measureElements(count: Int) throws {
        let x = numbers([count])
        for function in [ActivationFunction.gelu, .geluTanh, .silu] {
            let seconds = try fastest { try backend.activate(x, function) }
            add("\(function.rawValue)", "\(count)", seconds, bytes: Double(2 * x.byteCount))
        }
        for type in [ElementType.bfloat16, .float16] {
            let stored = try backend.convert(x, to: type)
            let seconds = try fastest { _ = try backend.widen(stored) }
            add(
                "widen \(type.rawValue)", "\(count)", seconds,
                bytes: Double(x.byteCount + stored.byteCount))
        }
    }
}
