import Basics
import Glibc
import Synchronization
import Tensors

/// Reads an activation file, finished or not, without MPI: the file is mapped, and blocks are
/// lent without a copy.
///
/// Any number of threads and ranks may read; the pages are shared between the ranks of a machine.
/// Each block is checked against its checksum the first time it is asked for.
public final class ActivationReader: Sendable {
    /// The file as named.
    public let path: String
    /// Sizes and stored type.
    public let layout: ActivationLayout
    /// What the file holds.
    public let attributes: ActivationAttributes
    /// The offsets of the data sets.
    private let header: ActivationHeader
    /// The mapping that tensors borrow from.
    private let file: MappedFile
    /// Blocks whose bytes were found to fit their checksum.
    private let verified: Mutex<[Bool]>

    /// Opens a file by its exact name; not collective.
    ///
    /// - Parameter key: the content that is expected; nil takes any.
    /// - Throws: ``StorageError`` with code `missing`, `damaged`, `foreign`, `versionTooNew`.
    public init(path: String, key: ContentHash? = nil) throws {
        header = try ActivationHeader(reading: path)
        file = try MappedFile(path: path)
        (self.path, layout, attributes) = (path, header.layout, header.attributes)
        verified = Mutex([Bool](repeating: false, count: header.layout.blocks))
        guard file.byteCount >= header.endOfData else {
            throw StorageError(
                .damaged, "\(path) has \(file.byteCount) of \(header.endOfData) bytes",
                advice: "the file was cut short; remove it and run again")
        }
        if let key, key != header.attributes.key {
            throw StorageError(
                .foreign, "\(path) holds content \(header.attributes.key), not \(key)",
                advice: "remove it and run again")
        }
    }

    /// Blocks that are not written yet, ascending; empty for a finished file.
    public var pendingBlocks: [Int] { (try? header.pendingBlocks(in: file)) ?? [] }

    /// The activations of one block, checked.
    ///
    /// - Shapes: `[rows of the block, model]` in the stored type, lent from the file.
    /// - Throws: ``StorageError`` with code `incomplete` or `checksum`; the latter can be mended by
    ///   ``repair(block:_:)``.
    /// - Cost: one pass over the bytes the first time, nothing later.
    public func block(_ block: Int) throws -> Tensor {
        try check(block: block)
        let rows = layout.rows(ofBlock: block)
        try verify(block)
        return tensor(rows)
    }

    /// Some rows of activations, checked, across blocks if need be.
    ///
    /// - Shapes: `[range, model]` in the stored type, lent from the file.
    /// - Throws: as ``block(_:)``.
    public func rows(_ range: Range<Int>) throws -> Tensor {
        guard range.lowerBound >= 0, range.upperBound <= layout.rows else {
            throw StorageError(.invalid, "\(path) has \(layout.rows) rows, so not \(range)")
        }
        if let last = range.last {
            for block in range.lowerBound / layout.blockRows...last / layout.blockRows {
                try verify(block)
            }
        }
        return tensor(range)
    }

    /// The tokens, checked.
    ///
    /// - Shapes: `[sequences, positions]` of int32, lent from the file.
    /// - Throws: ``StorageError`` with code `checksum`.
    public func tokens() throws -> Tensor {
        let byteCount = layout.rows * 4
        guard checksum(of: bytes(header.tokensOffset, byteCount)) == header.tokensChecksum else {
            throw StorageError(
                .checksum, "The tokens of \(path) differ from their checksum",
                advice: "remove it and run again")
        }
        return Tensor(
            shape: [layout.sequences, layout.positions], type: .int32,
            buffer: lent(header.tokensOffset, byteCount))
    }

