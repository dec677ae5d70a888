import Glibc

/// A file mapped into memory for reading; the mapping lives as long as this object.
public final class MappedFile: Sendable {
    /// The path as given.
    public let path: String
    /// The length in bytes.
    public let byteCount: Int
    private let address: UInt

    /// Maps a file.
    ///
    /// - Throws: ``BasicsError`` when the file does not exist, is a folder, or is not readable.
    public init(path: String) throws(BasicsError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw BasicsError(
                errno == ENOENT ? .missing : .unreadable, "\(path): \(lastSystemError())",
                advice: "check the path and its permissions")
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw BasicsError(
                .unreadable, "\(path) is not a regular file", advice: "name a file, not a folder")
        }
        byteCount = Int(information.st_size)
        guard byteCount > 0 else {
            address = 0
            return
        }
        let mapped = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            throw BasicsError(.unreadable, "\(path) cannot be mapped: \(lastSystemError())")
        }
        address = UInt(bitPattern: mapped)
    }

    deinit {
        if let start = UnsafeMutableRawPointer(bitPattern: address) { munmap(start, byteCount) }
    }

    /// The start of the mapping; nil for an empty file. Valid while this object lives.
    public var baseAddress: UnsafeRawPointer? { UnsafeRawPointer(bitPattern: address) }

    /// Gives the pages of some bytes back to the system, which otherwise count as this process's
    /// memory for as long as the mapping lives; they are read again when they are next touched.
    ///
    /// - Parameter start: in the mapping.
    public func releasePages(from start: UnsafeRawPointer, byteCount: Int) {
        guard byteCount > 0, address != 0 else { return }
        let offset = Int(bitPattern: start) - Int(bitPattern: address)
        // The kernel maps the neighbours of a page that is touched as well.
        let page = 4096
        let first = max(0, (offset - Self.pagesTogether) / page * page)
        let end = min(self.byteCount, offset + byteCount + Self.pagesTogether)
        guard first < end else { return }
        madvise(
            UnsafeMutableRawPointer(bitPattern: address + UInt(first)), end - first, MADV_DONTNEED)
    }

    /// Bytes that the kernel maps at most when one of them is touched: a large page.
    private static let pagesTogether = 1 << 21

    /// Lends the bytes.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result
    {
        try withExtendedLifetime(self) {
            try body(UnsafeRawBufferPointer(start: baseAddress, count: byteCount))
        }
    }
}

/// The text of `errno`.
public func lastSystemError() -> String { String(cString: strerror(errno)) }

/// Reads a whole file.
public func readFile(_ path: String) throws(BasicsError) -> [UInt8] {
    let file = try MappedFile(path: path)
    return file.withBytes { [UInt8]($0) }
}

/// Writes all bytes at the position of an open file.
///
/// - Returns: whether all are written; if not, `errno` says why.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = write(
            descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

/// Writes a file so that it is complete under its name or not there: beside it, flushed, renamed,
/// folder flushed.
public func writeFile(_ bytes: [UInt8], to path: String) throws(BasicsError) {
    let partial = "\(path).\(getpid()).partial"
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
        throw BasicsError.unwritable("\(path) cannot be written")
    }
    var failure: BasicsError?
    func fail() { failure = .unwritable("\(path) cannot be written") }
    if !bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) { fail() }
    if failure == nil, fsync(descriptor) != 0 { fail() }
    close(descriptor)
    if failure == nil, rename(partial, path) != 0 { fail() }
    if let failure {
        unlink(partial)
        throw failure
    }
    flushFolder(of: path)
}

/// Removes what ``writeFile(_:to:)`` left beside the files of a folder when its process was killed.
///
/// Call it only where nobody else can be writing, such as under the lock of a run's journal.
public func removePartialFiles(in folder: String) {
    for name in (try? folderContents(folder)) ?? [] {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, parts.last == "partial", Int32(parts[parts.count - 2]) != nil else {
            continue
        }
        unlink("\(folder)/\(name)")
    }
}

/// Makes a rename durable.
public func flushFolder(of path: String) {
    let folder = open(parentFolder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
}

/// Makes a folder and those above it.
public func makeFolder(_ path: String) throws(BasicsError) {
    if path.isEmpty || folderExists(path) { return }
    let parent = parentFolder(of: path)
    if parent != path { try makeFolder(parent) }
    if mkdir(path, 0o755) != 0, errno != EEXIST {
        throw BasicsError.unwritable("Folder \(path) cannot be made")
    }
    guard folderExists(path) else {
        throw BasicsError(
            .unwritable, "\(path) is a file, not a folder", advice: "choose another name")
    }
}

/// Whether a folder is there.
public func folderExists(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
}

/// Whether a regular file is there.
public func fileExists(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
}

/// The length of a file in bytes; nil when it does not exist.
public func fileByteCount(_ path: String) -> Int? {
    var information = stat()
    return stat(path, &information) == 0 ? Int(information.st_size) : nil
}

/// The names in a folder, sorted by bytes.
public func folderContents(_ path: String) throws(BasicsError) -> [String] {
    guard let handle = opendir(path) else {
        throw BasicsError(
            .missing, "Folder \(path): \(lastSystemError())", advice: "check the path")
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
}

/// The folder at a path, or the nearest one above it that exists.
public func nearestFolder(to path: String) -> String {
    var folder = path.isEmpty ? "." : path
    while !folderExists(folder) && folder != "/" && folder != "." {
        folder = parentFolder(of: folder)
    }
    return folder
}

/// Free bytes of the file system that holds a path; the nearest existing folder counts.
public func freeBytes(at path: String) -> Int? {
    var information = statvfs()
    guard statvfs(nearestFolder(to: path), &information) == 0 else { return nil }
    return Int(information.f_bavail) * Int(information.f_frsize)
}

/// The folder part of a path; `.` for a bare name.
public func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last part of a path.
public func lastComponent(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    return trimmed.split(separator: "/").last.map(String.init) ?? trimmed
}

/// Removes a file; one that is not there is no error.
public func removeFile(_ path: String) { unlink(path) }
