/// A run on a clock of its own: the scheduler of real runs over tasks whose length is known.
///
/// Every rank does one task at a time. Before its arithmetic a task loads weights that its rank does
/// not hold, from disk the first time on a node and from memory afterwards, and moves activations
/// over a file system that all ranks share, one transfer after the other. The end of a task costs
/// rank 0 an append to the journal, one after the other.
struct Simulation {
    /// The machines of a simulated run.
    struct Setup: Sendable {
        /// Ranks that work.
        var ranks: Int
        /// Ranks that share the memory and the disk of a node.
        var ranksPerNode: Int
        /// Cores that all ranks share, which stretches tasks where ranks are more; nil gives each
        /// rank its own.
        var cores: Int?
        /// Bytes a second that one node reads from disk.
        var diskRate: Double
        /// Bytes a second of the file system that all nodes share.
        var sharedRate: Double
        /// Bytes a second from a node's memory to a rank.
        var loadRate: Double
        /// Bytes of weights that stay in a node's memory.
        var cacheBytes: Double
        /// Seconds of rank 0 for the end of a task.
        var journalSeconds: Double
    }

    /// Where the seconds of all ranks went.
    struct Times: Sendable, Equatable {
        /// From the first task to the end of the last.
        var makespan = 0.0
        /// Arithmetic of all ranks.
        var arithmetic = 0.0
        /// Getting weights.
        package var loading = 0.0
        /// Transfers of activations, and waiting for those of others.
        var fileSystem = 0.0
        /// Waiting for rank 0 to note the end of a task.
        var coordination = 0.0
    }

    /// The machines.
    private let setup: Setup
    /// What was counted so far.
    private var times = Times()
    /// Seconds on the clock, and what one busy rank has done until then.
    private var now = 0.0
    private var progress = 0.0
    /// Tasks at work.
    private var running = FinishHeap()
    /// For each node when its disk is free, and the weights in its memory.
    private var diskIsFree: [Double]
    private var caches: [NodeCache]
    /// When the shared file system and rank 0 are free.
    private var fileSystemIsFree = 0.0
    private var coordinatorIsFree = 0.0
    /// For each rank the weights that it holds, and for which cohort.
    private var held: [(cohort: Int, artifacts: Set<Int>)]

    /// A simulation that has not begun.
    init(_ setup: Setup) {
        self.setup = setup
        let nodes = (setup.ranks + setup.ranksPerNode - 1) / setup.ranksPerNode
        diskIsFree = Array(repeating: 0, count: nodes)
        caches = Array(repeating: NodeCache(capacity: setup.cacheBytes), count: nodes)
        held = Array(repeating: (SimulatedWork.modelCohort, []), count: setup.ranks)
    }

    /// Runs waves one after the other and gives the times.
    static func times(of waves: [SimulatedWave], _ setup: Setup) -> Times {
        var simulation = Simulation(setup)
        for wave in waves { simulation.run(wave) }
        simulation.times.makespan = simulation.now
        return simulation.times
    }

    /// Runs one wave to its end.
    private mutating func run(_ wave: SimulatedWave) {
        var scheduler = Scheduler(wave.schedule, dependencies: wave.dependencies)
        var idle = Array((0..<setup.ranks).reversed())
        while true {
            while let rank = idle.last, let task = scheduler.next(for: rank) {
                idle.removeLast()
                start(wave.tasks[task], task, on: rank)
            }
            guard let (rank, task) = finishNext() else { return }
            _ = scheduler.finish(task)
            idle.append(rank)
        }
    }

    /// How fast each busy rank works.
    private func speed(_ busy: Int) -> Double {
        setup.cores.map { min(1, Double($0) / Double(max(1, busy))) } ?? 1
    }

