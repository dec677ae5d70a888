import Basics
import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// Encoding and decoding: ties, bad numbers and the published test vectors.
@Suite struct EncodeTests {
    private static let backends: [any KernelBackend] = [ReferenceBackend()] + processorBackends

    /// An encoder whose products are the input itself.
    private func identity(_ size: Int, _ activation: EncoderWeights.Activation) -> EncoderWeights {
        var values = [Float](repeating: 0, count: size * size)
        for index in 0..<size { values[index * size + index] = 1 }
        return EncoderWeights(matrix: Tensor(values, shape: [size, size]), activation: activation)
    }

    @Test("Among equal values top-k keeps the lowest latents", arguments: [1, 2, 3, 64, 65, 999])
    func ties(k: Int) throws {
        let size = 1000
        let x = Tensor((0..<size).map { $0 == 500 ? 3 : 2 }, shape: [1, size])
        let encoder = identity(
            size, .topK(bias: [Float](repeating: 0, count: size), k: k, rankScale: nil))
        let expected = (Array(0..<k - 1).filter { $0 != 500 } + [500] + (k > 501 ? [k - 1] : []))
            .sorted()
        for backend in Self.backends {
            #expect(
                try backend.encode(x, encoder).indices.map(Int.init) == expected, "\(backend.name)")
        }
    }

    @Test("Top-k drops what is not positive and copes with a k above the number of latents")
    func fewPositive() throws {
        let x = Tensor([-1, 2, 0, 0.5], shape: [1, 4])
        let encoder = identity(4, .topK(bias: [0, 0, 0, 0], k: 9, rankScale: nil))
        for backend in Self.backends {
            let codes = try backend.encode(x, encoder)
            #expect(codes.indices == [1, 3])
            #expect(codes.values == [2, 0.5])
        }
    }

    @Test("The ranked value of top-k is the kept one and the latent scale comes on top")
    func ranked() throws {
        let x = Tensor([4, 3, 1], shape: [1, 3])
        var encoder = identity(3, .topK(bias: [0, 0, 0], k: 1, rankScale: [1, 2, 1]))
        encoder.latentScale = [1, 0.5, 1]
        for backend in Self.backends {
            let codes = try backend.encode(x, encoder)
            #expect(codes.indices == [1])
            #expect(codes.values == [3])
        }
    }

    @Test("Top-k keeps no latent whose scale makes it 0, and none in its place")
    func scaledToZero() throws {
        let x = Tensor([4, 3, 1], shape: [1, 3])
        var encoder = identity(3, .topK(bias: [0, 0, 0], k: 2, rankScale: nil))
        encoder.latentScale = [0, 1, 1]
        for backend in Self.backends {
            let codes = try backend.encode(x, encoder)
            #expect(codes.indices == [1])
            #expect(codes.values == [3])
            #expect(codes.rowStarts == [0, 1])
        }
    }

    @Test(
        "A pre-activation that is not finite is an error that names row and latent",
        arguments: [Float.nan, .infinity], 0..<4)
    func notFinite(value: Float, kind: Int) throws {
        let size = 11
        let vector = [Float](repeating: 1, count: size)
        let activations: [EncoderWeights.Activation] = [
            .relu(bias: vector), .topK(bias: vector, k: 2, rankScale: nil),
            .jumpReLU(bias: vector, threshold: vector),
            .gated(gateBias: vector, magnitudeScale: vector, magnitudeBias: vector),
        ]
        let encoder = EncoderWeights(
            matrix: Tensor(vector, shape: [1, size]), activation: activations[kind])
        let x = Tensor([1, value], shape: [2, 1])
        for backend in Self.backends {
            let error = #expect(throws: KernelError.self) { try backend.encode(x, encoder) }
            #expect(error?.code == .notFinite)
            #expect(error?.message.contains("latent 0 at row 1") == true)
        }
    }

    @Test("A latent with a bias of minus infinity is off")
    func switchedOff() throws {
        let encoder = identity(2, .relu(bias: [-.infinity, 0]))
        for backend in Self.backends {
            #expect(try backend.encode(Tensor([5, 6], shape: [1, 2]), encoder).indices == [1])
        }
    }

    /// The dictionary of the published test vectors: rows of sines, normalised.
    private static let dictionary: [Float] = (0..<8).flatMap { latent in
        let row = (0..<4).map { sine(1 + 0.5 * Double(latent) + 0.9 * Double($0)) }
        let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { Float($0 / norm) }
    }

    @Test("The published values of every architecture come out", arguments: PublishedVector.all)
    func published(vector: PublishedVector) throws {
        let matrix = Tensor(Self.dictionary, shape: [8, 4])
        let x = Tensor([0.5, -1, 2, 0.25, 1.5, 0.2, -0.3, -0.7], shape: [2, 4])
        let bias: [Float] = [0.1, -0.2, 0.3, 0]
        let encoder = EncoderWeights(
            matrix: matrix, isTransposed: true, inputBias: vector.subtractsBias ? bias : nil,
            activation: vector.activation)
        for backend in Self.backends {
            let codes = try backend.encode(x, encoder)
            let dense = Outcome(codes).numbers
            #expect(zip(dense, vector.codes).allSatisfy { abs($0 - $1) < 2e-5 }, "\(dense)")
            let decoded = try backend.decode(codes, DecoderWeights(matrix: matrix, bias: bias))
                .values
            #expect(
                zip(decoded, vector.decoded).allSatisfy { abs(Double($0) - $1) < 2e-5 },
                "\(decoded)")
        }
    }
}
