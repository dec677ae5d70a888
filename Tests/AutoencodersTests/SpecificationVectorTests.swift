import Basics
import Formats
import Glibc
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The numbers of section 13.2 of the specification of formats, which dictionary_learning computed.
struct SpecificationVectorTests {
    /// One class with what it computes.
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var architecture: String
        var subtracting = true
        var more: [JSONMember] = []
        var latents: [Float]
        var decoded: [Float]
    }

    private static let size = (model: 4, latents: 8)
    private static let encoderBias = (0..<8).map { 0.05 * Float($0 - 3) }

    static let vectors = [
        Vector(
            testDescription: "AutoEncoder", architecture: "standard",
            latents: [0, 0, 0, 0, 0, 0, 0.0017, 0.50742]
                + [1.07187, 1.48597, 1.57087, 1.33182, 0.72718, 0, 0, 0],
            decoded: [-0.23665, -0.4666, 0.3052, 0.27307, 3.31448, 0.82716, -1.63749, -3.43589]),
        Vector(
            testDescription: "AutoEncoderNew", architecture: "standard", subtracting: false,
            latents: [0, 0, 0, 0, 0, 0, 0, 0.54928]
                + [1.0686, 1.43069, 1.47739, 1.21716, 0.61713, 0, 0, 0],
            decoded: [-0.26341, -0.48729, 0.30625, 0.29506, 3.15947, 0.86221, -1.43891, -3.22406]),
        Vector(
            testDescription: "Gated", architecture: "gated",
            latents: [0, 0, 0, 0, 0, 0, 0, 0.10742]
                + [1.25559, 1.68597, 1.84134, 1.20508, 0.62718, 0, 0, 0],
            decoded: [0.02893, -0.25618, 0.30122, 0.0577, 3.65736, 1.1577, -1.56944, -3.68182]),
        Vector(
            testDescription: "JumpReLU", architecture: "jumprelu", subtracting: false,
            latents: [0, 0, 0, 0, 0, 0, 0, 0] + [1.0686, 1.43069, 1.47739, 1.21716, 0, 0, 0, 0],
            decoded: [0.1, -0.2, 0.3, 0, 3.09435, 1.17958, -0.97923, -2.96994]),
        Vector(
            testDescription: "TopK", architecture: "topk",
            more: [JSONMember(key: "k", value: .integer(2))],
            latents: [0, 0, 0, 0, 0, 0, 0.0017, 0.50742] + [0, 1.48597, 1.57087, 0, 0, 0, 0, 0],
            decoded: [-0.23665, -0.4666, 0.3052, 0.27307, 2.04182, 0.72137, -0.49636, -1.91141]),
        Vector(
            testDescription: "BatchTopK", architecture: "batchtopk",
            more: [JSONMember(key: "rescale_acts_by_decoder_norm", value: .bool(false))],
            latents: [0, 0, 0, 0, 0, 0, 0, 0] + [1.07187, 1.48597, 1.57087, 1.33182, 0, 0, 0, 0],
            decoded: [0.1, -0.2, 0.3, 0, 3.23775, 1.20113, -1.09583, -3.13646]),
    ]

    @Test("The published vectors come out", arguments: vectors, [false, true])
    func published(_ vector: Vector, folding: Bool) throws {
        let folder = try TemporaryFolder()
        let written = configuration(
            vector.architecture, modelSize: 4, latents: 8, subtracting: vector.subtracting,
            more: vector.more)
        try folder.write(written.text(), to: "sae/cfg.json")
        try writeSafetensors(
            Self.tensors(vector.architecture), to: "\(folder.path)/sae/sae_weights.safetensors")
        let autoencoder = try load("\(folder.path)/sae", folding: folding)

        let x = Tensor([0.5, -1, 2, 0.25, 1.5, 0.2, -0.3, -0.7], shape: [2, 4])
        let backend = ReferenceBackend()
        let codes = try autoencoder.encode(x, on: backend)
        let decoded = try autoencoder.decode(codes, of: x, on: backend)
        for (value, expected) in zip(dense(codes), vector.latents) {
            #expect(abs(value - expected) <= 2e-5)
        }
        for (value, expected) in zip(decoded.values, vector.decoded) {
            #expect(abs(value - expected) <= 2e-5)
        }
    }

    private static func tensors(_ architecture: String) -> [(name: String, tensor: Tensor)] {
        var decoder = [Float]()
        var encoder = [Float](repeating: 0, count: 32)
        for latent in 0..<8 {
            let row = (0..<4).map { sin(1 + 0.5 * Double(latent) + 0.9 * Double($0)) }
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (column, value) in row.enumerated() {
                decoder.append(Float(value / norm))
                encoder[column * 8 + latent] = Float(value / norm)
            }
        }
        var tensors = [
            (name: "W_enc", tensor: Tensor(encoder, shape: [4, 8])),
            (name: "W_dec", tensor: Tensor(decoder, shape: [8, 4])),
            (name: "b_dec", tensor: Tensor([0.1, -0.2, 0.3, 0], shape: [4])),
        ]
        if architecture == "gated" {
            tensors.append(("b_gate", Tensor(encoderBias, shape: [8])))
            tensors.append(("b_mag", Tensor(encoderBias.map { -$0 }, shape: [8])))
            tensors.append(("r_mag", Tensor((0..<8).map { 0.1 * Float($0 % 3 - 1) }, shape: [8])))
        } else {
            tensors.append(("b_enc", Tensor(encoderBias, shape: [8])))
        }
        if architecture == "jumprelu" {
            tensors.append(("threshold", Tensor((0..<8).map { 0.4 + 0.2 * Float($0) }, shape: [8])))
        }
        if architecture == "batchtopk" {
            tensors.append(("topk_threshold", Tensor([0.9], shape: [])))
        }
        return tensors
    }
}
