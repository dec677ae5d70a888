import Basics
import Glibc
import Messaging
import Synchronization

/// Ends a rank when the ranks do not come together, or do not part, in time: when one of them is stopped
/// before or after heartbeats are sent.
public enum RankWatch {
    private static let start = Mutex<BackgroundThread?>(nil)
    /// How long ranks may wait for each other at the end.
    private static let limitSeconds = Mutex(60.0)

    /// Watches the start, from before MPI starts.
    ///
    /// - Parameter watchdogSeconds: the time-out of a rank. The start may take five
    ///   times as long, since many nodes take a while.
    public static func begin(watchdogSeconds: Double) {
        limitSeconds.withLock { $0 = watchdogSeconds }
        let seconds = 5 * watchdogSeconds
        start.withLock {
            $0 = watch(
                seconds,
                "the ranks have not come together for \(durationText(seconds)), so one of them does not answer; the same command starts again"
            )
        }
    }

    /// The ranks are together.
    static func together() {
        start.withLock { thread in
            thread?.end()
            thread = nil
        }
    }

    /// Ends MPI, where it runs, and watches that, after which this rank has nothing more to do;
    /// collective.
    public static func part() {
        guard Messenger.hasStarted else { return }
        let seconds = limitSeconds.withLock { $0 }
        let thread = watch(
            seconds,
            "the ranks have not ended for \(durationText(seconds)), so one of them does not answer; all results are written"
        )
        Messenger.end()
        thread.end()
    }

    private static func watch(_ seconds: Double, _ message: String) -> BackgroundThread {
        BackgroundThread("watch over the ranks") { thread in
            // Waking time, so that a job that is stopped as a whole may go on later.
            for _ in 0..<Int(seconds * 20) {
                thread.sleep(seconds: 0.05)
                if thread.isEnding { return }
            }
            Console.note("rank \(launchedRank()): \(message)")
            _exit(1)
        }
    }
}
