import Basics
import Glibc
import Tensors

/// What is left to do for an activation file.
public struct ActivationPreparation: Sendable {
    /// Whether the file is there, complete and of the right content.
    public var isComplete: Bool
    /// Blocks still to be written, ascending; empty when only ``ActivationFile/complete(_:)`` is
    /// missing.
    public var pendingBlocks: [Int]
    /// Why an older file was not used, or that it is used again; for the log.
    public var notice: String?
    /// Keeps other runs from writing the same file; release it after
    /// ``ActivationFile/complete(_:)``.
    public var lock: FileLock?
}

extension ActivationFile {
    /// Finds out what is left to do for a file and makes or resumes it. Rank 0 alone calls it;
    /// not collective.
    ///
    /// A complete file of the same content is used; a partial one is resumed; one that is
    /// damaged, of another format or of other content is made anew, and the notice says so.
    ///
    /// - Parameter tokens: `[sequences, positions]`.
    /// - Throws: ``StorageError`` with code `busy` when another run writes this file, or as
    ///   ``create(_:layout:tokens:attributes:)``.
    public static func prepare(
        _ path: String, layout: ActivationLayout, attributes: ActivationAttributes, tokens: [Int32]
    ) throws -> ActivationPreparation {
        try layout.validate(path)
        let wanted = Wanted(layout: layout, key: attributes.key, tokens: tokens)
        if case .usable(let pending) = wanted.state(of: path), pending.isEmpty {
            removeAbandonedLock(of: path)
            return .complete
        }
        let lock = try FileLock(path: lockPath(of: path), purpose: .activations)
        // Another run may have completed it while we waited for the lock.
        var reasons: [String] = []
        switch wanted.state(of: path) {
        case .usable(let pending) where pending.isEmpty: return .complete
        case .usable(let pending): reasons.append("\(path) lacks \(pending.count) blocks")
        case .unusable(let reason): reasons.append(reason)
        case .absent: break
        }
        let partial = partialPath(of: path)
        switch wanted.state(of: partial) {
        case .usable(let pending):
            let notice =
                "\(partial) is resumed with \(pending.count) of \(layout.blocks) blocks to go"
            return ActivationPreparation(
                isComplete: false, pendingBlocks: pending, notice: notice, lock: lock)
        case .unusable(let reason): reasons.append(reason)
        case .absent: break
        }
        try create(path, layout: layout, tokens: tokens, attributes: attributes)
        let notice = reasons.isEmpty ? nil : "Made anew: " + reasons.joined(separator: "; ")
        return ActivationPreparation(
            isComplete: false, pendingBlocks: Array(0..<layout.blocks), notice: notice, lock: lock)
    }

    /// Removes the lock file that a run left which was killed after it finished the file.
    public static func removeAbandonedLock(of path: String) {
        guard fileExists(lockPath(of: path)) else { return }
        // Whoever gets the lock removes its file when giving it back; a running owner keeps it.
        _ = try? FileLock(path: lockPath(of: path), purpose: .activations)
    }

    /// Gives a finished file its final name. Rank 0 alone calls it, after all blocks were marked;
    /// not collective.
    ///
    /// Other ranks may still have it open. HDF5 would clear its mark of an open file when they close
    /// it; it is cleared here, so that a run that dies before leaves the same bytes.
    ///
    /// - Throws: ``StorageError`` with code `incomplete` when a block is not marked done.
    public static func complete(_ path: String) throws {
        let partial = partialPath(of: path)
        let header = try ActivationHeader(reading: partial)
        let pending = try header.pendingBlocks(in: MappedFile(path: partial))
        guard pending.isEmpty else {
            throw StorageError(
                .incomplete,
                "\(partial) lacks \(pending.count) of \(header.layout.blocks) blocks, "
                    + "the first is \(pending[0])",
                advice: "run the same command again to write them")
        }
        let file = try OpenFile(partial, flags: O_RDWR)
        try [UInt8](repeating: 0, count: 4).withUnsafeBytes {
            try file.write($0, at: ActivationSeal.pageBytes + openMarkOffset)
        }
        guard fsync(file.descriptor) == 0 else {
            throw StorageError.system(partial, "flushed to disk")
        }
        guard rename(partial, path) == 0 else {
            throw StorageError.system(partial, "renamed to \(path)")
        }
        flushFolder(of: path)
    }

    /// Where the head of an HDF5 file, in versions 0 and 1, marks that it is open for writing.
    private static let openMarkOffset = 20

    /// The name of the lock that a writer of this file holds.
    static func lockPath(of path: String) -> String { path + ".lock" }
}

extension ActivationPreparation {
    /// Nothing is left to do.
    fileprivate static let complete = ActivationPreparation(
        isComplete: true, pendingBlocks: [], notice: nil, lock: nil)
}

extension ActivationHeader {
    /// Blocks whose mark is not exactly 1, ascending.
    func pendingBlocks(in file: MappedFile) throws -> [Int] {
        guard file.byteCount >= endOfData else {
            throw StorageError(
                .damaged, "\(path) has \(file.byteCount) of \(endOfData) bytes",
                advice: "remove it and run again")
        }
        return file.withBytes { bytes in (0..<layout.blocks).filter { bytes[doneOffset + $0] != 1 }
        }
    }
}

/// What a run wants a file to hold.
private struct Wanted {
    /// Sizes and stored type.
    var layout: ActivationLayout
    /// The content.
    var key: ContentHash
    /// The tokens, `[sequences, positions]`.
    var tokens: [Int32]

    /// Whether a file serves.
    enum State {
        /// No file of that name.
        case absent
        /// A file that does not serve, and why.
        case unusable(String)
        /// A file that serves, and the blocks it lacks.
        case usable(pending: [Int])
    }

    /// Looks at a file.
    func state(of path: String) -> State {
        guard fileExists(path) else { return .absent }
        do {
            let header = try ActivationHeader(reading: path)
            guard header.attributes.key == key else {
                return .unusable(
                    "\(path) holds content \(header.attributes.key.short), not \(key.short)")
            }
            guard header.layout == layout else {
                return .unusable("\(path) has other sizes or another type")
            }
            let file = try MappedFile(path: path)
            let pending = try header.pendingBlocks(in: file)
            guard holdsTokens(header, file) else {
                return .unusable("\(path) holds other or damaged tokens")
            }
            return .usable(pending: pending)
        } catch {
            return .unusable("\(error)")
        }
    }

    /// Whether a file holds exactly the tokens wanted.
    private func holdsTokens(_ header: ActivationHeader, _ file: MappedFile) -> Bool {
        file.withBytes { bytes in
            tokens.withUnsafeBytes { wanted in
                guard wanted.count == layout.rows * 4, let stored = bytes.baseAddress,
                    let start = wanted.baseAddress
                else { return false }
                return memcmp(stored + header.tokensOffset, start, wanted.count) == 0
            }
        }
    }
}
