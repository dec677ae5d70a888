import Basics
import Foundation
import Messaging
import Tensors
import Testing

@testable import Storage

/// Everything that calls HDF5 or MPI, one test after the other.
@Suite("Activations", .serialized)
struct ActivationFileTests {
    let folder: TemporaryFolder
    var path: String { folder.file("acts.h5") }
    var partial: String { path + ".partial" }

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "Blocks come back with the bytes that were written",
        arguments: [ElementType.float32, .float16, .bfloat16])
    func roundTrip(type: ElementType) throws {
        let sample = Sample(type: type)
        try sample.writeComplete(path)
        let reader = try ActivationReader(path: path, key: sample.attributes.key)
        #expect(reader.layout == sample.layout)
        #expect(reader.attributes == sample.attributes)
        for block in 0..<sample.layout.blocks {
            let tensor = try reader.block(block)
            #expect(tensor.shape == [block == 5 ? 1 : 4, 5])
            #expect(tensor.type == type)
            #expect(bytes(of: tensor) == sample.bytes(ofBlock: block))
        }
        #expect(bytes(of: try reader.rows(3..<9)).count == 6 * 5 * type.byteCount)
        let tokens = try reader.tokens()
        #expect(tokens.shape == [3, 7])
        #expect((0..<21).map { Int32(tokens.value(at: $0)) } == sample.tokens)
        #expect(!fileExists(partial))
    }

    @Test(
        "A block size that divides nothing, one block and one row a block all work",
        arguments: [1, 4, 20, 21, 500])
    func blockSizes(rows: Int) throws {
        let sample = Sample(type: .bfloat16, blockRows: rows)
        try sample.writeComplete(path)
        let reader = try ActivationReader(path: path)
        let all = (0..<sample.layout.blocks).flatMap { sample.bytes(ofBlock: $0) }
        #expect(bytes(of: try reader.rows(0..<21)) == all)
        #expect(reader.pendingBlocks.isEmpty)
    }

    @Test("Written blocks are in the file at once, without close or flush by HDF5")
    func writeThrough() throws {
        let sample = Sample()
        try ActivationFile.create(
            path, layout: sample.layout, tokens: sample.tokens, attributes: sample.attributes)
        let file = try ActivationFile.openForWriting(path, messenger: .start())
        for block in [2, 5] {
            let sum = try sample.bytes(ofBlock: block).withUnsafeBytes {
                try file.write(block: block, $0)
            }
            try file.markDone(block: block, checksum: sum)
        }
        // A copy of the file now is what a kill now would leave.
        let snapshot = folder.file("copy.h5.partial")
        try writeFile(readFile(partial), to: snapshot)
        let reader = try ActivationReader(path: snapshot)
        #expect(reader.pendingBlocks == [0, 1, 3, 4])
        #expect(bytes(of: try reader.block(2)) == sample.bytes(ofBlock: 2))
        #expect(bytes(of: try reader.block(5)) == sample.bytes(ofBlock: 5))
        let error = #expect(throws: StorageError.self) { try reader.block(0) }
        #expect(error?.code == .incomplete)
        let open = try ActivationReader(path: partial)
        #expect(open.pendingBlocks == [0, 1, 3, 4])
        #expect(bytes(of: try open.block(2)) == sample.bytes(ofBlock: 2))
        let sum = try sample.bytes(ofBlock: 0).withUnsafeBytes { try file.write(block: 0, $0) }
        try file.markDone(block: 0, checksum: sum)
        #expect(bytes(of: try open.block(0)) == sample.bytes(ofBlock: 0))
        try file.close()
        try file.close()
        #expect(throws: StorageError.self) { try file.markDone(block: 0, checksum: 0) }
    }

    @Test("Equal content gives equal bytes at any time of day")
    func sameBytes() throws {
        try Sample().writeComplete(path)
        usleep(1_100_000)
        try Sample().writeComplete(folder.file("again.h5"))
        #expect(try readFile(path) == readFile(folder.file("again.h5")))
    }

    @Test("A file with a missing block cannot be completed")
    func incomplete() throws {
        try Sample().write(path, blocks: [0, 1, 2, 4, 5], unmarked: [3])
        let error = #expect(throws: StorageError.self) { try ActivationFile.complete(path) }
        #expect(error?.code == .incomplete)
        #expect(error?.message.contains("the first is 3") == true)
        #expect(!fileExists(path))
    }

    @Test("Values of a wrong shape, type, length or block are refused before anything is written")
    func wrongValues() throws {
        let sample = Sample()
        try sample.write(path, blocks: [])
        let before = try readFile(partial)
        let file = try ActivationFile.openForWriting(path, messenger: .start())
        let wrong = [
            (0, Tensor(zeros: [3, 5])), (0, Tensor(zeros: [4, 6])),
            (0, Tensor(uninitialized: [4, 5], type: .float16)),
            (6, Tensor(zeros: [4, 5])), (-1, Tensor(zeros: [4, 5])), (5, Tensor(zeros: [4, 5])),
        ]
        for (block, tensor) in wrong {
            let error = #expect(throws: StorageError.self) { try file.write(block: block, tensor) }
            #expect(error?.code == .invalid)
        }
        try file.close()
        #expect(try readFile(partial) == before)
    }

    @Test(
        "Sizes that make no sense are refused",
        arguments: [
            ActivationLayout(
                sequences: 0, positions: 1, modelSize: 1, type: .float32, blockRows: 1),
            ActivationLayout(sequences: 1, positions: 1, modelSize: 1, type: .int32, blockRows: 1),
            ActivationLayout(
                sequences: 1 << 40, positions: 1 << 30, modelSize: 9, type: .float32, blockRows: 1),
            ActivationLayout(
                sequences: 1 << 20, positions: 1 << 10, modelSize: 9, type: .float32,
                blockRows: 1 << 30),
            ActivationLayout(
                sequences: 1, positions: 1, modelSize: 1, type: .float32, blockRows: -1),
        ])
    func badLayout(_ layout: ActivationLayout) {
        let sample = Sample()
        let error = #expect(throws: StorageError.self) {
            try ActivationFile.create(
                path, layout: layout, tokens: [], attributes: sample.attributes)
        }
        #expect(error?.code == .invalid)
        #expect(!fileExists(partial))
    }

    @Test("A file that the disk cannot hold is refused before it is written, with both numbers")
    func tooLarge() throws {
        let layout = ActivationLayout(
            sequences: 1 << 11, positions: 1 << 11, modelSize: 1 << 24, type: .float32, blockRows: 1
        )
        let tokens = [Int32](repeating: 0, count: layout.rows)
        let error = #expect(throws: StorageError.self) {
            try ActivationFile.create(
                path, layout: layout, tokens: tokens, attributes: Sample().attributes)
        }
        #expect(error?.code == .outOfSpace)
        #expect(error?.message.contains("\(layout.byteCount)".prefix(4)) == true)
        #expect(!fileExists(partial))
    }

    @Test("h5dump reads the file", .enabled(if: isInstalled("h5dump"), "h5dump is not installed"))
    func h5dump() throws {
        let sample = Sample(type: .bfloat16)
        try sample.writeComplete(path)
        let dump = try #require(try run("h5dump", ["-A", path]))
        #expect(dump.status == 0)
        for name in ["acts", "tokens", "checksums", "done"] {
            #expect(dump.output.contains("DATASET \"\(name)\""))
        }
        #expect(dump.output.contains("tiny/model@main"))
        let tokens = try #require(try run("h5dump", ["-d", "tokens", path]))
        #expect(tokens.output.contains("-5, -2, 1, 4, 7, 10, 13"))
    }
}

