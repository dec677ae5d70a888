import Basics
import Glibc
import Synchronization

/// The lock of something that is written: a file beside it, removed when the lock is given back.
public final class FileLock: Sendable {
    /// The lock file, held open and locked.
    private let file: OpenFile
    /// Whether the lock was given back.
    private let isReleased = Mutex(false)

    /// Takes the lock.
    ///
    /// - Throws: ``StorageError`` with code `busy` when another run, or another object here,
    ///   holds it.
    public init(path: String, purpose: String) throws {
        try makeFolder(parentFolder(of: path))
        while true {
            let file = try OpenFile(path, flags: O_RDWR | O_CREAT)
            try file.lock(purpose: purpose)
            // The holder before us may have removed the name between our opening and our locking.
            var (named, held) = (stat(), stat())
            if stat(path, &named) == 0, fstat(file.descriptor, &held) == 0,
                named.st_ino == held.st_ino
            {
                self.file = file
                return
            }
        }
    }

    /// Gives the lock back; without effect the second time. Calling it at the end also keeps the
    /// lock until then.
    public func release() {
        isReleased.withLock { isReleased in
            if isReleased { return }
            isReleased = true
            unlink(file.path)
            flock(file.descriptor, LOCK_UN)
        }
    }

    deinit { release() }
}
