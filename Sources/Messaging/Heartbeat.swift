import Glibc
import Synchronization

/// Signs of life between rank 0 and the others, sent by a thread of its own on every rank, so that
/// a rank that was stopped or whose machine is gone is noticed though no connection breaks.
///
/// Other ranks send a byte each second and notice when rank 0 takes none; rank 0 counts how long it
/// has heard nothing, in time during which it ran itself, so that a job that was stopped as a whole
/// and goes on takes nobody for dead. Nothing here is collective.
public final class Heartbeat: Sendable {
    /// What a byte says.
    private enum Beat: UInt8 {
        case alive, stopRequested, goodbye
    }

    private let messenger: Messenger
    private let limitSeconds: Double
    private let isEnding = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    /// On rank 0, for each rank the seconds since it was last heard; infinite after its goodbye.
    private let silence: Mutex<[Double]>
    private let farewells: Mutex<Set<Int>>

    /// Starts the thread; a rank alone needs none.
    ///
    /// - Parameters:
    ///   - limitSeconds: how long rank 0 may leave a byte of another rank where it is, before that rank
    ///     ends the job.
    ///   - isStopRequested: whether this rank was asked to stop; rank 0 is told.
    ///   - requestStop: called on rank 0 when another rank was asked to stop.
    ///   - lose: called on rank 0 with a rank that has been silent for so long, from the thread that
    ///     listens, since the others may wait for that rank inside MPI.
    public init(
        messenger: Messenger, limitSeconds: Double,
        isStopRequested: @escaping @Sendable () -> Bool,
        requestStop: @escaping @Sendable () -> Void,
        lose: @escaping @Sendable (Int) -> Void
    ) {
        (self.messenger, self.limitSeconds) = (messenger, limitSeconds)
        silence = Mutex([Double](repeating: 0, count: messenger.size))
        farewells = Mutex([])
        guard messenger.isParallel else {
            hasEnded.store(true, ordering: .releasing)
            return
        }
        startThread {
            if messenger.rank == 0 {
                self.listen(requestStop, lose)
            } else {
                self.send(isStopRequested)
            }
            self.hasEnded.store(true, ordering: .releasing)
        }
    }

    /// Seconds since rank 0 last heard a rank.
    public func silence(of rank: Int) -> Double { silence.withLock { $0[rank] } }

    /// Ends the thread: others say goodbye, rank 0 waits for those of some ranks, as long as they may be
    /// silent and ten seconds at most.
    ///
    /// - Parameter ranks: on rank 0, those that still live.
    public func end(awaiting ranks: [Int] = []) {
        let start = seconds()
        if messenger.rank == 0 {
            while seconds() - start < min(limitSeconds, 10),
                !farewells.withLock({ $0.isSuperset(of: ranks) }), messenger.isParallel
            { usleep(2000) }
        }
        isEnding.store(true, ordering: .releasing)
        while !hasEnded.load(ordering: .acquiring), seconds() - start < 12 { usleep(2000) }
    }

    // MARK: - Rank 0

    private func listen(_ requestStop: () -> Void, _ lose: (Int) -> Void) {
        var last = seconds()
        var lost: Set<Int> = []
        while !isEnding.load(ordering: .acquiring) {
            while let envelope = try? messenger.probe(on: messenger.heartbeats),
                let bytes = try? messenger.receive(
                    from: envelope.source, tag: envelope.tag, on: messenger.heartbeats)
            {
                silence.withLock { $0[envelope.source] = 0 }
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
            let silent = silence.withLock { all in
                for rank in all.indices { all[rank] += step }
                return all.indices.dropFirst().filter { all[$0] > limitSeconds }
            }
            let gone = farewells.withLock { $0 }
            for rank in silent where !gone.contains(rank) && lost.insert(rank).inserted {
                lose(rank)
            }
            usleep(50_000)
        }
    }

    // MARK: - Other ranks

    private func send(_ isStopRequested: () -> Bool) {
        var waited = 0.0
        while true {
            let isLast = isEnding.load(ordering: .acquiring)
            let beat: Beat = isLast ? .goodbye : isStopRequested() ? .stopRequested : .alive
            guard let sending = try? messenger.handOver(beat.rawValue) else { return }
            waited = 0
            var last = seconds()
            while !sending.isDone {
                usleep(20_000)
                let now = seconds()
                waited += min(now - last, 1)
                last = now
                if waited > limitSeconds {
                    messenger.abort(
                        code: 1,
                        message:
                            "rank 0 has not answered for \(Int(waited)) s, so the job ends; the same command resumes"
                    )
                }
            }
            if isLast { return }
            for _ in 0..<20 where !isEnding.load(ordering: .acquiring) { usleep(50_000) }
        }
    }

    private func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Starts a detached thread.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    pthread_detach(thread)
}
