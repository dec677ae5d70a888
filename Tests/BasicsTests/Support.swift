import Foundation
import Testing

@testable import Basics

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "saeval-basics-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in it.
    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Parses a text.
func parse(_ text: String) throws -> JSON { try JSON(parsing: Array(text.utf8), source: "a text") }

/// The error of parsing a text.
func parsingError(_ text: String) throws -> BasicsError {
    try #require(throws: BasicsError.self) { _ = try parse(text) }
}
