import Glibc

/// What the system says of this process's memory.
public struct ProcessMemory: Sendable {
    /// Bytes in memory now, mapped files included: `VmRSS`.
    public var residentBytes = 0
    /// The most that were in memory at once: `VmHWM`.
    public var peakBytes = 0
    /// Bytes of `residentBytes` that are mapped from files: the program, libraries and mapped weights.
    public var fileBytes = 0

    /// Reads `/proc/self/status`; zeros where there is none.
    public init() { self.init(status: (try? readPseudoFile("/proc/self/status")) ?? "") }

    /// Takes the text of such a file.
    init(status: String) {
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count == 3, words[2] == "kB", let size = Int(words[1]), size < 1 << 50
            else { continue }
            switch words[0] {
            case "VmRSS:": residentBytes = size * 1024
            case "VmHWM:": peakBytes = size * 1024
            case "RssFile:": fileBytes = size * 1024
            default: continue
            }
        }
    }
}

/// Reads a file of the kernel, whose length is not known beforehand.
public func readPseudoFile(_ path: String) throws(BasicsError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw BasicsError(.unreadable, "\(path): \(lastSystemError())") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
