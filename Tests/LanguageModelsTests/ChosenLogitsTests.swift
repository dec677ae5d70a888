import Kernels
import Synchronization
import Tensors
import Testing

@testable import LanguageModels

@Suite("Logits of chosen tokens")
struct ChosenLogitsTests {
    /// In an order of their own, one of them twice.
    private static let chosen = [23, 0, 11, 5, 11]

    @Test(
        "They are those of the whole pass", arguments: fixtureNames, TestBackend.allCases)
    func equal(name: String, backend: TestBackend) throws {
        let fixture = try Fixture(name, backend)
        let all = try fixture.logits()
        let some = try #require(
            try fixture.model.run(fixture.pass(to: .logitsAt(Self.chosen))).logits)
        #expect(some.shape == [5, fixture.model.description.vocabulary])
        for (row, token) in Self.chosen.enumerated() {
            let (found, expected) = (some.rows(row..<row + 1), all.rows(token..<token + 1))
            if backend == .emulatedGPU {
                #expect(difference(found, expected) <= 1e-6 * all.largest)
            } else {
                #expect(found.content == expected.content)
            }
        }
    }

    @Test("No other token is unembedded")
    func work() throws {
        let architecture = Counting()
        let model = Transformer(architecture: architecture)
        for (end, rows) in [
            (ForwardPass.End.logits, 6), (.logitsAt([5, 2]), 2), (.logitsAt([]), 0),
        ] {
            let pass = ForwardPass(
                start: .tokens([1, 0, 2, 2, 1, 0]), end: end, batch: 2, positions: 3)
            #expect(try model.run(pass).logits?.shape == [rows, 3])
            #expect(architecture.rows.withLock { $0 } == rows)
        }
    }

    @Test("A token outside the pass is refused", arguments: [-1, 24])
    func outside(token: Int) throws {
        let fixture = try Fixture("llama")
        let error = #expect(throws: LanguageModelError.self) {
            try fixture.model.run(fixture.pass(to: .logitsAt([0, token])))
        }
        #expect(error?.code == .wrongShape)
        #expect(error?.message.contains("token \(token)") == true)
    }
}

/// A model of one block that does nothing; it keeps how many tokens were last unembedded.
private final class Counting: TransformerArchitecture {
    let description = ModelDescription(
        architecture: "counting", layers: 1, modelSize: 3, vocabulary: 3, heads: 1, contextSize: 8,
        blockParameters: 0, embeddingParameters: 9)
    let backend: any KernelBackend = ReferenceBackend()
    let rows = Mutex(0)

    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor {
        Tensor(zeros: [tokens.count, 3])
    }

    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor? { x }

    func unembed(_ x: Tensor) throws -> Tensor {
        rows.withLock { $0 = x.rows }
        return x
    }
}
