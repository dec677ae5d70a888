import Basics
import CHDF5
import Glibc
import Messaging
import Synchronization
import Tensors

/// An activation file that is being written, by all ranks at once.
///
/// The life of a file: rank 0 calls ``prepare(_:layout:attributes:tokens:)``; all ranks open it;
/// each writes the blocks it is given and reports their checksums; rank 0 marks them done; all
/// ranks close; rank 0 calls ``complete(_:)``. A kill at any moment leaves a file from which the
/// blocks marked done are used again.
public final class ActivationFile: @unchecked Sendable {
    /// The final name; until ``complete(_:)`` the file's name ends in `.partial` besides.
    public let path: String
    /// Sizes and stored type.
    public let layout: ActivationLayout
    /// What HDF5 has open; nil after closing.
    private let handles: Mutex<Handles?>
    /// The same file for flushing, past HDF5.
    private let system: OpenFile
    /// Whether closing it waits for other ranks.
    private let isParallel: Bool

    /// What HDF5 has open.
    private struct Handles {
        var file, acts, checksums, done: hid_t
        var actsType, checksumType, doneType: hid_t

        /// Closes everything; the file last, which is collective under MPI.
        func close(_ path: String) throws {
            for type in [actsType, checksumType, doneType] {
                try HDF5.check(H5Tclose(type), "H5Tclose", path)
            }
            for set in [acts, checksums, done] { try HDF5.check(H5Dclose(set), "H5Dclose", path) }
            try HDF5.check(H5Fclose(file), "H5Fclose", path)
        }
    }

    /// Opens the partial file for writing on all ranks; collective, unless `isAlone`.
    ///
    /// With one rank the file is opened plainly, else through MPI-IO.
    ///
    /// - Parameters:
    ///   - path: the final name.
    ///   - isAlone: whether this rank opens and closes it without the others, which works when some
    ///     of them are gone. Nothing in the file but blocks, checksums and marks is ever changed, so
    ///     ranks that opened it by themselves do not disturb each other.
    /// - Throws: ``StorageError`` on every rank when it cannot be opened on one of them.
    public static func openForWriting(
        _ path: String, messenger: Messenger, isAlone: Bool = false
    ) throws -> ActivationFile {
        let partial = partialPath(of: path)
        let ready = Result {
            (try ActivationHeader(reading: partial), try OpenFile(partial, flags: O_RDWR))
        }
        let isReadyEverywhere = try isAlone || messenger.all((try? ready.get()) != nil)
        let (header, system) = try ready.get()
        guard isReadyEverywhere else {
            throw StorageError(
                .otherRank, "Another rank cannot open \(partial)",
                advice: "see that rank's message, and that all machines see the same folder")
        }
        let handles = try HDF5.locked { try open(header, messenger: messenger, isAlone: isAlone) }
        return ActivationFile(
            path: path, layout: header.layout, handles: handles, system: system,
            isParallel: messenger.isParallel && !isAlone)
    }

    /// Takes over open handles.
    private init(
        path: String, layout: ActivationLayout, handles: Handles, system: OpenFile, isParallel: Bool
    ) {
        (self.path, self.layout, self.system) = (path, layout, system)
        self.handles = Mutex(handles)
        self.isParallel = isParallel
    }

    deinit {
        // With other ranks a close would wait for them, so an abandoned file stays open until the
        // program ends.
        if !isParallel { try? close() }
    }

    /// Opens the file and its data sets through HDF5; collective, unless `isAlone`.
    private static func open(
        _ header: ActivationHeader, messenger: Messenger, isAlone: Bool
    ) throws -> Handles {
        let path = header.path
        let access =
            messenger.isParallel
            ? try HDF5.parallelAccess(
                path, communicator: isAlone ? messenger.alone : messenger.communicator)
            : try HDF5.serialAccess(path)
        let file = try HDF5Object(
            H5Fopen(path, ch5_read_write(), access.id), "H5Fopen", path, closer: H5Fclose)
        let set = { (name: String, file: hid_t) in
            try HDF5Object(H5Dopen2(file, name, ch5_default()), "H5Dopen", path, closer: H5Dclose)
        }
        let acts = try set("acts", file.id)
        let checksums = try set("checksums", file.id)
        let done = try set("done", file.id)
        let actsType = try HDF5.type(header.layout.type, path)
        let checksumType = try HDF5.checksumType(path)
        let doneType = try HDF5.type(.uint8, path)
        return Handles(
            file: file.released(), acts: acts.released(), checksums: checksums.released(),
            done: done.released(),
            actsType: actsType.released(), checksumType: checksumType.released(),
            doneType: doneType.released())
    }

