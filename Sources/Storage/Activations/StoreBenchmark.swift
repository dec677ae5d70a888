import Basics
import Glibc
import Messaging
import Tensors

/// How fast activations are written and read beside plain system calls on the same disk.
public struct StoreBenchmark: Sendable {
    /// Bytes of activations.
    public var byteCount: Int
    /// Seconds of writing through the store, as a run does, and by `pwrite` and `fdatasync`.
    public var storeWrite = 0.0
    /// Seconds of writing by `pwrite` and `fdatasync` alone.
    public var plainWrite = 0.0
    /// Seconds of reading through the store, with checksums, and by `pread`; both from the page cache.
    public var storeRead = 0.0
    /// Seconds of reading by `pread` alone, from the page cache.
    public var plainRead = 0.0

    /// Measures in a folder, whose files are removed again. The ways take turns, and the best of
    /// each counts.
    ///
    /// - Parameters:
    ///   - blocks: blocks of 2,048 tokens, 2,304 wide, in float16: 9.4 MB each.
    ///   - rounds: how often each way is measured.
    /// - Throws: ``StorageError`` when the folder cannot be written.
    public init(folder: String, blocks: Int = 32, rounds: Int = 3, messenger: Messenger) throws {
        let (tokens, width) = (2048, 2304)
        let blockBytes = tokens * width * 2
        byteCount = blocks * blockBytes
        let content = Tensor(uninitialized: [tokens, width], type: .float16)
        for offset in stride(from: 0, to: blockBytes, by: 8) {
            let value = UInt64(truncatingIfNeeded: offset) &* 0x9E37_79B9_7F4A_7C15
            content.bytes.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
        }
        try makeFolder(folder)
        let path = "\(folder)/saeval-bench-\(getpid())"
        defer { for end in ["", ".h5", ".h5.partial"] { removeFile(path + end) } }
        var (writes, reads) = ([Double](), [Double]())
        var (plainWrites, plainReads) = ([Double](), [Double]())
        for _ in 0..<rounds {
            plainWrites.append(
                try seconds { try Self.writePlainly(content, to: path, blocks: blocks) })
            plainReads.append(try seconds { try Self.readPlainly(path, blockBytes, blocks) })
            removeFile(path)
            writes.append(
                try seconds {
                    try Self.write(content, to: path + ".h5", blocks: blocks, messenger)
                })
            reads.append(try seconds { try Self.read(path + ".h5", blocks) })
            removeFile(path + ".h5")
        }
        (storeWrite, storeRead) = (writes.reduce(.infinity, min), reads.reduce(.infinity, min))
        plainWrite = plainWrites.reduce(.infinity, min)
        plainRead = plainReads.reduce(.infinity, min)
    }

    private static func writePlainly(_ content: Tensor, to path: String, blocks: Int) throws {
        let file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        let bytes = UnsafeRawBufferPointer(start: content.bytes, count: content.byteCount)
        for block in 0..<blocks { try file.write(bytes, at: block * bytes.count) }
        try file.flushData()
    }

    private static func readPlainly(_ path: String, _ blockBytes: Int, _ blocks: Int) throws {
        let file = try OpenFile(path, flags: O_RDONLY)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 4096)
        defer { buffer.deallocate() }
        for block in 0..<blocks {
            guard
                pread(file.descriptor, buffer, blockBytes, off_t(block * blockBytes)) == blockBytes
            else { throw StorageError.system(path, "read") }
        }
    }

    private static func write(
        _ content: Tensor, to path: String, blocks: Int, _ messenger: Messenger
    ) throws {
        let layout = ActivationLayout(
            sequences: blocks * content.rows, positions: 1, modelSize: content.columns,
            type: content.type, blockRows: content.rows)
        try ActivationFile.create(
            path, layout: layout, tokens: [Int32](repeating: 0, count: layout.rows),
            attributes: ActivationAttributes(
                model: "bench", hook: "bench", dataset: "bench", key: ContentHash.of("bench")))
        let file = try ActivationFile.openForWriting(path, messenger: messenger, isAlone: true)
        for block in 0..<blocks {
            try file.markDone(block: block, checksum: try file.write(block: block, content))
        }
        try file.close()
        try ActivationFile.complete(path)
    }

    private static func read(_ path: String, _ blocks: Int) throws {
        let reader = try ActivationReader(path: path)
        for block in 0..<blocks { _ = try reader.block(block) }
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