    /// Writes the bytes of a damaged block again, flushes them and checks them; not collective.
    ///
    /// Where the recorded checksum is not that of the bytes, it is the one that was damaged, or both
    /// were; it is written again too.
    public func repair(block: Int, _ bytes: UnsafeRawBufferPointer) throws {
        try check(block: block)
        let rows = layout.rows(ofBlock: block)
        guard bytes.count == rows.count * layout.rowBytes else {
            throw StorageError(
                .invalid,
                "Block \(block) of \(path) has \(rows.count * layout.rowBytes) bytes, "
                    + "the repair \(bytes.count)"
            )
        }
        let target = try OpenFile(path, flags: O_WRONLY)
        try target.write(bytes, at: header.actsOffset + rows.lowerBound * layout.rowBytes)
        let sum = checksum(of: bytes)
        if sum != recordedChecksum(of: block) {
            try withUnsafeBytes(of: sum.littleEndian) {
                try target.write($0, at: header.checksumsOffset + block * 8)
            }
        }
        guard fsync(target.descriptor) == 0 else {
            throw StorageError.system(path, "flushed to disk")
        }
        try verify(block)
    }
}

// MARK: - Checking and lending

extension ActivationReader {
    /// Checks that there is such a block.
    private func check(block: Int) throws(StorageError) {
        guard block >= 0, block < layout.blocks else {
            throw StorageError(
                .invalid, "\(path) has \(layout.blocks) blocks, so none is number \(block)")
        }
    }

    /// Checks a block against its mark and its checksum, once.
    private func verify(_ block: Int) throws(StorageError) {
        if verified.withLock({ $0[block] }) { return }
        guard file.withBytes({ $0[header.doneOffset + block] }) == 1 else {
            throw StorageError(
                .incomplete, "Block \(block) of \(path) is not written yet",
                advice: "run the same command again to write it")
        }
        let rows = layout.rows(ofBlock: block)
        let stored = bytes(
            header.actsOffset + rows.lowerBound * layout.rowBytes, rows.count * layout.rowBytes)
        let isGood = checksum(of: stored) == recordedChecksum(of: block)
        if let start = stored.baseAddress {
            file.releasePages(from: start, byteCount: stored.count)
        }
        guard isGood else {
            throw StorageError(
                .checksum, "Block \(block) of \(path) differs from its checksum",
                advice:
                    "run again, which computes the block anew; if it happens again, check the disk")
        }
        verified.withLock { $0[block] = true }
    }

    /// The checksum in the file.
    private func recordedChecksum(of block: Int) -> UInt64 {
        let stored = bytes(header.checksumsOffset + block * 8, 8)
        return UInt64(littleEndian: stored.loadUnaligned(as: UInt64.self))
    }

    /// Bytes of the mapping, whose bounds were checked when the file was opened. Valid while this
    /// object lives.
    private func bytes(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: file.baseAddress.map { $0 + offset }, count: count)
    }

    /// Rows as the file stores them.
    private func tensor(_ rows: Range<Int>) -> Tensor {
        Tensor(
            shape: [rows.count, layout.modelSize], type: layout.type,
            buffer: lent(
                header.actsOffset + rows.lowerBound * layout.rowBytes, rows.count * layout.rowBytes)
        )
    }

    /// A piece of the mapping, which it keeps alive.
    private func lent(_ offset: Int, _ count: Int) -> Buffer {
        guard let start = file.baseAddress else { return Buffer(byteCount: 0) }
        return Buffer(
            borrowing: start + offset, byteCount: count,
            owner: LentPages(file, start: start + offset, byteCount: count))
    }
}

/// A piece of a mapped file whose pages are given back when nobody reads it any more, so that a
/// process holds no more of the file than it is reading.
private final class LentPages {
    /// The mapping.
    private let file: MappedFile
    /// Where the piece begins.
    private let start: UnsafeRawPointer
    /// The length of the piece.
    private let byteCount: Int

    /// Lends a piece.
    init(_ file: MappedFile, start: UnsafeRawPointer, byteCount: Int) {
        (self.file, self.start, self.byteCount) = (file, start, byteCount)
    }

    deinit { file.releasePages(from: start, byteCount: byteCount) }
}
