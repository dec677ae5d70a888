import Basics
import Glibc
import Synchronization

/// The lock of something that is written: a file beside it that names its owner, removed when the
/// lock is given back.
///
/// Where the file system knows `flock`, that decides. It is not relied upon alone, since on some
/// network file systems it binds one machine or none: the file names host and process, and its
/// owner changes it every few seconds. A lock whose process is gone, or that nobody on another host
/// changes any more, is taken over.
public final class FileLock: Sendable {
    private let held: HeldLock

    /// Seconds between two changes by the owner.
    public static let beatSeconds = 4

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - purpose: what its owner writes, for the message.
    ///   - beatSeconds: seconds between two changes by an owner on another host.
    /// - Throws: ``StorageError`` with code `busy` when another run, or another object here,
    ///   holds it.
    /// - Cost: three times `beatSeconds` when the file names an owner on another host.
    public init(path: String, purpose: LockPurpose, beatSeconds: Int = FileLock.beatSeconds) throws
    {
        try makeFolder(parentFolder(of: path))
        while true {
            let file = try OpenFile(path, flags: O_RDWR | O_CREAT)
            let other = LockOwner(reading: file.descriptor)
            try file.lock(purpose: purpose, owner: other?.description)
            if let other, other.isAlive(in: file.descriptor, beatSeconds: beatSeconds) {
                throw StorageError.busy(path, purpose: purpose, owner: other.description)
            }
            // The holder before us may have removed the name between our opening and our locking.
            var (named, opened) = (stat(), stat())
            guard stat(path, &named) == 0, fstat(file.descriptor, &opened) == 0,
                named.st_ino == opened.st_ino
            else { continue }
            let own = LockOwner.current()
            try own.write(to: file)
            held = HeldLock(file: file, owner: own)
            LockBeater.shared.add(held)
            return
        }
    }

    /// Whether another run took the lock over, since this one seemed to be gone for a while.
    public var isLost: Bool { held.isLost }

    /// Changes the file to show that its owner lives, and notices when it is another's.
    func beat() { held.beat() }

    /// Gives the lock back; without effect the second time. Calling it at the end also keeps the
    /// lock until then.
    public func release() {
        LockBeater.shared.remove(held)
        held.release()
    }

    deinit { release() }
}

/// A lock file that this process holds, apart from its ``FileLock`` so that the thread that changes it
/// is never the one to give it back.
private final class HeldLock: Sendable {
    /// The lock file, held open and locked.
    private let file: OpenFile
    /// What this owner wrote; nil once the lock is given back.
    private let owner: Mutex<LockOwner?>

    init(file: OpenFile, owner: LockOwner) {
        self.file = file
        self.owner = Mutex(owner)
    }

    var isLost: Bool { owner.withLock { $0?.isLost ?? false } }

    func beat() {
        owner.withLock { owner in
            guard var current = owner, !current.isLost else { return }
            if LockOwner(reading: file.descriptor, orNamed: file.path)?.isSame(as: current) == true
            {
                current.beats += 1
                try? current.write(to: file)
            } else {
                current.isLost = true
            }
            owner = current
        }
    }

    func release() {
        owner.withLock { owner in
            guard let current = owner else { return }
            owner = nil
            if !current.isLost { unlink(file.path) }
            flock(file.descriptor, LOCK_UN)
        }
    }
}

/// What the owner of a lock writes, and what to do while somebody else does.
public enum LockPurpose: String, Sendable {
    /// The journal of a run, in its output folder.
    case journal = "the journal"
    /// Activations, in the artifacts folder that runs share.
    case activations = "activations"

    /// What lets another command go on.
    var advice: String {
        switch self {
        case .journal: "wait for that run to end, or give this one another --output folder"
        case .activations: "wait for that run to end, or give this one another --artifacts folder"
        }
    }
}

