import Basics
import Glibc
import Messaging
import Synchronization

/// Whether somebody asked the run to stop: an interrupt, or a batch system before its time limit.
public enum StopSignal {
    private static let requested = Atomic<Bool>(false)

    /// Whether to hand out no more work.
    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Asks this rank to stop.
    static func request() { requested.store(true, ordering: .relaxed) }

    /// Turns SIGINT, SIGTERM and SIGUSR1 into a request; a second SIGINT ends the program at once.
    ///
    /// Batch systems send a signal to a program both directly and through its launcher, so others
    /// than SIGINT may come twice.
    public static func listen() {
        for number in [SIGINT, SIGTERM, SIGUSR1] {
            signal(number) { number in
                let isSecond = StopSignal.requested.exchange(true, ordering: .relaxed)
                if isSecond, number == SIGINT { _exit(128 + number) }
            }
        }
    }

    /// Does a run on rank 0, and ends the job with code 75 when it still goes on some time after a stop
    /// was requested.
    ///
    /// What is finished is in the journal by then, and what is not is done again at the next start,
    /// so it does not matter what the ranks were doing.
    static func during<Value>(
        _ messenger: Messenger, leavingAfter seconds: Double, _ body: () throws -> Value
    ) rethrows -> Value {
        let watch = BackgroundThread("watch over a stop") { thread in
            var start: Double?
            while true {
                thread.sleep(seconds: 0.02)
                if thread.isEnding { return }
                if start == nil, isRequested { start = monotonicSeconds() }
                guard let start, monotonicSeconds() - start >= seconds else { continue }
                Console.note(
                    "stopped in the middle of some tasks, which took longer than \(durationText(seconds)); the same command does them again"
                )
                messenger.leave(code: 75, endingOthers: true)
            }
        }
        defer { watch.end() }
        return try body()
    }
}
