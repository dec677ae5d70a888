/// Where the time of a run went.
extension RunTrace {
    /// The time of one rank, in seconds over all starts.
    public struct RankTotals: Sendable, Equatable {
        /// Which one.
        public var rank: Int
        /// Its host at the last start; nil when the log does not tell.
        public var host: String?
        /// Seconds in tasks.
        public var busy = 0.0
        /// Seconds of these that went into loading weights.
        public var loading = 0.0
        /// Seconds of these that went into reading activations.
        public var reading = 0.0
        /// Seconds of these that went into writing activations.
        public var writing = 0.0
        /// Seconds of the starts that had this rank, less `busy`.
        public var waiting = 0.0
        /// How many tasks it was handed.
        public var tasks = 0
        /// Its part of the busy seconds of all ranks.
        public var share = 0.0
    }

    /// The numbers of the whole run.
    public struct Totals: Sendable {
        /// One entry for each rank.
        public var ranks: [RankTotals] = []
        /// Seconds of all starts, from the first event of each to its last.
        public var makespan = 0.0
        /// Busy seconds of all ranks over the seconds that they could have been busy.
        public var efficiency = 0.0
        /// The task that took longest.
        public var longest: RunLog.Task?
        /// Busy seconds times threads; nil when the log does not tell threads.
        public var coreSeconds: Double?
        /// How often the program was started.
        public var starts = 0
        /// Tasks that were begun and not ended.
        public var cutOff = 0
    }

    /// Adds up.
    public var totals: Totals {
        var totals = Totals()
        totals.starts = starts.count
        totals.cutOff = slices.count(where: \.isCutOff)
        var ranks: [Int: RankTotals] = [:]
        var capacity = 0.0
        for (start, _) in starts {
            let span = start.lastTime - start.time
            totals.makespan += span
            capacity += span * Double(start.ranks)
            for rank in 0..<start.ranks {
                ranks[rank, default: RankTotals(rank: rank)].waiting += span
                if rank < start.hosts.count { ranks[rank]?.host = start.hosts[rank] }
            }
        }
        var coreSeconds: Double? = 0
        for slice in slices {
            let (task, threads) = (slice.task, starts[slice.start].start.threads)
            let seconds = slice.end - slice.begin
            ranks[task.rank, default: RankTotals(rank: task.rank)].add(task, seconds: seconds)
            coreSeconds =
                task.rank < threads.count
                ? coreSeconds.map { $0 + seconds * Double(threads[task.rank]) } : nil
            if !slice.isCutOff, task.seconds > totals.longest?.seconds ?? -1 {
                totals.longest = task
            }
        }
        totals.coreSeconds = coreSeconds
        let busy = ranks.values.reduce(0) { $0 + $1.busy }
        totals.efficiency = capacity > 0 ? min(1, busy / capacity) : 0
        totals.ranks = ranks.values.sorted { $0.rank < $1.rank }.map { sums in
            var entry = sums
            entry.waiting = max(0, entry.waiting - entry.busy)
            entry.share = busy > 0 ? entry.busy / busy : 0
            return entry
        }
        return totals
    }
}

extension RunTrace.RankTotals {
    /// Adds a task.
    fileprivate mutating func add(_ task: RunLog.Task, seconds: Double) {
        busy += seconds
        loading += task.loading
        reading += task.reading
        writing += task.writing
        tasks += 1
    }
}
