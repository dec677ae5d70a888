import Basics
import Glibc
import HTTP

/// Writes a body to the file of an unfinished blob and hashes it on the way.
final class BlobSink: BodySink {
    /// Why a body was refused.
    enum Refusal {
        /// More bytes than the file has.
        case tooLong
        /// Another part of the file than the one asked for.
        case wrongPart
    }

    /// Bytes that are on disk and in the hash.
    private(set) var position = 0
    /// Whether all bytes came since this object was made or started again.
    private(set) var isOwn = true
    /// Why the body was refused.
    private(set) var refusal: Refusal?
    /// What made writing impossible.
    private(set) var failure: HubError?
    /// The hash of the bytes so far.
    private(set) var hash: BlobHash

    /// The unfinished blob.
    private let path: String
    /// What it will be.
    private let file: HubFile
    /// The open file; its offset is ``position``.
    private let descriptor: Int32
    /// Hears of bytes that came, below zero of those that were thrown away.
    private let progress: (Int) -> Void

    /// Opens the file and hashes what an earlier attempt left in it.
    init(path: String, file: HubFile, progress: @escaping (Int) -> Void) throws(HubError) {
        (self.path, self.file, self.progress) = (path, file, progress)
        hash = try BlobHash(file.digest, byteCount: file.byteCount)
        try HubStore.makeFolder(parentFolder(of: path))
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw HubError(
                .unwritable, "\(path) cannot be written: \(lastSystemError())",
                advice: "set HF_HUB_CACHE to a folder that you may write to")
        }
        try hashWhatIsThere()
    }

    deinit { close(descriptor) }

    /// Reads the bytes that are there; too many of them are thrown away.
    private func hashWhatIsThere() throws(HubError) {
        guard let count = fileByteCount(path), count > 0 else { return }
        guard count <= file.byteCount else { return try restart() }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while position < count {
            let read = read(descriptor, &buffer, min(buffer.count, count - position))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return try restart() }
            try hash.update(Array(buffer.prefix(read)))
            position += read
        }
        isOwn = false
    }

    /// Throws all bytes away.
    func restart() throws(HubError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw HubError(
                .unwritable, "\(path) cannot be emptied: \(lastSystemError())",
                advice: "remove it")
        }
        progress(-position)
        (position, isOwn, refusal) = (0, true, nil)
        hash = try BlobHash(file.digest, byteCount: file.byteCount)
    }

    /// Checks that the body is the part that was asked for.
    func begin(_ answer: Answer) -> Bool {
        refusal = nil
        if answer.status == 206 {
            // `bytes 100-199/200`; a `*` stands for an unknown length.
            let parts = (answer.headers["content-range"] ?? "").split { " -/".contains($0) }
            let start = parts.count > 1 ? Int(parts[1]) : nil
            let total = parts.count > 3 ? Int(parts[3]) : nil
            if start != position || (total ?? file.byteCount) != file.byteCount {
                refusal = .wrongPart
            }
        } else if position > 0 {
            // The server ignores ranges and sends everything.
            do { try restart() } catch { failure = error }
        }
        return refusal == nil && failure == nil
    }

    /// Writes and hashes bytes.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= file.byteCount - position else {
            refusal = .tooLong
            return false
        }
        guard writeAll(bytes, to: descriptor) else {
            failure = writeFailure()
            // A part of a piece may be on disk and not in the hash.
            ftruncate(descriptor, off_t(position))
            return false
        }
        do { try hash.update(bytes) } catch {
            failure = error
            return false
        }
        position += bytes.count
        progress(bytes.count)
        return true
    }

    /// Makes the bytes durable under their final name.
    func promote(to blob: String) throws(HubError) {
        guard fsync(descriptor) == 0, rename(path, blob) == 0 else { throw writeFailure() }
        flushFolder(of: blob)
    }

    /// The error of a write.
    private func writeFailure() -> HubError {
        let error = BasicsError.unwritable(
            "\(path) cannot be written after \(position) of \(file.byteCount) bytes")
        return HubError(
            HubDomain.Code(writing: error), error.message,
            advice: "make room, or set HF_HUB_CACHE to a folder on another disk; "
                + "the same command goes on where this one stopped")
    }
}
