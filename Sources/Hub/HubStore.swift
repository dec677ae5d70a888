import Basics
import Formats
import Glibc
import Synchronization

/// Writes the cache of the Hugging Face tools: blobs named by their hash, snapshots of links to
/// them, and the commits that branches stand for.
///
/// - Source: the layout of `huggingface_hub`, including the paths of its locks and of what is not
///   finished, so that its processes and ours can work in one cache at the same time.
struct HubStore {
    /// The cache.
    let cache: HubCache
    /// The commit that is written.
    let listing: HubListing

    /// Held while a small file is written beside its final path: names there tell processes apart, not
    /// threads.
    private static let writing = Mutex(())

    /// The folder of the repository.
    var folder: String { cache.repositoryFolder(listing.id.repository, kind: listing.kind) }

    /// The folder of the commit.
    var snapshot: String { "\(folder)/snapshots/\(listing.commit)" }

    /// The path of the bytes of a file.
    func blob(of file: HubFile) -> String { "\(folder)/blobs/\(file.digest.hex)" }

    /// Where the bytes of a file gather until they are complete.
    func incomplete(of file: HubFile) -> String { "\(blob(of: file)).incomplete" }

    /// The lock of a blob.
    func lock(of file: HubFile) -> String {
        "\(cache.folder)/.locks/\(lastComponent(of: folder))/\(file.digest.hex).lock"
    }

    /// Whether the snapshot has a file.
    func hasFile(_ file: HubFile) -> Bool {
        fileByteCount("\(snapshot)/\(file.path)") == file.byteCount
            && fileExists("\(snapshot)/\(file.path)")
    }

    /// Whether the bytes of a file are there.
    func hasBlob(_ file: HubFile) -> Bool {
        fileExists(blob(of: file)) && fileByteCount(blob(of: file)) == file.byteCount
    }

    /// Bytes of a file that are still to come.
    func missingBytes(of file: HubFile) -> Int {
        if hasFile(file) || hasBlob(file) { return 0 }
        let there = fileByteCount(incomplete(of: file)) ?? 0
        return there <= file.byteCount ? file.byteCount - there : file.byteCount
    }

    /// Makes the link of a file whose bytes are there.
    func link(_ file: HubFile) throws(HubError) {
        if hasFile(file) { return }
        let path = "\(snapshot)/\(file.path)"
        let steps = file.path.utf8.count { $0 == UInt8(ascii: "/") }
        let target =
            String(repeating: "../", count: steps + 2) + "blobs/\(file.digest.hex)"
        try Self.makeFolder(parentFolder(of: path))
        let reason = Self.writing.withLock { _ -> String? in
            let partial = "\(path).\(getpid()).partial"
            unlink(partial)
            if symlink(target, partial) == 0, rename(partial, path) == 0 { return nil }
            defer { unlink(partial) }
            return lastSystemError()
        }
        if let reason {
            throw HubError(
                .unwritable, "\(path) cannot be made a link: \(reason)",
                advice: "set HF_HUB_CACHE to a folder of a file system that has symbolic links")
        }
        flushFolder(of: path)
    }

    /// Notes which commit the revision stands for.
    func writeReference() throws(HubError) {
        guard listing.id.revision != listing.commit,
            cache.commit(of: listing.id, kind: listing.kind) != listing.commit
        else { return }
        let path = "\(folder)/refs/\(listing.id.revision)"
        try Self.makeFolder(parentFolder(of: path))
        let commit = Array(listing.commit.utf8)
        let failure = Self.writing.withLock { _ -> BasicsError? in
            do throws(BasicsError) { try writeFile(commit, to: path) } catch { return error }
            return nil
        }
        if let failure { throw HubError.unwritable("\(path) cannot be written", failure) }
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(HubError) {
        do { try Basics.makeFolder(path) } catch {
            throw HubError.unwritable(
                "The hub cache cannot be written: there is no folder \(path)", error)
        }
    }
}

/// The lock of a blob; waits for other processes and lasts as long as this object.
final class BlobLock {
    /// The open and locked file.
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Parameter note: hears once that another process holds it.
    init(path: String, note: (String) -> Void) throws(HubError) {
        try HubStore.makeFolder(parentFolder(of: path))
        var hasNoted = false
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw Self.failure(path) }
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK || errno == EINTR else {
                    let error = Self.failure(path)
                    close(descriptor)
                    throw error
                }
                if !hasNoted { note("another process downloads the same file; waiting for it") }
                hasNoted = true
                usleep(50_000)
            }
            // The holder before us may have removed the name between our opening and our locking.
            var (named, held) = (stat(), stat())
            if stat(path, &named) == 0, fstat(descriptor, &held) == 0, named.st_ino == held.st_ino {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    deinit { close(descriptor) }

    /// The error of a lock that cannot be had.
    private static func failure(_ path: String) -> HubError {
        HubError(
            .unwritable, "\(path) cannot be locked: \(lastSystemError())",
            advice: "set HF_HUB_CACHE to a folder of a file system that has locks")
    }
}
