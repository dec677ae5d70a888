import Basics
import Foundation

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "saeval-activations-\(UUID().uuidString)"
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

/// The folder of the package.
let packageFolder = parentFolder(of: parentFolder(of: parentFolder(of: #filePath)))
