import Basics

/// What journal and log of a run say, read without disturbing a run that is going on.
public struct RunStatus: Sendable {
    /// `done`, when all results are there, `all units done` or `unfinished`.
    public var state: String
    /// Results of the whole plan; nil when the journal is of an older version.
    public var results: Int?
    /// Those whose files are there.
    public var writtenResults = 0
    /// Partial results of the whole plan.
    public var partials = 0
    /// Those that are there.
    public var donePartials = 0
    /// How much of the work is done, by its cost.
    public var percent = 0
    /// How many autoencoders the run evaluates.
    public var autoencoders = 0
    /// The evaluations of the run.
    public var evaluations: [String] = []
    /// Ranks of the last start.
    public var ranks = 1
    /// How often the run was started.
    public var starts = 0
    /// How the last start ended: `end`, `stop` or `error`; nil while it goes on, and after a kill.
    public var ending: String?
    /// Seconds since the run last wrote something.
    public var silentSeconds: Double?
    /// What ranks have begun and not ended.
    public var running: [RunningTask] = []
    /// Ranks that were lost since the last start, and why.
    public var lost: [(rank: Int, reason: String)] = []
    /// Time left at the speed so far; nil when nothing is left or nothing was measured.
    public var secondsLeft: Double?
    /// What failed since the last start.
    public var failures: [FailedItem] = []

    /// A task that a rank is at.
    public struct RunningTask: Sendable, Equatable {
        /// Which rank.
        public var rank: Int
        /// The rank's host; nil when the log does not tell.
        public var host: String?
        /// The task's name in the log.
        public var task: String
        /// Seconds since it began.
        public var seconds: Double
    }

    /// Reads a run's folder.
    ///
    /// - Parameter now: the time, in seconds since 1970.
    /// - Throws: ``RunError`` when the folder holds no run.
    public init(folder: String, now: Double? = nil) throws {
        let path = "\(folder)/journal.jsonl"
        guard fileExists(path) else {
            throw RunError(
                .missing, "\(folder) holds no run: there is no \(path)",
                advice: "name the `output` folder of a config")
        }
        var start: JournalEntry.StartRecord?
        var doneCost = 0.0
        var files: Set<String> = []
        var isEnded = false
        var last = 0.0
        for entry in try RunRecord.entries(in: folder) {
            switch entry {
            case .start(let record):
                (start, doneCost, donePartials) = (record, record.doneCost, record.donePartials)
                (isEnded, failures, files) = (false, [], [])
                starts += 1
            case .unit(let record):
                doneCost += record.cost
                donePartials += record.keys.count
                last = record.epochSeconds
            case .results(let records): files.formUnion(records.map(\.file))
            case .failure(let evaluation, let subject, let reason):
                failures.append(
                    FailedItem(name: "\(subject) (\(evaluation))", reason: reason))
            case .conditions, .made: break
            case .end: isEnded = true
            }
        }
        guard let start else {
            throw RunError(.missing, "\(path) records no start", advice: "run the config first")
        }
        (partials, autoencoders, ranks) = (start.partials, start.autoencoders, start.ranks)
        evaluations = start.evaluations
        percent = donePartials >= partials ? 100 : min(99, Int(100 * doneCost / max(start.cost, 1)))
        results = start.results
        writtenResults = files.count { fileExists("\(folder)/eval_results/\($0)") }
        let hasResults =
            isEnded && writtenResults >= results ?? 0
            && (writtenResults == 0 || fileExists("\(folder)/results.csv"))
        state = hasResults ? "done" : donePartials == partials ? "all units done" : "unfinished"
        let seconds = last - start.epochSeconds
        if !isEnded, donePartials < partials, seconds > 0, doneCost > start.doneCost {
            secondsLeft = (start.cost - doneCost) / ((doneCost - start.doneCost) / seconds)
        }
        if !isEnded { follow(try RunLog(folder: folder), folder, now ?? currentEpochSeconds()) }
    }

    /// Takes in what the log says of the last start.
    private mutating func follow(_ log: RunLog, _ folder: String, _ now: Double) {
        guard let last = log.starts.last else { return }
        ending = last.ending
        silentSeconds = max(0, now - last.lastTime)
        lost = last.lost
        guard last.ending == nil else { return }
        running = last.running.sorted { $0.key < $1.key }.map { rank, begun in
            RunningTask(
                rank: rank, host: rank < last.hosts.count ? last.hosts[rank] : nil,
                task: begun.name, seconds: max(0, now - begun.time))
        }
    }
}