// MARK: - Resuming

extension ActivationFileTests {
    /// Prepares the sample's file.
    func prepare(_ sample: Sample) throws -> ActivationPreparation {
        try ActivationFile.prepare(
            path, layout: sample.layout, attributes: sample.attributes, tokens: sample.tokens)
    }

    @Test("Preparing a new file leaves all blocks to do")
    func prepareNew() throws {
        let preparation = try prepare(Sample())
        #expect(!preparation.isComplete)
        #expect(preparation.pendingBlocks == Array(0..<6))
        #expect(preparation.notice == nil)
    }

    @Test("Preparing a partial file leaves the blocks without a mark to do")
    func prepareResume() throws {
        try Sample().write(path, blocks: [0, 4], unmarked: [2])
        let preparation = try prepare(Sample())
        #expect(preparation.pendingBlocks == [1, 2, 3, 5])
        #expect(preparation.notice?.contains("resumed with 4 of 6") == true)
    }

    @Test("Preparing a complete file leaves nothing to do")
    func prepareComplete() throws {
        try Sample().writeComplete(path)
        let preparation = try prepare(Sample())
        #expect(preparation.isComplete)
        #expect(preparation.lock == nil)
        #expect(!fileExists(path + ".lock"))
    }

    @Test(
        "A file of other content, sizes or tokens is made anew, and the notice says why",
        arguments: 0..<3)
    func prepareForeign(change: Int) throws {
        try Sample().writeComplete(path)
        try Sample().write(path, blocks: [0])
        var sample = Sample()
        switch change {
        case 0: sample.attributes.key = ContentHash.of("other")
        case 1: sample.layout.blockRows = 5
        default: sample.tokens[3] += 1
        }
        let preparation = try prepare(sample)
        #expect(preparation.pendingBlocks.count == sample.layout.blocks)
        #expect(preparation.notice?.contains("Made anew") == true)
    }

    @Test(
        "A partial file cut at any page is made anew or resumed, never trusted",
        arguments: [0, 1, 100, 5000])
    func prepareTruncated(length: Int) throws {
        try Sample().write(path, blocks: [0])
        try writeFile(Array(readFile(partial).prefix(length)), to: partial)
        let preparation = try prepare(Sample())
        #expect(preparation.pendingBlocks == Array(0..<6))
        #expect(preparation.notice?.contains("Made anew") == true)
    }

    @Test("A lock that a killed run left beside a finished file is removed, one that is held stays")
    func abandonedLock() throws {
        let sample = Sample()
        try sample.writeComplete(path)
        try writeFile([], to: path + ".lock")
        #expect(try prepare(sample).isComplete)
        #expect(!fileExists(path + ".lock"))
        let held = try FileLock(path: path + ".lock", purpose: .activations)
        #expect(try prepare(sample).isComplete)
        #expect(fileExists(path + ".lock"))
        withExtendedLifetime(held) {}
    }

    @Test("Two runs cannot write one file at a time, and the lock goes with its holder")
    func prepareLocked() throws {
        var first: ActivationPreparation? = try prepare(Sample())
        let error = #expect(throws: StorageError.self) { try prepare(Sample()) }
        #expect(error?.code == .busy)
        #expect(first?.lock != nil)
        first = nil
        #expect(try prepare(Sample()).pendingBlocks.count == 6)
    }

    @Test("A file of a newer format is not read, with the version in the message")
    func newerVersion() throws {
        try Sample().writeComplete(path)
        try flip(
            path, at: "saeval-activations ".utf8.count, mask: UInt8(ascii: "1") ^ UInt8(ascii: "9"))
        let error = #expect(throws: StorageError.self) { try ActivationReader(path: path) }
        #expect(error?.code == .versionTooNew)
        #expect(error?.message.contains("version 9") == true)
    }
}
