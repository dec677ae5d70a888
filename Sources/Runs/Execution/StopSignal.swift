import Foundation
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

    /// Ends the job with code 75 when a stop was requested some time ago and the program still runs.
    ///
    /// What is finished is in the journal by then, and what is not is done again at the next start,
    /// so it does not matter what the ranks were doing.
    static func leave(after seconds: Double, _ messenger: Messenger) {
        Thread.detach {
            while !isRequested { usleep(20_000) }
            let start = monotonicSeconds()
            while monotonicSeconds() - start < seconds { usleep(20_000) }
            Console.note(
                "stopped in the middle of some tasks, which took longer than \(durationText(seconds)); the same command does them again"
            )
            messenger.leave(code: 75, endingOthers: true)
        }
    }
}
