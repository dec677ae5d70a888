import Foundation
import Messaging
import Synchronization

/// Ends a rank when the ranks do not come together, or do not part, in time: when one of them is stopped
/// before or after signs of life are sent.
public enum RankWatch {
    private static let areTogether = Atomic<Bool>(false)

    /// Watches the start, from before MPI starts.
    public static func begin(seconds: Double) {
        watch(
            seconds, while: { !areTogether.load(ordering: .acquiring) },
            "the ranks have not come together for \(durationText(seconds)), so one of them has given no sign of life; the same command starts again"
        )
    }

    /// The ranks are together.
    static func together() { areTogether.store(true, ordering: .releasing) }

    /// Watches the end, after which this rank has nothing more to do.
    public static func end(seconds: Double) {
        watch(
            seconds, while: { true },
            "the ranks have not ended for \(durationText(seconds)), so one of them has given no sign of life; all results are written"
        )
    }

    private static func watch(
        _ seconds: Double, while isWaiting: @escaping @Sendable () -> Bool, _ message: String
    ) {
        Thread.detach {
            // Waking time, so that a job that is stopped as a whole may go on later.
            for _ in 0..<Int(seconds * 20) {
                usleep(50_000)
                if !isWaiting() { return }
            }
            Console.note("rank \(launchedRank()): \(message)")
            _exit(1)
        }
    }
}
