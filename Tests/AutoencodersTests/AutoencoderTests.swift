import Basics
import Foundation
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// An autoencoder as a user would write one: the four requirements and no more.
private struct Identity: Autoencoder {
    let description = AutoencoderDescription(
        architecture: "identity", modelSize: 3, latents: 3, hookName: "blocks.0.hook_resid_post",
        id: "mine")
    let decoderMatrix = MatrixView(Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3]))

    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        let encoder = EncoderWeights(
            matrix: decoderMatrix.tensor, activation: .relu(bias: [0, 0, 0]))
        return try backend.encode(x, encoder)
    }

    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    {
        try backend.decode(codes, DecoderWeights(matrix: decoderMatrix.tensor, bias: [0, 0, 0]))
    }
}

struct AutoencoderTests {
    @Test("A type of one's own needs four members")
    func ownType() throws {
        let mine: any Autoencoder = Identity()
        let x = Tensor([1, -2, 3], shape: [1, 3])
        let codes = try mine.encode(x, on: ReferenceBackend())
        #expect(try mine.decode(codes, of: x, on: ReferenceBackend()).values == [1, 0, 3])
        #expect(mine.encoderMatrix == nil)
        #expect(mine.encoderBias == [0, 0, 0])
        #expect(mine.latentScale == nil)
        #expect(mine.description.release == "custom_sae")
        #expect(mine.description.configuration["d_sae"]?.integer == 3)
    }

    @Test("A description survives encoding, its configuration in order")
    func coding() throws {
        let description = try fixture("v4-topk", folding: true).description
        let bytes = try JSONEncoder().encode(description)
        let decoded = try JSONDecoder().decode(AutoencoderDescription.self, from: bytes)
        #expect(decoded.configuration.text() == description.configuration.text())
        #expect(decoded.id == description.id)
        #expect(decoded.k == 6)
    }

    @Test("The configuration names the type and device of a run")
    func runConfiguration() throws {
        let description = try fixture("topk", folding: true).description
        let configuration = description.configuration(type: "bfloat16", device: "cuda")
        #expect(configuration["dtype"]?.text == "bfloat16")
        #expect(configuration["device"]?.text == "cuda")
        #expect(configuration.members?.map(\.key) == description.configuration.members?.map(\.key))
    }

    @Test(
        "A description names what it describes",
        arguments: [
            ("topk", "topk", "topk", 5),
            ("batchtopk-training", "batchtopk", "jumprelu", nil as Int?),
        ])
    func description(name: String, architecture: String, computedAs: String, k: Int?) throws {
        let description = try fixture(name, folding: true).description
        #expect(description.architecture == architecture)
        #expect(description.computedAs == computedAs)
        #expect(description.k == k)
        #expect(description.release == "tiny-res")
        #expect(description.id == name)
        #expect(description.hookName == "blocks.3.hook_resid_post")
        #expect(description.contextSize == 64)
        #expect(description.prependsBeginning)
    }
}
