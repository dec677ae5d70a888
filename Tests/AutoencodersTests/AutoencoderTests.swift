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
        #expect(mine.encoding(of: [0]) == nil)
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
        let keys = try #require(description.configuration.members).map(\.key)
        #expect(configuration.members?.map(\.key) == keys)
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

    @Test(
        "Some latents are encoded alone to the bit, except those of top-k", arguments: fixtureNames)
    func someLatents(name: String) throws {
        let path = "\(fixtures)/tiny-res/\(name)"
        let reference = try #require(try findAutoencoders(under: path).first)
        let autoencoder = try loadAutoencoder(reference)
        let isTopK = autoencoder.description.computedAs == "topk"
        #expect(reference.hasIndependentLatents == !isTopK)
        let latents = [0, 2, 3, 4, 11, 23]
        guard let encoding = autoencoder.encoding(of: latents) else {
            #expect(isTopK)
            return
        }
        #expect(!isTopK)
        let x = Tensor(
            (0..<10 * autoencoder.description.modelSize).map { Float($0 * 37 % 101) / 25 - 2 },
            shape: [10, autoencoder.description.modelSize])
        for backend in [ReferenceBackend(), CPUBackend()] as [any KernelBackend] {
            let all = dense(try autoencoder.encode(x, on: backend))
            let some = dense(try encoding(x, backend))
            let expected = (0..<10).flatMap { row in
                latents.map { all[row * autoencoder.description.latents + $0] }
            }
            #expect(some.map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }

    @Test(
        "Names of trainers are known as well, and what is no file's is not",
        arguments: [
            ("batch_topk", "sae_lens", true), ("p_anneal", "dictionary_learning", true),
            ("topk", "sae_lens", false), ("standard", "own type", false),
            ("mystery", "sae_lens", false),
        ])
    func independence(architecture: String, layout: String, isIndependent: Bool) {
        let reference = AutoencoderReference(
            release: "r", id: "i", path: "", layout: layout, hookName: "blocks.0.hook_resid_post",
            modelSize: 2, latents: 3, architecture: architecture, storedBytes: 0)
        #expect(reference.hasIndependentLatents == isIndependent)
    }
}