    /// Begins a task on a rank now.
    private mutating func start(_ task: SimulatedTask, _ index: Int, on rank: Int) {
        // The journal of the rank's last task.
        let noted = max(now, coordinatorIsFree)
        coordinatorIsFree = noted + setup.journalSeconds
        let coordination = noted - now
        let loading = load(task, on: rank, at: now + coordination)
        var transfer = 0.0
        if task.bytes > 0 {
            let ready = now + coordination + loading
            let begin = max(ready, fileSystemIsFree)
            fileSystemIsFree = begin + task.bytes / setup.sharedRate
            // One node does not get all of a large file system.
            let own = task.bytes / min(setup.sharedRate, setup.diskRate)
            transfer = begin - ready + own
        }
        times.coordination += coordination
        times.loading += loading
        times.fileSystem += transfer
        times.arithmetic += task.seconds
        running.insert(
            .init(
                end: progress + coordination + loading + transfer + task.seconds, rank: rank,
                task: index))
    }

    /// Seconds in which a rank gets the weights of a task that it does not hold.
    private mutating func load(_ task: SimulatedTask, on rank: Int, at time: Double) -> Double {
        if task.cohort != SimulatedWork.modelCohort, held[rank].cohort != task.cohort {
            held[rank] = (task.cohort, held[rank].artifacts.filter { $0 < 0 })
        }
        let node = rank / setup.ranksPerNode
        var end = time
        for artifact in task.artifacts where held[rank].artifacts.insert(artifact.id).inserted {
            if caches[node].use(artifact.id, bytes: artifact.bytes) {
                end += artifact.bytes / setup.loadRate
            } else {
                let begin = max(end, diskIsFree[node])
                diskIsFree[node] = begin + artifact.bytes / setup.diskRate
                end = diskIsFree[node]
            }
        }
        return end - time
    }

    /// Moves the clock to the end of the task that ends first.
    private mutating func finishNext() -> (rank: Int, task: Int)? {
        let busy = running.count
        guard let next = running.removeFirst() else { return nil }
        now += (next.end - progress) / speed(busy)
        progress = next.end
        return (next.rank, next.task)
    }
}

/// Weights in a node's memory; those used longest ago make room.
private struct NodeCache: Sendable {
    /// Bytes that fit.
    let capacity: Double
    /// Size and last use of what is there.
    private var used: [Int: (bytes: Double, time: Int)] = [:]
    /// Bytes of what is there.
    private var bytes = 0.0
    /// Uses so far.
    private var clock = 0

    /// An empty one.
    init(capacity: Double) { self.capacity = capacity }

    /// Uses some weights.
    ///
    /// - Returns: whether they were there.
    mutating func use(_ id: Int, bytes size: Double) -> Bool {
        clock += 1
        if used[id] != nil {
            used[id]?.time = clock
            return true
        }
        used[id] = (size, clock)
        bytes += size
        while bytes > capacity, used.count > 1,
            let oldest = used.min(by: { $0.value.time < $1.value.time })
        {
            bytes -= oldest.value.bytes
            used[oldest.key] = nil
        }
        return false
    }
}

/// Ends of running tasks, the earliest first.
private struct FinishHeap: Sendable {
    /// The end of a task.
    struct Entry: Sendable {
        /// What a busy rank has done by then.
        var end: Double
        /// Who does it.
        var rank: Int
        /// Its index in the wave.
        var task: Int

        /// Whether it comes before another; ranks decide between equal ends.
        func precedes(_ other: Entry) -> Bool {
            end == other.end ? rank < other.rank : end < other.end
        }
    }

    /// A heap: no entry precedes the one at half its index.
    private var entries: [Entry] = []

    /// Running tasks.
    package var count: Int { entries.count }

    /// Adds one.
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
            entries.swapAt((child - 1) / 2, child)
            child = (child - 1) / 2
        }
    }

    /// Removes the earliest.
    mutating func removeFirst() -> Entry? {
        guard let first = entries.first else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while 2 * parent + 1 < entries.count {
            var child = 2 * parent + 1
            if child + 1 < entries.count, entries[child + 1].precedes(entries[child]) { child += 1 }
            guard entries[child].precedes(entries[parent]) else { break }
            entries.swapAt(parent, child)
            parent = child
        }
        return first
    }
}