    /// Closes the file; collective, and without effect the second time.
    public func close() throws {
        try handles.withLock { current in
            guard let open = current else { return }
            current = nil
            try HDF5.locked { try open.close(path) }
        }
    }
}

// MARK: - Writing

extension ActivationFile {
    /// Writes the activations of one block and flushes them to disk; not collective.
    ///
    /// - Shapes: `[rows of the block, model]` in the stored type.
    /// - Returns: the checksum of the bytes, for ``markDone(block:checksum:)``.
    public func write(block: Int, _ activations: Tensor) throws -> UInt64 {
        guard activations.type == layout.type, activations.columns == layout.modelSize else {
            throw StorageError(
                .invalid,
                "Block \(block) of \(path) is \(activations.type.rawValue) "
                    + "\(activations.shape), the file holds "
                    + "\(layout.type.rawValue), \(layout.modelSize) wide",
                advice: "convert the activations first")
        }
        let bytes = UnsafeRawBufferPointer(start: activations.bytes, count: activations.byteCount)
        return try withExtendedLifetime(activations) { try write(block: block, bytes) }
    }

    /// Writes the bytes of one block and flushes them to disk; not collective.
    ///
    /// - Returns: the checksum of the bytes, for ``markDone(block:checksum:)``.
    /// - Cost: one pass over the bytes, one write, one `fdatasync`.
    public func write(block: Int, _ bytes: UnsafeRawBufferPointer) throws -> UInt64 {
        try check(block: block)
        let rows = layout.rows(ofBlock: block)
        guard bytes.count == rows.count * layout.rowBytes else {
            throw StorageError(
                .invalid,
                "Block \(block) of \(path) has \(bytes.count) bytes instead of "
                    + "\(rows.count * layout.rowBytes)"
            )
        }
        try withHandles { handles in
            try write(
                bytes.baseAddress, to: handles.acts, type: handles.actsType,
                first: [rows.lowerBound, 0], lengths: [rows.count, layout.modelSize])
        }
        try system.flushData()
        return checksum(of: bytes)
    }

    /// Records that a block is on disk. Rank 0 alone calls it, after the block was written; not
    /// collective.
    ///
    /// Should the mark reach the disk and its checksum not, the block counts as damaged and is
    /// computed again when it is read.
    public func markDone(block: Int, checksum: UInt64) throws {
        try check(block: block)
        try withHandles { handles in
            var sum = checksum.littleEndian
            try write(
                &sum, to: handles.checksums, type: handles.checksumType, first: [block],
                lengths: [1])
            var mark: UInt8 = 1
            try write(&mark, to: handles.done, type: handles.doneType, first: [block], lengths: [1])
        }
        try system.flushData()
    }

    /// Checks that there is such a block.
    private func check(block: Int) throws(StorageError) {
        guard block >= 0, block < layout.blocks else {
            throw StorageError(
                .invalid, "\(path) has \(layout.blocks) blocks, so none is number \(block)")
        }
    }

    /// Runs a body on the open handles, alone in HDF5.
    private func withHandles(_ body: (Handles) throws -> Void) throws {
        try handles.withLock { current in
            guard let open = current else {
                throw StorageError(.invalid, "\(path) was closed before")
            }
            try HDF5.locked { try body(open) }
        }
    }

    /// Writes a box of a data set; memory and file have one type, so HDF5 converts nothing.
    private func write(
        _ start: UnsafeRawPointer?, to set: hid_t, type: hid_t, first: [Int], lengths: [Int]
    ) throws {
        let counts = lengths.map(hsize_t.init)
        let memory = try HDF5Object(
            H5Screate_simple(Int32(counts.count), counts, nil), "H5Screate_simple", path,
            closer: H5Sclose)
        let file = try HDF5Object(H5Dget_space(set), "H5Dget_space", path, closer: H5Sclose)
        try HDF5.check(
            H5Sselect_hyperslab(file.id, H5S_SELECT_SET, first.map(hsize_t.init), nil, counts, nil),
            "H5Sselect_hyperslab", path)
        try HDF5.check(
            H5Dwrite(set, type, memory.id, file.id, ch5_default(), start), "H5Dwrite", path)
    }
}
