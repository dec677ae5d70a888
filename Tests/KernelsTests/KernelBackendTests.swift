import Basics
import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// What holds for every backend.
@Suite struct KernelBackendTests {
    @Test(
        "Every operation agrees with the reference at every level within its tolerance",
        arguments: Operation.walk)
    func agreement(operation: Operation, shape: WalkShape) throws {
        let expected = try operation.run(on: ReferenceBackend(), shape)
        var first: Outcome?
        for backend in processorBackends {
            let actual = try operation.run(on: backend, shape)
            let difference = actual.firstDifference(from: expected, tolerance: operation.tolerance)
            #expect(difference == nil, "level \(backend.level)")
            let other = first ?? actual
            #expect(actual.numbers.count == other.numbers.count)
            #expect(
                zip(actual.numbers, other.numbers).allSatisfy {
                    $0 == $1 || ($0.isNaN && $1.isNaN)
                },
                "level \(backend.level) gives other bits than level 0")
            first = other
        }
    }

    @Test(
        "A row gives the same bits in any batch and at any place of it",
        arguments: [0, 3, 255, 256, 600])
    func batchIndependence(row: Int) throws {
        var numbers = TestNumbers(seed: 5)
        let x = numbers.tensor([601, 70])
        let weight = numbers.tensor([70, 131])
        let encoder = EncoderWeights(
            matrix: weight,
            activation: .topK(bias: [Float](repeating: 0, count: 131), k: 9, rankScale: nil))
        let decoder = DecoderWeights(
            matrix: numbers.tensor([131, 70]), bias: [Float](repeating: 0.5, count: 70))
        let backend = CPUBackend()
        let linear = LinearWeights(weight: weight, layout: .inputsByOutputs)
        let together = try backend.linear(x, linear).rows(row..<row + 1)
        let alone = try backend.linear(x.rows(row..<row + 1), linear)
        #expect(together.bits == alone.bits)
        let codes = try backend.encode(x, encoder)
        let code = try backend.encode(x.rows(row..<row + 1), encoder)
        let range = codes.rowStarts[row]..<codes.rowStarts[row + 1]
        #expect(Array(codes.indices[range]) == code.indices)
        #expect(Array(codes.values[range]) == code.values)
        #expect(
            try backend.decode(codes, decoder).rows(row..<row + 1).bits
                == backend.decode(code, decoder).bits)
    }

    @Test("A dense row decodes to the same bits alone and beside sparse rows")
    func decodingPaths() throws {
        var numbers = TestNumbers(seed: 6)
        let x = numbers.tensor([64, 20])
        let bias = (0..<400).map { _ in numbers.unit() * 12 - 3 }
        let encoder = EncoderWeights(
            matrix: numbers.tensor([20, 400]), activation: .relu(bias: bias))
        let backend = CPUBackend()
        let decoder = DecoderWeights(
            matrix: numbers.tensor([400, 20]), bias: numbers.exactList(20))
        let together = try backend.decode(try backend.encode(x, encoder), decoder)
        for row in 0..<64 {
            let code = try backend.encode(x.rows(row..<row + 1), encoder)
            #expect(try backend.decode(code, decoder).bits == together.rows(row..<row + 1).bits)
        }
    }

    @Test(
        "An attention row depends on the positions before it alone", arguments: [1, 64, 129, 200])
    func causality(positions: Int) throws {
        var numbers = TestNumbers(seed: 7)
        let (q, k, v) = (
            numbers.tensor([300, 32]), numbers.tensor([300, 32]), numbers.tensor([300, 32])
        )
        let backend = CPUBackend()
        let run = { (count: Int) in
            try backend.attention(
                queries: q.rows(0..<count), keys: k.rows(0..<count), values: v.rows(0..<count),
                AttentionShape(
                    batch: 1, positions: count, heads: 2, keyHeads: 2, headSize: 16, scale: 0.25))
        }
        #expect(try run(300).rows(0..<positions).bits == run(positions).bits)
    }

    @Test("Four threads at once give the bits of one")
    func threads() async throws {
        let shape = WalkShape(rows: 300, inner: 130, outer: 1001, type: .bfloat16)
        let operations: [Operation] = [.linear, .encodeReLU, .decode, .attention]
        for operation in operations {
            let expected = try operation.run(on: CPUBackend(), shape).numbers
            let agree = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask { try operation.run(on: CPUBackend(), shape).numbers == expected }
                }
                return try await group.reduce(true) { $0 && $1 }
            }
            #expect(agree, "\(operation)")
        }
    }

    @Test("A token outside the vocabulary is an error that names it", arguments: [Int32(-1), 4])
    func tokens(token: Int32) throws {
        let table = Tensor(zeros: [4, 3])
        let error = #expect(throws: KernelError.self) {
            try CPUBackend().embedding([0, token], table: table, scale: 1)
        }
        #expect(error?.code == .tokenOutOfRange)
        #expect(error?.message.contains("\(token)") == true)
    }

    @Test("Arguments whose shapes do not fit are refused by both backends")
    func shapes() throws {
        let x = Tensor(zeros: [2, 3])
        let wrong = LinearWeights(weight: Tensor(zeros: [5, 4]))
        #expect(throws: KernelError.self) { try CPUBackend().linear(x, wrong) }
        #expect(throws: KernelError.self) { try ReferenceBackend().linear(x, wrong) }
        let decoder = DecoderWeights(matrix: Tensor(zeros: [4, 3]), bias: [0, 0, 0])
        let outside = SparseCodes(latents: 4, rowStarts: [0, 1], indices: [4], values: [1])
        #expect(throws: KernelError.self) { try CPUBackend().decode(outside, decoder) }
        let unordered = SparseCodes(latents: 4, rowStarts: [0, 2, 1], indices: [1], values: [1])
        #expect(throws: KernelError.self) { try CPUBackend().decode(unordered, decoder) }
    }
}