/// Who holds a lock, as written in its file.
private struct LockOwner {
    var host: String
    var process: Int
    /// When the process started, in ticks since the machine did; tells a later process of the same
    /// number apart.
    var start: String
    /// How often the owner changed the file.
    var beats = 0
    /// Whether the file names another owner by now; not written.
    var isLost = false

    /// This process.
    static func current() -> LockOwner {
        let process = Int(getpid())
        return LockOwner(host: hostName(), process: process, start: startTicks(of: process) ?? "?")
    }

    private init(host: String, process: Int, start: String) {
        (self.host, self.process, self.start) = (host, process, start)
    }

    /// Reads `host process start beats`; nil for anything else.
    ///
    /// - Parameter name: read the file of that name instead, where there is one.
    init?(reading descriptor: Int32, orNamed name: String? = nil) {
        var bytes = [UInt8](repeating: 0, count: 512)
        let opened = name.map { open($0, O_RDONLY | O_CLOEXEC) } ?? -1
        defer { if opened >= 0 { close(opened) } }
        if name != nil, opened < 0 { return nil }
        let count = pread(opened >= 0 ? opened : descriptor, &bytes, bytes.count, 0)
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        guard words.count == 4, let process = Int(words[1]), let beats = Int(words[3]) else {
            return nil
        }
        self.init(host: String(words[0]), process: process, start: String(words[2]))
        self.beats = beats
    }

    var description: String { "process \(process) on \(host)" }

    func isSame(as other: LockOwner) -> Bool {
        host == other.host && process == other.process && start == other.start
    }

    /// Whether the owner still runs: on this host its process, on another one if the file changes.
    func isAlive(in descriptor: Int32, beatSeconds: Int) -> Bool {
        if host == hostName() {
            // Another object of this process would hold the lock itself.
            return process != Int(getpid()) && Self.startTicks(of: process) == start
        }
        for _ in 0..<30 * beatSeconds {
            usleep(100_000)
            // Any change counts, one that is caught half written too.
            let now = LockOwner(reading: descriptor)
            if now?.isSame(as: self) != true || now?.beats != beats { return true }
        }
        return false
    }

    /// When a process of this host started; nil when there is none.
    private static func startTicks(of process: Int) -> String? {
        let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        // The second field is a name in brackets, which may hold anything; a zombie is gone.
        guard let fields = text.split(separator: ")").last?.split(separator: " "),
            fields.count > 19, fields[0] != "Z"
        else { return nil }
        return String(fields[19])
    }

    func write(to file: OpenFile) throws(StorageError) {
        let text = "\(host) \(process) \(start) \(beats)\n"
        // Padded, so that a shorter text leaves nothing of a longer one.
        let bytes =
            Array(text.utf8) + [UInt8](repeating: 0x20, count: max(0, 400 - text.utf8.count))
        try bytes.withUnsafeBufferPointer { (buffer) throws(StorageError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: 0)
        }
        try file.flushData()
    }
}

/// Changes all lock files of this process every few seconds, by a thread that runs while there are any.
private final class LockBeater: Sendable {
    static let shared = LockBeater()

    private struct State {
        var locks: [HeldLock] = []
        var thread: BackgroundThread?
    }

    private let state = Mutex(State())

    func add(_ lock: HeldLock) {
        state.withLock { state in
            state.locks.append(lock)
            guard state.thread == nil else { return }
            state.thread = BackgroundThread("lock files") { [self] thread in
                while true {
                    thread.sleep(seconds: Double(FileLock.beatSeconds))
                    guard !thread.isEnding else { return }
                    for lock in self.state.withLock({ $0.locks }) { lock.beat() }
                }
            }
        }
    }

    func remove(_ lock: HeldLock) {
        let thread = state.withLock { state -> BackgroundThread? in
            state.locks.removeAll { $0 === lock }
            guard state.locks.isEmpty else { return nil }
            defer { state.thread = nil }
            return state.thread
        }
        thread?.end()
    }
}
