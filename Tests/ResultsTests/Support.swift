import Autoencoders
import Basics
import Foundation

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "saeval-results-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a text into a file and gives its path.
    func write(_ text: String, to name: String) throws -> String {
        try writeFile(Array(text.utf8), to: "\(path)/\(name)")
        return "\(path)/\(name)"
    }
}

/// An autoencoder of sixteen latents with some configuration.
func toyReference(configuration: JSON) -> AutoencoderReference {
    AutoencoderReference(
        release: "tiny/res", id: "blocks.0/a", path: "", layout: "none",
        hookName: "blocks.0.hook_resid_post", modelSize: 8, latents: 16, architecture: "standard",
        storedBytes: 1000, configuration: configuration)
}
