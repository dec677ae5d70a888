import Glibc
import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// Conversions and functions over their whole range.
@Suite struct NumbersTests {
    private static let backends: [any KernelBackend] = [ReferenceBackend()] + processorBackends

    /// Every 16-bit pattern as a tensor.
    private func patterns(_ type: ElementType) -> Tensor {
        let tensor = Tensor(uninitialized: [65_536], type: type)
        let bits = tensor.bytes.assumingMemoryBound(to: UInt16.self)
        for index in 0..<65_536 { bits[index] = UInt16(index) }
        return tensor
    }

    /// The bits of a tensor of 16-bit numbers.
    private func bits(of tensor: Tensor) -> [UInt16] {
        let start = tensor.bytes.assumingMemoryBound(to: UInt16.self)
        return withExtendedLifetime(tensor) { (0..<tensor.count).map { start[$0] } }
    }

    @Test(
        "Every 16-bit number widens to its value and narrows back to its bits",
        arguments: [ElementType.bfloat16, .float16])
    func roundTrip(type: ElementType) throws {
        let stored = patterns(type)
        for backend in Self.backends {
            let wide = try backend.widen(stored)
            let back = bits(of: try backend.convert(wide, to: type))
            for index in 0..<65_536 {
                let value = stored.value(at: index)
                if value.isNaN {
                    guard wide.floats[index].isNaN,
                        back[index] & 0x7FFF > (type == .float16 ? 0x7C00 : 0x7F80)
                    else {
                        Issue.record("pattern \(index) on \(backend.name)")
                        return
                    }
                } else if wide.floats[index].bitPattern != value.bitPattern
                    || Int(back[index]) != index
                {
                    Issue.record("pattern \(index) on \(backend.name)")
                    return
                }
            }
        }
    }

    @Test(
        "Narrowing rounds to nearest even at every midpoint",
        arguments: [ElementType.bfloat16, .float16])
    func midpoints(type: ElementType) throws {
        let stored = patterns(type)
        let reference = ReferenceBackend()
        let wide = try reference.widen(stored)
        var values: [Float] = []
        for index in 0..<32_767 {
            let (low, high) = (Double(wide.floats[index]), Double(wide.floats[index + 1]))
            guard low.isFinite, high.isFinite else { continue }
            let middle = Float((low + high) / 2)
            values += [middle, middle.nextUp, middle.nextDown, -middle]
        }
        values += [65_519.99, 65_520, -65_520, 1e30, .greatestFiniteMagnitude, 0x1p-149, -0.0]
        let x = Tensor(values, shape: [values.count])
        let expected = bits(of: try reference.convert(x, to: type))
        for index in values.indices where index + 7 < values.count && index % 4 == 0 {
            #expect(expected[index] % 2 == 0)
        }
        for backend in processorBackends {
            let actual = bits(of: try backend.convert(x, to: type))
            let wrong = values.indices.first { actual[$0] != expected[$0] }
            #expect(wrong == nil, "level \(backend.level): \(wrong.map { values[$0] } ?? 0)")
        }
    }

    @Test(
        "Activation functions stay within 1e-6 of the exact value over their whole range",
        arguments: [ActivationFunction.relu, .gelu, .geluTanh, .silu])
    func functions(function: ActivationFunction) throws {
        var values = (-4000...4000).map { Float($0) / 200 }
        values += [0, -0.0, 1e-30, -1e-30, 88, -88, 104, -104, 1e10, -1e10, 3e38]
        for backend in processorBackends {
            let x = Tensor(values, shape: [values.count])
            try backend.activate(x, function)
            for (index, value) in values.enumerated() {
                let exact = function.exact(Double(value))
                let error = abs(Double(x.floats[index]) - exact)
                guard error <= 4e-7 * max(1, exact.magnitude) else {
                    Issue.record(
                        "\(function.rawValue)(\(value)) is \(x.floats[index]), not \(exact)")
                    return
                }
            }
        }
    }

    @Test(
        "A NaN passes through every function",
        arguments: [ActivationFunction.relu, .gelu, .geluTanh, .silu])
    func notANumber(function: ActivationFunction) throws {
        for backend in Self.backends {
            let x = Tensor([Float](repeating: .nan, count: 9), shape: [9])
            try backend.activate(x, function)
            #expect(x.values.allSatisfy { $0.isNaN })
        }
    }

    @Test("Sums of exponentials cope with huge, infinite and missing numbers")
    func extremes() throws {
        for backend in Self.backends {
            let rows: [[Float]] = [
                [1e4, 1e4], [-1e4, -.infinity], [-.infinity, -.infinity], [1, .infinity],
                [1, .nan],
                [.infinity, .nan], [.nan, .infinity],
            ]
            let sums = try backend.logSumExp(Tensor(rows.flatMap { $0 }, shape: [rows.count, 2]))
            #expect(abs(sums[0] - (1e4 + log(2.0))) < 1e-9)
            #expect(sums[1] == -1e4)
            #expect(sums[2] == -.infinity)
            #expect(sums[3] == .infinity)
            #expect(sums[4...].allSatisfy { $0.isNaN })
            let empty = try backend.logSumExp(Tensor(zeros: [1, 0]))
            #expect(empty == [-.infinity])
        }
    }

    @Test("A distribution has no divergence from itself, and a missing token none from anything")
    func divergence() throws {
        for backend in Self.backends {
            let clean = Tensor([1, 2, -.infinity, 3], shape: [1, 4])
            let changed = Tensor([1, 2, 5, 3], shape: [1, 4])
            let (p, q) = (try backend.logSumExp(clean), try backend.logSumExp(changed))
            let own = try backend.divergence(
                clean: clean, cleanLogSumExp: p, changed: clean, changedLogSumExp: p)[0]
            #expect(abs(own) < 1e-12)
            let value = try backend.divergence(
                clean: clean, cleanLogSumExp: p, changed: changed, changedLogSumExp: q)[0]
            #expect(abs(value - (q[0] - p[0])) < 1e-6)
        }
    }

    @Test("A small divergence is right to eight digits after the point")
    func smallDivergence() throws {
        var numbers = TestNumbers(seed: 11)
        let clean = numbers.tensor([1, 5000], scale: 8)
        let changed = Tensor(clean.values.map { $0 + numbers.unit() * 1e-3 }, shape: [1, 5000])
        let reference = ReferenceBackend()
        let (p, q) = (try reference.logSumExp(clean), try reference.logSumExp(changed))
        let expected = try reference.divergence(
            clean: clean, cleanLogSumExp: p, changed: changed, changedLogSumExp: q)[0]
        let (r, s) = (try CPUBackend().logSumExp(clean), try CPUBackend().logSumExp(changed))
        let actual = try CPUBackend().divergence(
            clean: clean, cleanLogSumExp: r, changed: changed, changedLogSumExp: s)[0]
        #expect(abs(actual - expected) <= 5e-9)
    }

    @Test("A row of norm 0 has cosine 0 with all, and a single row no neighbour")
    func cosines() throws {
        for backend in Self.backends {
            let matrix = MatrixView(Tensor([1, 0, 0, 0, -1, 0], shape: [3, 2]))
            let norms = try backend.norms(of: matrix)
            #expect(norms == [1, 0, 1])
            #expect(try backend.maximumCosines(of: 0..<3, in: matrix, norms: norms) == [0, 0, 0])
            let single = MatrixView(Tensor([1, 0], shape: [1, 2]))
            #expect(try backend.maximumCosines(of: 0..<1, in: single, norms: [1]) == [-.infinity])
        }
    }
}
