import Basics

/// What simulated runs of a plan tell.
public struct SimulationReport: Sendable, Codable {
    /// What keeps a run from being shorter: without it the run would take less time by more than
    /// ``leastGain``.
    public enum Limit: String, Sendable, Codable, CaseIterable {
        case longestChain = "longest unit or chain"
        case serialPart = "serial part of rank 0"
        case loading = "loading weights"
        case fileSystem = "file system"
    }

    /// One number of ranks.
    public struct Line: Sendable, Codable {
        /// How many ranks work.
        public var ranks: Int
        /// Seconds from the start of the program to its end.
        public var makespan: Double
        /// Seconds of arithmetic of all ranks over ranks × makespan.
        public var efficiency: Double
        /// That without which the run would be shortest; nil where nothing limits it.
        public var limit: Limit?
        /// Shares of ranks × makespan that are not arithmetic.
        public var loading: Double
        /// Transfers of activations, and waiting for those of other ranks.
        public var fileSystem: Double
        /// Planning, and waiting for the journal.
        public var serial: Double
        /// Ranks without a task, at the end of a wave or because tasks wait for others.
        public var waiting: Double
    }

    /// The share of a makespan by which a run must be shorter without what is named as its limit.
    public static let leastGain = 0.01

    /// The machine's name, or the run whose seconds count.
    public var source: String
    /// Seconds of arithmetic of one core.
    public var arithmeticSeconds: Double
    /// Seconds of planning on rank 0, part of every makespan.
    public var planningSeconds: Double
    /// Blocks of activations and units.
    public var tasks: Int
    /// The longest sequence of tasks that come after one another.
    public var longestChainSeconds: Double
    /// The largest task of it.
    public var longestTask: String
    /// Seconds of that task.
    public var longestTaskSeconds: Double
    /// One for each number of ranks.
    public var lines: [Line]

    /// Simulates a plan.
    ///
    /// - Parameters:
    ///   - outline: the plan.
    ///   - profile: the machine.
    ///   - measured: seconds of a run, which count instead of the machine's.
    ///   - ranks: numbers of ranks, one simulation each.
    ///   - cores: cores that all ranks share; nil gives each rank its own.
    ///   - planningSeconds: seconds that rank 0 takes before the first task; those of the measured
    ///     run where there is one.
    /// - Cost: `O(tasks · log tasks)` for each number of ranks.
    public init(
        of outline: PlanOutline, on profile: MachineProfile, measured: MeasuredSeconds?,
        ranks: [Int], cores: Int?, planningSeconds: Double
    ) {
        let waves = SimulatedWork(outline, on: profile, measured: measured).waves()
        var machine = profile
        if let measured { machine.journalSeconds = measured.gapSeconds }
        self.init(
            waves: waves, on: machine, source: measured?.source ?? profile.name, ranks: ranks,
            cores: cores, planningSeconds: measured?.serialSeconds ?? planningSeconds)
    }

    /// Simulates waves.
    init(
        waves: [SimulatedWave], on profile: MachineProfile, source: String, ranks: [Int],
        cores: Int?, planningSeconds: Double
    ) {
        (self.source, self.planningSeconds) = (source, planningSeconds)
        arithmeticSeconds = waves.reduce(0) { $0 + $1.tasks.reduce(0) { $0 + $1.seconds } }
        tasks = waves.reduce(0) { $0 + $1.tasks.count }
        (longestChainSeconds, longestTask, longestTaskSeconds) = (0, "none", 0)
        for wave in waves {
            let chain = wave.longestChain()
            guard chain.seconds > longestChainSeconds else { continue }
            longestChainSeconds = chain.seconds
            let largest = chain.tasks.map { wave.tasks[$0] }.max { $0.seconds < $1.seconds }
            (longestTask, longestTaskSeconds) = (largest?.name ?? "none", largest?.seconds ?? 0)
        }
        let waits = WaveVariants(waves)
        lines = ranks.map { count in
            let setup = Simulation.Setup(
                ranks: count, ranksPerNode: min(count, profile.ranksPerNode), cores: cores,
                diskRate: profile.diskBytesPerSecond, sharedRate: profile.sharedBytesPerSecond,
                loadRate: profile.loadBytesPerSecond, cacheBytes: 0.7 * Double(profile.memoryBytes),
                journalSeconds: profile.journalSeconds)
            let times = Simulation.times(of: waves, setup)
            var line = Line(times, ranks: count, cores: cores, planningSeconds: planningSeconds)
            line.limit = waits.limit(of: line, times, setup, planningSeconds: planningSeconds)
            return line
        }
    }
}

/// A run's waves, and what they would be without one of the parts that take time.
private struct WaveVariants {
    /// The waves as they are, without weights to load, and without activations to move.
    let (whole, withoutWeights, withoutTransfers):
        ([SimulatedWave], [SimulatedWave], [SimulatedWave])

    /// Leaves parts out.
    init(_ waves: [SimulatedWave]) {
        /// The waves with all their tasks changed.
        func changed(_ change: (inout SimulatedTask) -> Void) -> [SimulatedWave] {
            waves.map { wave in
                var wave = wave
                for index in wave.tasks.indices { change(&wave.tasks[index]) }
                return wave
            }
        }
        whole = waves
        withoutWeights = changed { $0.artifacts = [] }
        withoutTransfers = changed { $0.bytes = 0 }
    }

    /// That without which a run would be shortest.
    ///
    /// - Returns: nil where the run would not be shorter by more than
    ///   ``SimulationReport/leastGain``, whatever were left out.
    /// - Cost: one simulation for each part that takes time at all.
    func limit(
        of line: SimulationReport.Line, _ times: Simulation.Times, _ setup: Simulation.Setup,
        planningSeconds: Double
    ) -> SimulationReport.Limit? {
        /// Seconds that a run of other waves saves.
        func gain(_ waves: [SimulatedWave], _ setup: Simulation.Setup) -> Double {
            times.makespan - Simulation.times(of: waves, setup).makespan
        }
        var free = setup
        free.journalSeconds = 0
        let gains: [(SimulationReport.Limit, Double)] = [
            // Were tasks cut as finely as one likes, nobody would wait.
            (.longestChain, line.waiting * line.makespan),
            (
                .serialPart,
                planningSeconds + (times.coordination > 0 ? gain(whole, free) : 0)
            ),
            (.loading, times.loading > 0 ? gain(withoutWeights, setup) : 0),
            (.fileSystem, times.fileSystem > 0 ? gain(withoutTransfers, setup) : 0),
        ]
        return gains.filter { $0.1 > SimulationReport.leastGain * line.makespan }
            .max { $0.1 < $1.1 }?.0
    }
}

extension SimulationReport.Line {
    /// Divides the seconds of all ranks.
    fileprivate init(
        _ times: Simulation.Times, ranks: Int, cores: Int?, planningSeconds: Double
    ) {
        self.ranks = ranks
        makespan = times.makespan + planningSeconds
        let workers = Double(min(ranks, cores ?? ranks))
        let whole = max(1e-12, workers * makespan)
        efficiency = times.arithmetic / whole
        loading = times.loading / whole
        fileSystem = times.fileSystem / whole
        serial = (times.coordination + planningSeconds * workers) / whole
        waiting = max(0, 1 - efficiency - loading - fileSystem - serial)
    }
}
