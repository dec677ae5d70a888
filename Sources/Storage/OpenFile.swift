import Basics
import CHDF5
import Glibc

/// An open file descriptor, unlocked and closed when the last reference goes.
final class OpenFile: Sendable {
    /// The path, for messages.
    let path: String
    /// The system's number of the open file.
    let descriptor: Int32

    /// Opens a file with the flags of `open(2)`; children do not inherit it.
    init(_ path: String, flags: Int32) throws(StorageError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(path, "opened") }
    }

    deinit {
        // A child that was forked and has not begun its program yet holds the open file too, and
        // closing ours alone would leave the lock with it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The length in bytes.
    func byteCount() throws(StorageError) -> Int {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw .system(path, "inspected") }
        return Int(information.st_size)
    }

    /// Writes all bytes at an offset.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path, "written")
            }
            written += count
        }
    }

    /// Flushes data, and what is needed to find it, to disk.
    func flushData() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else { throw .system(path, "flushed to disk") }
    }

    /// Cuts or extends the file.
    func truncate(to byteCount: Int) throws(StorageError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw .system(path, "truncated") }
    }

    /// Reserves the file's bytes on disk, so that a full disk shows now and not in the middle of
    /// a run.
    ///
    /// File systems that cannot reserve are passed over.
    func reserve(byteCount: Int) throws(StorageError) {
        guard ch5_reserve(descriptor, byteCount) != 0 else { return }
        if errno == ENOSPC || errno == EDQUOT || errno == EFBIG {
            throw .system(path, "given \(byteCount) bytes")
        }
    }

    /// Takes the exclusive lock of the file; file systems without locks are passed over.
    ///
    /// - Parameter owner: who holds it, where known, for the message.
    /// - Throws: ``StorageError`` with code `busy` when another process, or another object here,
    ///   holds it.
    func lock(purpose: LockPurpose, owner: String? = nil) throws(StorageError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
        throw .busy(path, purpose: purpose, owner: owner)
    }
}
