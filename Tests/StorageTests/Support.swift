import Basics
import Foundation
import Tensors

@testable import Storage

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/saeval-storage-XXXXXX").utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) })
        else {
            throw StorageError.system("temporary folder", "made")
        }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in it.
    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// A small activation file: 3 sequences of 7 tokens, 5 wide, 4 rows a block, so 6 blocks, the
/// last of 1 row.
struct Sample {
    var layout: ActivationLayout
    var tokens: [Int32]
    var attributes: ActivationAttributes

    init(type: ElementType = .float32, blockRows: Int = 4, sequences: Int = 3) {
        layout = ActivationLayout(
            sequences: sequences, positions: 7, modelSize: 5, type: type, blockRows: blockRows)
        tokens = (0..<Int32(layout.rows)).map { $0 * 3 - 5 }
        attributes = ActivationAttributes(
            model: "tiny/model@main", hook: "blocks.1.hook_resid_post", dataset: "naïve texts",
            key: ContentHash.of("sample"), notes: ["layer": "1", "about": "a \"test\""])
    }

    /// Bytes of one block, different for each.
    func bytes(ofBlock block: Int) -> [UInt8] {
        let count = layout.rows(ofBlock: block).count * layout.rowBytes
        return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ block &* 101 &+ 11) }
    }

    /// Makes the partial file and writes and marks some blocks.
    func write(_ path: String, blocks: [Int], unmarked: [Int] = []) throws {
        try ActivationFile.create(path, layout: layout, tokens: tokens, attributes: attributes)
        let file = try ActivationFile.openForWriting(path, messenger: .start())
        for block in blocks + unmarked {
            let sum = try bytes(ofBlock: block).withUnsafeBytes { try file.write(block: block, $0) }
            if blocks.contains(block) { try file.markDone(block: block, checksum: sum) }
        }
        try file.close()
    }

    /// Makes a complete file.
    func writeComplete(_ path: String) throws {
        try write(path, blocks: Array(0..<layout.blocks))
        try ActivationFile.complete(path)
    }
}

/// The bytes of a tensor.
func bytes(of tensor: Tensor) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount))
}

/// Changes one byte of a file in place.
func flip(_ path: String, at offset: Int, mask: UInt8 = 0xFF) throws {
    let file = try OpenFile(path, flags: O_RDWR)
    var byte: UInt8 = 0
    _ = pread(file.descriptor, &byte, 1, off_t(offset))
    byte ^= mask
    try withUnsafeBytes(of: byte) { try file.write($0, at: offset) }
}

/// Runs a program and returns its exit status and output; nil when it is not installed.
func run(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws -> (
    status: Int32, output: String
)? {
    let found = ["/usr/bin", "/usr/local/bin", "/bin"].map { "\($0)/\(program)" }.first {
        fileExists($0)
    }
    guard let found else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: found)
    process.arguments = arguments
    if let environment { process.environment = environment }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

/// Whether a program is installed.
func isInstalled(_ program: String) -> Bool {
    ["/usr/bin", "/usr/local/bin", "/bin"].contains { fileExists("\($0)/\(program)") }
}
