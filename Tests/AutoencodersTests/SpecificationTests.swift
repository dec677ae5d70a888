import Basics
import Foundation
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// A specification is all that loading needs besides the weights.
struct SpecificationTests {
    /// What an autoencoder makes of some rows and says of itself, as one text.
    private func outcome(of reference: AutoencoderReference) throws -> String {
        let loaded = try loadAutoencoder(reference)
        let size = loaded.description.modelSize
        let x = Tensor((0..<3 * size).map { Float(($0 * 7) % 11) / 3 - 1.5 }, shape: [3, size])
        let codes = try loaded.encode(x, on: ReferenceBackend())
        let decoded = try loaded.decode(codes, of: x, on: ReferenceBackend())
        let bits = (dense(codes) + decoded.values).map { String($0.bitPattern, radix: 16) }
        return (bits + loaded.description.notes + [loaded.description.configuration.text()])
            .joined(separator: "\n")
    }

    @Test("A reference loads the same after it was sent to another rank")
    func coding() throws {
        let folders = [LayoutTests.folder, "\(fixtures)/tiny-res"]
        for reference in try folders.flatMap(findAutoencoders) {
            let bytes = try JSONEncoder().encode(reference)
            let decoded = try JSONDecoder().decode(AutoencoderReference.self, from: bytes)
            #expect(try outcome(of: decoded) == outcome(of: reference), "\(reference.path)")
            #expect(decoded.notes == reference.notes)
        }
    }

    @Test("A configuration is read once: what was found loads without it", arguments: fixtureNames)
    func readOnce(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture(name, to: "res/\(name)")
        let path = "\(folder.path)/res/\(name)"
        let reference = try #require(try findAutoencoders(under: path).first)
        let expected = try outcome(of: reference)
        try folder.write("{}", to: "res/\(name)/cfg.json")
        #expect(try outcome(of: reference) == expected)
    }

    @Test("An architecture that the program does not have cannot be decoded")
    func unknownArchitecture() throws {
        let bytes = Data(#"{"name": "tomorrow", "numbers": {}}"#.utf8)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(CodedByName.self, from: bytes)
        }
    }

    @Test("What is not on disk has sizes and cannot be loaded")
    func sizesOnly() throws {
        let reference = AutoencoderReference(
            release: "r", id: "i", path: "org/repository/i", layout: "sae_lens",
            hookName: "blocks.0.hook_resid_post", modelSize: 2, latents: 3,
            architecture: "standard", storedBytes: 0)
        #expect(reference.latents == 3 && reference.roundingType == nil)
        #expect { try loadAutoencoder(reference) } throws: {
            ($0 as? AutoencoderError)?.code == .missing && "\($0)".contains("org/repository/i")
        }
    }
}
