import Basics
import Glibc
import Synchronization

/// The list of what a run has finished: one line for each entry, `<16 hexadecimal digits> <JSON>`.
///
/// The digits are the checksum of the JSON text. A line counts once it is on disk; rank 0 alone
/// has the journal open. A kill can only tear the last line, which is cut off when the journal is
/// opened again; what it told is done again.
public final class Journal: Sendable {
    /// The file.
    public let path: String
    /// What opening had to mend, for the log; nil when nothing.
    public let notice: String?
    /// The file, held open and locked.
    private let file: OpenFile
    /// What is on disk, under a lock.
    private let state: Mutex<State>

    /// What is on disk.
    private struct State {
        var entries: [String]
        var byteCount: Int
        var isBroken = false
    }

    /// Opens or makes a journal and takes its lock.
    ///
    /// - Throws: ``StorageError`` with code `busy` when another run has it open, `damaged` when a
    ///   line before the last one differs from its checksum.
    public init(path: String) throws {
        self.path = path
        try makeFolder(parentFolder(of: path))
        let isNew = !fileExists(path)
        file = try OpenFile(path, flags: O_RDWR | O_CREAT)
        try file.lock(purpose: .journal)
        if isNew { flushFolder(of: path) }
        let content = try MappedFile(path: path)
        let scan = try content.withBytes { try JournalScan(of: $0, path: path) }
        if scan.goodBytes < content.byteCount {
            try file.truncate(to: scan.goodBytes)
            try file.flushData()
            notice =
                "\(path): the last line was torn, so its "
                + "\(content.byteCount - scan.goodBytes) bytes are cut off; "
                + "what it recorded is done again"
        } else {
            notice = nil
        }
        state = Mutex(State(entries: scan.entries, byteCount: scan.goodBytes))
    }

    /// The JSON texts, oldest first.
    public var entries: [String] { state.withLock { $0.entries } }

    /// Adds an entry and returns when it is on disk.
    ///
    /// - Parameter json: one JSON text on one line.
    /// - Throws: ``StorageError`` with code `outOfSpace` or `unwritable`; the journal then ends
    ///   with its last good line, and a later call may succeed.
    public func append(_ json: String) throws {
        let text = Array(json.utf8)
        guard !text.isEmpty, !text.contains(0x0A), !text.contains(0) else {
            throw StorageError(
                .invalid, "An entry of \(path) is empty or has a line break: \(json.prefix(80))")
        }
        let line =
            Array(hexadecimal(text.withUnsafeBytes { checksum(of: $0) }).utf8) + [0x20] + text + [
                0x0A
            ]
        try state.withLock { state in
            if state.isBroken { try mend(&state) }
            do {
                try line.withUnsafeBytes { try file.write($0, at: state.byteCount) }
                try file.flushData()
            } catch {
                state.isBroken = true
                try? mend(&state)
                throw error
            }
            state.byteCount += line.count
            state.entries.append(json)
        }
    }

    /// Cuts off what a failed write left behind the last good line.
    private func mend(_ state: inout State) throws {
        try file.truncate(to: state.byteCount)
        try file.flushData()
        state.isBroken = false
    }
}

/// The good lines of a journal's bytes.
private struct JournalScan {
    /// The JSON of the good lines.
    var entries: [String] = []
    /// Bytes up to the end of the last good line.
    var goodBytes = 0

    /// Reads lines up to the first that is not whole.
    init(of bytes: UnsafeRawBufferPointer, path: String) throws {
        var start = 0
        var number = 0
        while start < bytes.count {
            number += 1
            let end = bytes[start...].firstIndex(of: 0x0A)
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<(end ?? bytes.count)])
            guard let end, let entry = Self.entry(of: line) else {
                // Each line is on disk before the next begins, so a torn one can only be the last.
                guard end == nil || end == bytes.count - 1 else {
                    throw StorageError(
                        .damaged, "Line \(number) of \(path) differs from its checksum",
                        advice:
                            "delete that line to do its work again, or restore the file from a copy"
                    )
                }
                return
            }
            entries.append(entry)
            start = end + 1
            goodBytes = start
        }
    }

    /// The JSON of a line; nil when the line is not `<checksum> <JSON>`.
    private static func entry(of line: UnsafeRawBufferPointer) -> String? {
        guard line.count > 17, line[16] == 0x20 else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: line[17...])
        guard Array(hexadecimal(checksum(of: text)).utf8).elementsEqual(line[..<16]) else {
            return nil
        }
        return String(validating: text, as: UTF8.self)
    }
}
