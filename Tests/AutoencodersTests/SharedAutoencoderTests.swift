import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The autoencoders that lie beside the checkout; skipped when they do not.
@Suite(.enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"))
struct SharedAutoencoderTests {
    private let backend = ReferenceBackend()

    /// The golden autoencoders.
    static let goldenNames: [String] =
        sharedFolder.flatMap {
            try? folderContents("\($0)/golden/saes_saelens")
        } ?? []

    @Test("The golden autoencoders are there")
    func goldenIsThere() { #expect(!Self.goldenNames.isEmpty) }

    @Test("Golden codes and reconstructions come out", arguments: goldenNames)
    func golden(name: String) throws {
        let shared = try #require(sharedFolder)
        let autoencoder = try load("\(shared)/golden/saes_saelens/\(name)")
        let expected = try SafetensorsFile(path: "\(shared)/golden/forward/sae_\(name).safetensors")
        let x = try expected.tensor("x")
        let codes = try autoencoder.encode(x, on: backend)
        expectClose(dense(codes), try expected.tensor("encode").values, "encode")
        let decoded = try autoencoder.decode(codes, of: x, on: backend)
        expectClose(decoded.values, try expected.tensor("decode").values, "decode")
    }

    @Test("Every autoencoder of the toy world is found and loads")
    func toyWorld() throws {
        let shared = try #require(sharedFolder)
        let found = try findAutoencoders(under: "\(shared)/quickstart/saes/sae_lens")
        #expect(found.count == 19)
        for reference in found {
            #expect(reference.release == "sae_lens" || reference.release == "toyworld-res")
            let autoencoder = try loadAutoencoder(reference)
            #expect(autoencoder.description.latents == 1024)
            #expect(autoencoder.description.modelName == "toyworld")
        }
    }

    @Test(
        "The golden results hold the configuration that is written here",
        arguments: ["topk", "random"])
    func goldenConfiguration(kind: String) throws {
        let shared = try #require(sharedFolder)
        let id = "blocks.2.hook_resid_post__\(kind)"
        let written = try load("\(shared)/quickstart/saes/sae_lens/toyworld-res/\(id)").description
        let result = try JSON(file: "\(shared)/golden/toyworld/core/\(id)/result.json")
        // The model was loaded from a folder when the golden results were made.
        let expected = result["sae_cfg_dict"]?.text().replacing("models/toyworld", with: "toyworld")
        #expect(written.configuration.text() == expected)
    }

    @Test("Real autoencoders of 16-bit matrices load and have decoder rows of norm 1")
    func real() throws {
        let shared = try #require(sharedFolder)
        let found = try findAutoencoders(under: "\(shared)/saes")
        #expect(found.count == 6)
        for reference in found {
            let autoencoder = try loadAutoencoder(reference)
            #expect(autoencoder.description.storedType == .float16)
            let norms = try backend.norms(of: autoencoder.decoderMatrix)
            #expect(norms.count == autoencoder.description.latents)
            for norm in norms { #expect(abs(norm - 1) < 1e-3) }
        }
    }
}
