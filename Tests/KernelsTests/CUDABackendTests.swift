import EmulatedGPU
import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// What holds for the backend of GPUs, on an emulated one and on a real one where there is one.
@Suite(.enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
struct CUDABackendTests {
    /// The emulated GPU, and the real one.
    private static func backends() throws -> [CUDABackend] {
        [try EmulatedGPU.backend.get()] + (realGPU.map { [$0] } ?? [])
    }

    @Test(
        "Every operation agrees with the reference on a GPU",
        arguments: Operation.walk)
    func agreement(operation: Operation, shape: WalkShape) throws {
        let expected = try operation.run(on: ReferenceBackend(), shape)
        for backend in try Self.backends() {
            let actual = try operation.run(on: backend, shape)
            let difference = actual.firstDifference(
                from: expected, tolerance: operation.tolerance(onGPU: shape.type))
            #expect(difference == nil, "\(backend.device.name)")
            let again = try operation.run(on: backend, shape)
            #expect(
                actual.hasSameBits(as: again),
                "\(backend.device.name) gives other bits the second time")
        }
    }

    @Test("A tensor comes back from the GPU as it went there, and changes on either side are seen")
    func residence() throws {
        for backend in try Self.backends() {
            var numbers = TestNumbers(seed: 3)
            let x = numbers.tensor([33, 7])
            let expected = x.values
            let y = Tensor(zeros: [33, 7])
            try backend.add(y, x)
            #expect(y.values == expected)
            // Reading leaves the GPU's bytes good, writing makes the host's the only ones.
            y.floats[5] = 100
            try backend.add(y, x)
            #expect(y.values[5] == 100 + expected[5])
            #expect(y.values[6] == 2 * expected[6])
            #expect(x.values == expected)
            let part = y.rows(20..<33)
            try backend.add(part, x.rows(20..<33))
            #expect(y.values[6] == 2 * expected[6])
            #expect(y.values[20 * 7] == 3 * expected[20 * 7])
        }
    }

    @Test("Rounded activations are made anew after their tensor changed")
    func companions() throws {
        for backend in try Self.backends() {
            var numbers = TestNumbers(seed: 4)
            let x = numbers.exact([9, 16])
            let weights = LinearWeights(weight: numbers.exact([5, 16]).stored(as: .bfloat16))
            let once = try backend.linear(x, weights).values
            try backend.add(x, Tensor(x.values, shape: x.shape))
            #expect(try backend.linear(x, weights).values == once.map { 2 * $0 })
            x.floats.update(repeating: 0, count: x.count)
            #expect(try backend.linear(x, weights).values.allSatisfy { $0 == 0 })
        }
    }

    @Test("Codes that were changed on the host are decoded as they are there")
    func changedCodes() throws {
        for backend in try Self.backends() {
            var numbers = TestNumbers(seed: 8)
            let encoder = EncoderWeights(
                matrix: numbers.exact([6, 200]),
                activation: .topK(bias: numbers.exactList(200), k: 3, rankScale: nil))
            let decoder = DecoderWeights(
                matrix: numbers.exact([200, 6]), bias: numbers.exactList(6))
            var codes = try backend.encode(numbers.exact([8, 6]), encoder)
            #expect(codes.onDevice != nil)
            for entry in codes.values.indices { codes.values[entry] *= 2 }
            #expect(codes.onDevice == nil)
            let expected = try ReferenceBackend().decode(codes, decoder)
            #expect(try backend.decode(codes, decoder).values == expected.values)
        }
    }

    @Test("A pre-activation that is not finite is an error that names row and latent")
    func notFinite() throws {
        for backend in try Self.backends() {
            let x = Tensor(zeros: [40, 3])
            x.floats[3 * 31 + 1] = .nan
            let matrix = Tensor([Float](repeating: 1, count: 3 * 70), shape: [3, 70])
            let encoder = EncoderWeights(
                matrix: matrix, activation: .relu(bias: [Float](repeating: 0, count: 70)))
            let error = #expect(throws: KernelError.self) { try backend.encode(x, encoder) }
            #expect(error?.code == .notFinite)
            #expect(error?.message.contains("latent 0 at row 31") == true)
        }
    }

    @Test("Many threads at once give the results of one")
    func threads() async throws {
        let shape = WalkShape(rows: 257, inner: 64, outer: 300, type: .bfloat16)
        for backend in try Self.backends() {
            for operation in [Operation.linear, .encodeTopK, .decode, .attention, .logSumExp] {
                let expected = try operation.run(on: backend, shape)
                let agree = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<6 {
                        group.addTask {
                            try operation.run(on: backend, shape).hasSameBits(as: expected)
                        }
                    }
                    return try await group.reduce(true) { $0 && $1 }
                }
                #expect(agree, "\(operation)")
            }
        }
    }
}

/// A real GPU, if this machine has one.
private let realGPU: CUDABackend? = try? CUDABackend()
