import Basics
import Foundation
import Testing
import Tokenizers

@testable import Corpora

/// The folder of our own fixtures.
let fixtures = "\(parentFolder(of: parentFolder(of: #filePath)))/Fixtures/corpora"

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "saeval-corpora-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a text into a file and gives its path.
    func write(_ text: String, to name: String = "data.jsonl") throws -> String {
        try write(Array(text.utf8), to: name)
    }

    /// Writes bytes into a file and gives its path.
    func write(_ bytes: [UInt8], to name: String = "data.jsonl") throws -> String {
        try writeFile(bytes, to: "\(path)/\(name)")
        return "\(path)/\(name)"
    }
}

/// A gzip file of stored blocks, without compression.
func gzipped(_ content: [UInt8]) -> [UInt8] {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in content {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
    let little = { (value: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let length = UInt16(content.count)
    let block = [
        1, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8),
    ]
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + block + content + little(~crc)
        + little(UInt32(length))
}

/// The error of an action.
func corporaError(_ action: () throws -> Void) throws -> CorporaError {
    try #require(throws: CorporaError.self) { try action() }
}

/// Letters a to j as ids 1 to 10 and BOS as 0, when the folder says so.
func tokenizer(in folder: TemporaryFolder, hasBOS: Bool = true) throws -> Tokenizer {
    let letters = "abcdefghij".enumerated().map { "\"\($0.element)\": \($0.offset + 1)" }
    _ = try folder.write(
        """
        {"added_tokens": [{"id": 0, "content": "<s>", "special": true, "single_word": false,
          "lstrip": false, "rstrip": false, "normalized": false}], "normalizer": null,
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
         "post_processor": null, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "merges": [],
          "vocab": {"<s>": 0, \(letters.joined(separator: ", "))}}}
        """, to: "tokenizer.json")
    _ = try folder.write(hasBOS ? #"{"bos_token": "<s>"}"# : "{}", to: "tokenizer_config.json")
    return try Tokenizer(folder: folder.path)
}

/// A zstd file of one raw block, without compression.
func zstandard(_ content: [UInt8]) -> [UInt8] {
    let header = 1 | content.count << 3
    return [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
        + (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) } + content
}
