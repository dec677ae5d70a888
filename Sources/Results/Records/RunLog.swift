import Basics

/// What `log.jsonl` of a run says, read without disturbing a run that is going on.
///
/// Logs of older versions have no `begin` events, no `parts` and no `hosts`; lines that are torn or
/// of an unknown kind are passed over.
public struct RunLog: Sendable {
    /// The starts of the program, oldest first.
    public private(set) var starts: [Start] = []

    /// One start of the program and what happened until the next.
    public struct Start: Sendable {
        /// When it began, in seconds since 1970.
        public var time: Double
        /// When it last said something.
        public var lastTime: Double
        /// How many ranks it had.
        public var ranks: Int
        /// The host of each rank; empty when the log does not tell.
        public var hosts: [String] = []
        /// The threads of each rank; empty when the log does not tell.
        public var threads: [Int] = []
        /// Tasks that ended, in the order of their ends.
        public var tasks: [Task] = []
        /// Tasks that have begun and not ended, by rank.
        public var running: [Int: Begun] = [:]
        /// Ranks that were lost, and why.
        public var lost: [(rank: Int, reason: String)] = []
        /// What the log says last: `end`, `stop` or `error`; nil while it goes on, and after a kill.
        public var ending: String?
    }

    /// A task that a rank was handed.
    public struct Begun: Sendable {
        /// Its name in the log.
        public var name: String
        /// When it was handed out, in seconds since 1970.
        public var time: Double
    }

    /// A task that ended.
    public struct Task: Sendable {
        /// Who did it.
        public var rank: Int
        /// `block` or `unit`.
        public var kind: String
        /// The name in the log, made of other keys where there is none.
        public var name: String
        /// The evaluation of a unit.
        public var evaluation: String?
        /// The hook that a unit is about.
        public var hook: String?
        /// When it ended, by rank 0's clock.
        public var end: Double
        /// How long the rank took.
        public var seconds: Double
        /// Seconds of it that went into loading weights.
        public var loading = 0.0
        /// Seconds of it that went into reading activations.
        public var reading = 0.0
        /// Seconds of it that went into writing activations.
        public var writing = 0.0
        /// Bytes of activations that were read.
        public var bytesRead = 0
        /// Bytes of activations that were written.
        public var bytesWritten = 0
    }

    /// Reads the log of a run's folder; a folder without one has no starts.
    public init(folder: String) throws {
        let path = "\(folder)/log.jsonl"
        self.init(bytes: fileExists(path) ? try readFile(path) : [])
    }

    /// Reads a log.
    init(bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0A) {
            guard let event = try? JSON(parsing: Array(line), source: "log.jsonl"),
                let time = event["time"]?.double, time.isFinite, let name = event["event"]?.text
            else { continue }
            add(name, event, at: time)
        }
    }

    /// Takes one event in.
    private mutating func add(_ name: String, _ event: JSON, at time: Double) {
        if name == "start" {
            var start = Start(
                time: time, lastTime: time, ranks: max(1, event["ranks"]?.integer ?? 1))
            start.hosts = event["hosts"]?.elements?.compactMap(\.text) ?? []
            start.threads = event["threads"]?.elements?.compactMap(\.integer) ?? []
            starts.append(start)
            return
        }
        guard var start = starts.popLast() else { return }
        defer { starts.append(start) }
        start.lastTime = max(start.lastTime, time)
        let rank = event["rank"]?.integer
        switch name {
        case "begin":
            guard let rank, let task = event["task"]?.text else { return }
            start.running[rank] = Begun(name: task, time: time)
        case "block", "unit":
            guard let rank, let seconds = event["seconds"]?.double, seconds.isFinite else { return }
            let task = Task(name, event, rank: rank, end: time, seconds: max(0, seconds))
            if let begun = start.running[rank], event["task"]?.text ?? begun.name == begun.name {
                start.running[rank] = nil
            }
            start.tasks.append(task)
        case "lost":
            guard let rank else { return }
            start.running[rank] = nil
            start.lost.append((rank, event["reason"]?.text ?? ""))
        case "end", "stop", "error": start.ending = name
        default: break
        }
    }
}

extension RunLog.Task {
    /// Reads the end of a task.
    fileprivate init(_ kind: String, _ event: JSON, rank: Int, end: Double, seconds: Double) {
        (self.rank, self.kind, self.end, self.seconds) = (rank, kind, end, seconds)
        evaluation = event["evaluation"]?.text
        hook = event["hook"]?.text
        if let task = event["task"]?.text {
            name = task
        } else if kind == "block" {
            name = "block \(event["block"]?.integer ?? 0)"
        } else {
            let words = [evaluation, hook, event["unit"]?.text].compactMap(\.self)
            name = words.isEmpty ? "unit" : words.joined(separator: " ")
        }
        let part = { (name: String) in
            min(max(0, event["parts"]?[name]?.double ?? 0), seconds)
        }
        (loading, reading, writing) = (part("loading"), part("reading"), part("writing"))
        bytesRead = max(0, event["bytes_read"]?.integer ?? 0)
        bytesWritten = max(0, event["bytes_written"]?.integer ?? 0)
    }
}
