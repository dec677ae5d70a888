import Testing

@testable import Kernels

/// The benchmark behind `saeval bench`.
@Suite struct BenchmarkTests {
    @Test(
        "The quick benchmark reports the peak first and then every operation with a positive rate")
    func quick() throws {
        var reported = 0
        let lines = try kernelBenchmark(.quick) { _ in reported += 1 }
        #expect(lines.first?.operation == "multiply-add peak")
        #expect(lines.count == reported && lines.count > 8)
        #expect(lines.allSatisfy { $0.seconds > 0 && $0.rate.isFinite })
    }
}
