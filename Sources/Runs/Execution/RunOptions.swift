import Basics

/// How a run behaves when something goes wrong; no number depends on it.
public struct RunOptions: Sendable {
    /// Seconds that running tasks may go on after a request to stop.
    public var stopWithinSeconds = 15.0
    /// Seconds without a heartbeat after which a rank counts as lost.
    public var watchdogSeconds = 60.0
    /// Whether the run goes on without ranks that are lost.
    public var survives = false

    /// The defaults.
    public init() {}

    /// What is said of a rank whose heartbeat is not received any more.
    func timeOut(of rank: Int, on host: String) -> String {
        "Rank \(rank) on \(host) has sent no heartbeat for \(durationText(watchdogSeconds))"
    }
}
