import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// Encoders of some latents alone.
@Suite struct EncoderSelectionTests {
    private static let backends: [any KernelBackend] = [ReferenceBackend()] + processorBackends

    /// Activations of every kind whose latents are decided on their own.
    private static func activations(_ latents: Int) -> [EncoderWeights.Activation] {
        var numbers = TestNumbers(seed: 4)
        func vector(_ scale: Float, plus: Float = 0) -> [Float] {
            (0..<latents).map { _ in numbers.unit() * scale + plus }
        }
        return [
            .relu(bias: vector(0.3)), .jumpReLU(bias: vector(0.3), threshold: vector(0.5, plus: 1)),
            .gated(
                gateBias: vector(0.3), magnitudeScale: vector(0.2, plus: 1),
                magnitudeBias: vector(0.4)),
        ]
    }

    /// The codes of a row by latent, their values as bits.
    private static func row(_ codes: SparseCodes, _ row: Int, _ latents: [Int]) -> [Int: UInt32] {
        Dictionary(
            uniqueKeysWithValues: (codes.rowStarts[row]..<codes.rowStarts[row + 1]).map {
                (latents[Int(codes.indices[$0])], codes.values[$0].bitPattern)
            })
    }

    @Test(
        "Some latents alone have the bits that they have among all",
        arguments: [false, true], [ElementType.float32, .bfloat16, .float16])
    func bits(isTransposed: Bool, type: ElementType) throws {
        let (inner, all) = (301, 1013)
        var numbers = TestNumbers(seed: 9)
        let matrix = numbers.tensor(isTransposed ? [all, inner] : [inner, all], scale: 0.2)
        let x = numbers.tensor([9, inner])
        let selections = [
            Array(0..<all), [0], [1012], Array(500..<1000), Array(3..<52),
            Array(stride(from: 1, to: all, by: 7)), [5, 6, 7, 100, 960, 961],
        ]
        for activation in Self.activations(all) {
            let encoder = EncoderWeights(
                matrix: matrix.stored(as: type), isTransposed: isTransposed,
                inputBias: (0..<inner).map { _ in numbers.unit() * 0.1 }, activation: activation,
                latentScale: (0..<all).map { _ in numbers.unit() + 2 })
            for backend in Self.backends {
                let whole = try backend.encode(x, encoder)
                for latents in selections {
                    let some = try #require(encoder.selecting(latents))
                    #expect(some.latents == latents.count)
                    let codes = try backend.encode(x, some)
                    for place in 0..<x.rows {
                        let expected = Self.row(whole, place, Array(0..<all)).filter {
                            latents.contains($0.key)
                        }
                        #expect(Self.row(codes, place, latents) == expected, "\(backend.name)")
                    }
                }
                #expect(whole.values.count > 100)
            }
        }
    }

    @Test("Latents that compete are not chosen from")
    func topK() {
        let encoder = EncoderWeights(
            matrix: Tensor(zeros: [2, 3]), activation: .topK(bias: [0, 0, 0], k: 1, rankScale: nil))
        #expect(encoder.selecting([0, 1]) == nil)
    }

    @Test("Latents side by side in a transposed matrix share its memory")
    func shared() throws {
        let encoder = EncoderWeights(
            matrix: Tensor(zeros: [5, 2]), isTransposed: true,
            activation: .relu(bias: [0, 1, 2, 3, 4]))
        let some = try #require(encoder.selecting([2, 3]))
        #expect(some.matrix.buffer === encoder.matrix.buffer)
        #expect(some.matrix.bytes == encoder.matrix.bytes + 16)
        let apart = try #require(encoder.selecting([1, 3]))
        #expect(apart.matrix.buffer !== encoder.matrix.buffer)
    }
}
