import Basics
import Messaging

/// The heartbeat of this rank, sent or received by a thread of its own.
struct RunningHeartbeat {
    let heartbeat: Heartbeat
    private let thread: BackgroundThread

    init(_ heartbeat: Heartbeat) {
        self.heartbeat = heartbeat
        thread = BackgroundThread("heartbeat") { thread in heartbeat.run { thread.isEnding } }
    }

    /// Ends the thread; without effect the second time.
    ///
    /// - Parameter ranks: on rank 0, those that still live; it waits for their goodbye.
    func end(awaiting ranks: [Int] = []) {
        heartbeat.awaitFarewells(of: ranks)
        thread.end()
    }
}
