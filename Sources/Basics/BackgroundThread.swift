import Dispatch
import Glibc
import Synchronization

/// A thread of the program's own; every thread of the program is one, or one of Dispatch's.
///
/// Whoever starts it ends and joins it, so that what it holds is released before its owner goes on.
/// A program that leaves by `exit` calls ``endAll(withinSeconds:)`` first: the exit handlers of
/// libraries free what a thread that still runs may be using.
public final class BackgroundThread: Sendable {
    /// What the thread does, for messages.
    public let name: String
    private let ending = DispatchSemaphore(value: 0)
    private let isAskedToEnd = Atomic<Bool>(false)
    private let hasReturned = Atomic<Bool>(false)
    /// The thread until somebody joins it.
    private let handle = Mutex<pthread_t?>(nil)

    /// All threads that nobody has joined.
    private static let started = Mutex<[ObjectIdentifier: BackgroundThread]>([:])

    /// Starts a thread with as large a stack as a program's first.
    ///
    /// - Parameter body: is given the thread, to ask ``isEnding`` and to ``sleep(seconds:)``.
    public init(_ name: String, _ body: @escaping @Sendable (BackgroundThread) -> Void) {
        self.name = name
        let start = Unmanaged.passRetained(Start(thread: self, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(status == 0, "no thread for \(name): error \(status)")
        handle.withLock { $0 = thread }
        Self.started.withLock { $0[ObjectIdentifier(self)] = self }
    }

    /// What a new thread is given.
    private final class Start: Sendable {
        private let thread: BackgroundThread
        private let body: @Sendable (BackgroundThread) -> Void

        init(thread: BackgroundThread, body: @escaping @Sendable (BackgroundThread) -> Void) {
            (self.thread, self.body) = (thread, body)
        }

        func run() {
            body(thread)
            thread.hasReturned.store(true, ordering: .releasing)
        }
    }

    /// Whether somebody waits for the thread's end.
    public var isEnding: Bool { isAskedToEnd.load(ordering: .acquiring) }

    /// Sleeps, on the thread itself, for some time or until it should end.
    public func sleep(seconds: Double) {
        guard !isEnding else { return }
        _ = ending.wait(timeout: .now() + seconds)
    }

    /// Asks the thread to end, and wakes it.
    public func askToEnd() {
        isAskedToEnd.store(true, ordering: .releasing)
        ending.signal()
    }

    /// Asks the thread to end and waits until it has and all that it held is released; without effect the
    /// second time and on the thread itself.
    public func end() {
        askToEnd()
        let thread = handle.withLock { handle -> pthread_t? in
            guard let thread = handle, pthread_equal(thread, pthread_self()) == 0 else {
                return nil
            }
            handle = nil
            return thread
        }
        guard let thread else { return }
        pthread_join(thread, nil)
        _ = Self.started.withLock { $0.removeValue(forKey: ObjectIdentifier(self)) }
    }

    /// Ends all threads that still run, before the program leaves.
    ///
    /// - Returns: the names of those that have not ended in time. The program must then leave without
    ///   exit handlers, by `_exit`.
    public static func endAll(withinSeconds limit: Double) -> [String] {
        let threads = started.withLock { Array($0.values) }
        for thread in threads { thread.askToEnd() }
        for _ in 0..<Int(limit * 200)
        where threads.contains(where: { !$0.hasReturned.load(ordering: .acquiring) }) {
            usleep(5000)
        }
        return threads.compactMap { thread in
            guard thread.hasReturned.load(ordering: .acquiring) else { return thread.name }
            thread.end()
            return nil
        }.sorted()
    }
}
