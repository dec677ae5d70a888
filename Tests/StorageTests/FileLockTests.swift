import Basics
import Foundation
import Synchronization
import Testing

@testable import Storage

struct FileLockTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("run.lock") }

    init() throws { folder = try TemporaryFolder() }

    /// What the lock file says.
    private var content: String {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespaces)
            .trimmingCharacters(in: .newlines) ?? ""
    }

    /// Leaves a lock file as another owner would.
    private func leave(_ text: String) throws {
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test("A lock names its process, refuses others, and leaves nothing when it is given back")
    func life() throws {
        let lock = try FileLock(path: path, purpose: .journal)
        #expect(content.contains(" \(getpid()) "))
        let error = #expect(throws: StorageError.self) {
            try FileLock(path: path, purpose: .journal)
        }
        #expect(error?.code == .busy)
        #expect(
            error?.message.contains("process \(getpid())") == true, "\(String(describing: error))")
        lock.release()
        #expect(!FileManager.default.fileExists(atPath: path))
        _ = try FileLock(path: path, purpose: .journal)
    }

    @Test("The lock of a process of this host that is gone is taken over at once")
    func gone() throws {
        try leave("\(hostName) 999999999 123 7")
        let lock = try FileLock(path: path, purpose: .journal, beatSeconds: 1000)
        #expect(content.contains(" \(getpid()) "))
        lock.release()
    }

    @Test("The number of a process that was given to another one does not keep a lock")
    func reused() throws {
        try leave("\(hostName) \(getppid()) 1 7")
        let lock = try FileLock(path: path, purpose: .journal, beatSeconds: 1000)
        #expect(content.contains(" \(getpid()) "))
        lock.release()
    }

    @Test("A process of this host that runs keeps its lock where flock does not bind")
    func running() throws {
        let stat = try String(contentsOfFile: "/proc/1/stat", encoding: .utf8)
        let start = try #require(stat.split(separator: ")").last).split(separator: " ")[19]
        try leave("\(hostName) 1 \(start) 7")
        let error = #expect(throws: StorageError.self) {
            try FileLock(path: path, purpose: .journal)
        }
        #expect(error?.message.contains("process 1 on \(hostName)") == true)
    }

    @Test("The lock of another host is kept while its owner changes it, and taken over when not")
    func otherHost() throws {
        try leave("elsewhere 4711 5 1000")
        // Changes it in place until the lock was refused, however long that takes.
        let state = Mutex((isRefused: false, hasEnded: false))
        let owner = Thread {
            var beats = 1000
            while !state.withLock({ $0.isRefused }) {
                usleep(50_000)
                beats += 1
                let file = FileHandle(forUpdatingAtPath: self.path)
                try? file?.write(contentsOf: Data("elsewhere 4711 5 \(beats)\n".utf8))
                try? file?.close()
            }
            state.withLock { $0.hasEnded = true }
        }
        owner.start()
        let error = #expect(throws: StorageError.self) {
            try FileLock(path: path, purpose: .journal, beatSeconds: 1)
        }
        #expect(error?.message.contains("process 4711 on elsewhere") == true)
        state.withLock { $0.isRefused = true }
        while !state.withLock({ $0.hasEnded }) { usleep(1000) }
        let lock = try FileLock(path: path, purpose: .journal, beatSeconds: 1)
        #expect(content.hasPrefix(hostName))
        lock.release()
    }

    @Test("An owner notices that its lock was taken over, and leaves the file to the other")
    func lost() throws {
        let lock = try FileLock(path: path, purpose: .journal)
        #expect(!lock.isLost)
        lock.beat()
        #expect(!lock.isLost && content.hasSuffix(" 1"))
        try leave("elsewhere 4711 5 1")
        lock.beat()
        #expect(lock.isLost)
        lock.release()
        #expect(content == "elsewhere 4711 5 1")
    }

    @Test("A lock file that lost its name while it was being taken is left for the one that has it")
    func renamed() throws {
        // The owner on another host keeps the taker waiting with the file open and locked.
        try leave("elsewhere 4711 5 1")
        let wasReplaced = Mutex(false)
        let holder = Thread {
            for _ in 0..<10_000 {
                guard !self.isOpen else { break }
                usleep(1000)
            }
            unlink(self.path)
            try? self.leave("")
            wasReplaced.withLock { $0 = true }
        }
        holder.start()
        let lock = try FileLock(path: path, purpose: .journal, beatSeconds: 1)
        #expect(wasReplaced.withLock { $0 })
        #expect(content.contains(" \(getpid()) "))
        lock.release()
    }

    /// Whether this process has the lock file open.
    private var isOpen: Bool {
        let files = FileManager.default
        let place = "/\(lastComponent(of: folder.path))/run.lock"
        return ((try? files.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).contains { name in
            let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.hasSuffix(place) == true
        }
    }

    @Test("A lock file of unknown content is no owner", arguments: ["", "x", "a b c d", "h 1 2"])
    func unknown(text: String) throws {
        try leave(text)
        let lock = try FileLock(path: path, purpose: .journal, beatSeconds: 1000)
        #expect(content.contains(" \(getpid()) "))
        lock.release()
    }

    private var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
