import Glibc
import Synchronization

/// Whether somebody asked the run to stop: an interrupt, or a batch system before its time limit.
enum StopSignal {
    fileprivate static let requested = Atomic<Bool>(false)

    /// Whether to hand out no more work.
    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Turns SIGINT, SIGTERM and SIGUSR1 into a request; a second one ends the program at once.
    static func listen() {
        for number in [SIGINT, SIGTERM, SIGUSR1] {
            signal(number) { number in
                if StopSignal.requested.exchange(true, ordering: .relaxed) { _exit(128 + number) }
            }
        }
    }
}
