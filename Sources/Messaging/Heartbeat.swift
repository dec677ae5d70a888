import Glibc
import Synchronization

/// Heartbeats between rank 0 and the others, sent by a thread that does nothing else, so that
/// a rank that was stopped or whose machine is gone is noticed though no connection breaks.
///
/// Other ranks send a byte each second and notice when rank 0 takes none; rank 0 counts how long it
/// has heard nothing, in time during which it ran itself, so that a job that was stopped as a whole
/// and goes on takes no rank for dead. Nothing here is collective.
public final class Heartbeat: Sendable {
    /// What a byte says.
    private enum Beat: UInt8 {
        case alive, stopRequested, goodbye
    }

    private let messenger: Messenger
    private let limitSeconds: Double
    private let isStopRequested: @Sendable () -> Bool
    private let requestStop: @Sendable () -> Void
    private let lose: @Sendable (Int) -> Void
    /// On rank 0, for each rank the seconds since it was last heard; infinite after its goodbye.
    private let sinceHeartbeat: Mutex<[Double]>
    private let farewells: Mutex<Set<Int>>

    /// - Parameters:
    ///   - limitSeconds: how long rank 0 may leave a byte of another rank where it is, before that rank
    ///     ends the job.
    ///   - isStopRequested: whether this rank was asked to stop; rank 0 is told.
    ///   - requestStop: called on rank 0 when another rank was asked to stop.
    ///   - lose: called on rank 0 with a rank that has not been heard for so long, from the thread
    ///     that listens, since the others may wait for that rank inside MPI.
    public init(
        messenger: Messenger, limitSeconds: Double,
        isStopRequested: @escaping @Sendable () -> Bool,
        requestStop: @escaping @Sendable () -> Void,
        lose: @escaping @Sendable (Int) -> Void
    ) {
        (self.messenger, self.limitSeconds) = (messenger, limitSeconds)
        (self.isStopRequested, self.requestStop, self.lose) = (isStopRequested, requestStop, lose)
        sinceHeartbeat = Mutex([Double](repeating: 0, count: messenger.size))
        farewells = Mutex([])
    }

    /// Sends or receives heartbeats until told to end; a rank alone has none. Where rank 0 no longer
    /// receives them by then, it returns after ten seconds.
    public func run(until isEnding: () -> Bool) {
        guard messenger.isParallel else { return }
        if messenger.rank == 0 { listen(until: isEnding) } else { send(until: isEnding) }
    }

    /// Seconds since rank 0 last heard a rank.
    public func secondsSinceHeartbeat(of rank: Int) -> Double {
        sinceHeartbeat.withLock { $0[rank] }
    }

    /// Waits on rank 0 for the goodbye that others say before their ``run(until:)`` returns, as long as
    /// the time-out and ten seconds at most.
    ///
    /// - Parameter ranks: those that still live.
    public func awaitFarewells(of ranks: [Int]) {
        let start = seconds()
        while seconds() - start < min(limitSeconds, Self.farewellSeconds),
            !farewells.withLock({ $0.isSuperset(of: ranks) })
        { usleep(2000) }
    }

    /// How long ranks wait for each other at the end.
    private static let farewellSeconds = 10.0

    // MARK: - Rank 0

    private func listen(until isEnding: () -> Bool) {
        var last = seconds()
        var lost: Set<Int> = []
        while !isEnding() {
            while let envelope = try? messenger.probe(on: messenger.heartbeats),
                let bytes = try? messenger.receive(
                    from: envelope.source, tag: envelope.tag, on: messenger.heartbeats)
            {
                sinceHeartbeat.withLock { $0[envelope.source] = 0 }
                switch bytes.first.flatMap(Beat.init) {
                case .stopRequested: requestStop()
                case .goodbye: farewells.withLock { _ = $0.insert(envelope.source) }
                case .alive, nil: break
                }
            }
            let now = seconds()
            // A step longer than a second means that this rank itself did not run.
            let step = min(now - last, 1)
            last = now
            let overdue = sinceHeartbeat.withLock { all in
                for rank in all.indices { all[rank] += step }
                return all.indices.dropFirst().filter { all[$0] > limitSeconds }
            }
            let gone = farewells.withLock { $0 }
            for rank in overdue where !gone.contains(rank) && lost.insert(rank).inserted {
                lose(rank)
            }
            usleep(50_000)
        }
    }

    // MARK: - Other ranks

    private func send(until isEnding: () -> Bool) {
        var waited = 0.0
        while true {
            let isLast = isEnding()
            let beat: Beat = isLast ? .goodbye : isStopRequested() ? .stopRequested : .alive
            guard let sending = try? messenger.handOver(beat.rawValue) else { return }
            waited = 0
            var last = seconds()
            while !sending.isDone {
                usleep(20_000)
                let now = seconds()
                waited += min(now - last, 1)
                last = now
                if isEnding(), waited > Self.farewellSeconds { return }
                if waited > limitSeconds {
                    messenger.abort(
                        code: 1,
                        message:
                            "rank 0 has not answered for \(Int(waited)) s, so the job ends; the same command resumes"
                    )
                }
            }
            if isLast { return }
            for _ in 0..<20 where !isEnding() { usleep(50_000) }
        }
    }

    private func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
