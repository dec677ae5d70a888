import EmulatedGPU
import Tensors
import Testing

@testable import Kernels

/// The benchmark behind `saeval bench --device cuda`, on an emulated GPU.
@Suite(.enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
struct GPUBenchmarkTests {
    /// What must be there, each at least once.
    static let operations = [
        "product", "copy", "add", "100 launches", "host to device", "device to host",
        "encode, jump relu", "encode, jump relu, and codes to the host", "encode, top 8",
        "encode, relu", "decode, jump relu", "decode, top 8", "attention", "log-sum-exp",
        "divergence", "soft cap", "rms norm", "layer norm", "rotate", "gate",
    ]

    /// A device of its own: what other tests do on theirs is not recorded.
    private static func backend() throws -> CUDABackend {
        CUDABackend(try CUDADevice(index: 0, in: EmulatedGPU.searchPath()))
    }

    @Test("The quick benchmark measures every operation beside its bound, the bounds first")
    func quick() throws {
        var reported = 0
        let lines = try gpuBenchmark(.quick, on: try Self.backend()) { _ in reported += 1 }
        #expect(lines.count == reported)
        #expect(lines.prefix(3).allSatisfy { $0.operation == "product" && $0.bound == nil })
        for operation in Self.operations {
            #expect(lines.contains { $0.operation == operation }, "\(operation) is missing")
        }
        for line in lines {
            #expect(line.timing.fastest > 0 && line.timing.median >= line.timing.fastest)
            #expect(line.rate > 0 && line.rate.isFinite, "\(line)")
            #expect(line.share.map { $0 > 0 && $0.isFinite } ?? (line.bound == nil), "\(line)")
        }
        #expect(lines.filter { $0.goal == 0.8 }.count == 6)
        #expect(lines.filter { $0.goal == 0.7 }.count == 4)
    }

    @Test("Only the parts that are asked for are measured, and bounds")
    func some() throws {
        var benchmark = GPUBenchmark(try Self.backend(), .quick) { _ in }
        benchmark.only = "attention, 1"
        benchmark.measureOperations()
        #expect(benchmark.measurements.last?.operation == "attention")
        #expect(benchmark.measurements.filter { $0.operation == "attention" }.count == 1)
        #expect(!benchmark.measurements.contains { $0.operation == "gate" })
    }

    @Test("A part that fails is told and the next is measured")
    func failing() throws {
        var benchmark = GPUBenchmark(try Self.backend(), .quick) { _ in }
        benchmark.part("broken") { _ in throw KernelError(.unsupported, "no") }
        benchmark.part("whole") {
            _ = try $0.measure(.init(rows: 2, inner: 3, columns: 4, type: .float32))
        }
        #expect(benchmark.failures.map(\.part) == ["broken"])
        #expect(benchmark.measurements.count == 1)
    }

    @Test("The work of a call is its kernels by name, and nothing is recorded afterwards")
    func work() throws {
        let backend = try Self.backend()
        let x = Tensor([Float](repeating: 1, count: 8), shape: [2, 4])
        let weights = LinearWeights(
            weight: Tensor([Float](repeating: 2, count: 12), shape: [3, 4]))
        let work = try backend.device.work {
            for _ in 0..<2 { _ = try backend.linear(x, weights) }
            try backend.add(x, x)
        }
        #expect(Set(work.map(\.name)) == [DeviceWork.product, "add"])
        #expect(work.first { $0.name == DeviceWork.product }?.count == 2)
        #expect(work.allSatisfy { $0.seconds > 0 })
        try backend.add(x, x)
        #expect(try backend.device.work {}.isEmpty)
    }

    @Test("Random tensors differ from each other and are within their scale")
    func numbers() throws {
        var benchmark = GPUBenchmark(try Self.backend(), .quick) { _ in }
        let first = try benchmark.numbers([3, 7001], scale: 0.5)
        let second = try benchmark.numbers([3, 7001], scale: 0.5)
        #expect(first.values != second.values)
        #expect(first.values.allSatisfy { abs($0) <= 0.5 })
        #expect(first.rows(0..<1).values != first.rows(2..<3).values)
        let mean = first.values.reduce(0, +) / Float(first.count)
        #expect(abs(mean) < 0.02)
    }
}
