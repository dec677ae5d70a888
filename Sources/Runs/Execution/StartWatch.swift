import Foundation
import Messaging
import Synchronization

/// Ends a rank when the ranks do not come together in time, as when one of them is stopped before
/// signs of life are sent.
public enum StartWatch {
    private static let hasStarted = Atomic<Bool>(false)

    /// Begins to watch, before MPI starts.
    public static func begin(seconds: Double) {
        Thread.detach {
            // Waking time, so that a job that is stopped as a whole may go on later.
            for _ in 0..<Int(seconds * 20) {
                usleep(50_000)
                if hasStarted.load(ordering: .acquiring) { return }
            }
            Console.note(
                "rank \(launchedRank()): the ranks have not come together for \(durationText(seconds)), so one of them has given no sign of life; the same command starts again"
            )
            _exit(1)
        }
    }

    /// The ranks are together.
    static func end() { hasStarted.store(true, ordering: .releasing) }
}
