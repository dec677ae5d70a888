import Basics

/// The timeline of a run: what each rank did when, in Chrome's trace format and as numbers.
public struct RunTrace: Sendable {
    /// The starts of the program, each with its place on the timeline.
    let starts: [(start: RunLog.Start, offset: Double)]
    /// All tasks with their places, in the order of rank and time; those that were cut off included.
    let slices: [Slice]

    /// A task on the timeline.
    struct Slice {
        /// Which start it belongs to.
        var start: Int
        /// What was done.
        var task: RunLog.Task
        /// Where it begins, in seconds of the timeline.
        var begin: Double
        /// Where it ends.
        var end: Double
        /// Whether the log has no end of it: it still runs, or its start was killed.
        var isCutOff = false
    }

    /// Seconds between two starts on the timeline, which leaves out the time that nothing ran.
    private static let gap = 1.0

    /// Reads the log of a run's folder.
    ///
    /// - Throws: ``RunError`` when there is nothing to show.
    public init(folder: String) throws {
        guard fileExists("\(folder)/log.jsonl") else {
            throw RunError(
                .missing, "\(folder) holds no run: there is no \(folder)/log.jsonl",
                advice: "name the `output` folder of a config")
        }
        let log = try RunLog(folder: folder)
        guard !log.starts.isEmpty else {
            throw RunError(
                .missing, "\(folder)/log.jsonl records no start", advice: "run the config first")
        }
        self.init(log)
    }

    /// Lays the starts of a log one after the other.
    init(_ log: RunLog) {
        var placed: [(start: RunLog.Start, offset: Double)] = []
        var slices: [Slice] = []
        var offset = 0.0
        for (index, start) in log.starts.enumerated() {
            placed.append((start, offset))
            slices += Self.slices(of: start, index, offset: offset)
            offset += start.lastTime - start.time + Self.gap
        }
        starts = placed
        self.slices = slices
    }

    /// The tasks of one start. A rank does one task at a time, so none begins before the end of the
    /// one before; clocks and messages of ranks would make them overlap by milliseconds.
    private static func slices(of start: RunLog.Start, _ index: Int, offset: Double) -> [Slice] {
        var tasks: [Int: [Slice]] = [:]
        for task in start.tasks {
            let end = task.end - start.time + offset
            let least = tasks[task.rank]?.last?.end ?? offset
            let slice = Slice(
                start: index, task: task, begin: max(least, end - task.seconds),
                end: max(least, end))
            tasks[task.rank, default: []].append(slice)
        }
        for (rank, begun) in start.running {
            let least = tasks[rank]?.last?.end ?? offset
            let begin = max(least, begun.time - start.time + offset)
            let end = max(begin, start.lastTime - start.time + offset)
            let task = RunLog.Task(
                rank: rank, kind: "cut off", name: begun.name, end: start.lastTime,
                seconds: end - begin)
            tasks[rank, default: []].append(
                Slice(start: index, task: task, begin: begin, end: end, isCutOff: true))
        }
        return tasks.sorted { $0.key < $1.key }.flatMap(\.value)
    }
}

// MARK: - Chrome's trace format

extension RunTrace {
    /// The timeline as chrome://tracing and ui.perfetto.dev read it: one row for each rank, a slice
    /// for each task, and within it what went into loading, reading and writing.
    ///
    /// The log knows how long the parts of a task took, not when: loading and reading are drawn at
    /// its beginning and writing at its end. Times are microseconds.
    public var chromeTrace: JSON {
        var events = [
            Self.name("process_name", 0, 0, "starts"), Self.name("process_name", 1, 0, "ranks"),
        ]
        let ranks = Set(slices.map(\.task.rank)).union(
            0..<(starts.map(\.start.ranks).max() ?? 1))
        for rank in ranks.sorted() {
            let host = starts.last { rank < $0.start.hosts.count }?.start.hosts[rank]
            let name = "rank \(rank)" + (host.map { " on \($0)" } ?? "")
            events.append(Self.name("thread_name", 1, rank, name))
        }
        for (index, entry) in starts.enumerated() {
            let text = "start \(index + 1) with \(entry.start.ranks) ranks"
            events.append(
                Self.event(
                    text, "start", 0, 0, from: entry.offset,
                    to: entry.offset + entry.start.lastTime - entry.start.time,
                    [
                        ("began", .number(entry.start.time)),
                        ("ended", .string(entry.start.ending ?? "without a word")),
                    ]))
        }
        for slice in slices { events += Self.events(of: slice) }
        return .object(["traceEvents": .array(events), "displayTimeUnit": .string("ms")])
    }

    /// A task and its parts.
    private static func events(of slice: Slice) -> [JSON] {
        let task = slice.task
        let name = task.evaluation ?? (task.kind == "block" ? "block" : task.name)
        var values: [(String, JSON)] = [
            ("task", .string(task.name)), ("start", .integer(slice.start + 1)),
            ("seconds", .number(task.seconds)), ("bytes_read", .integer(task.bytesRead)),
            ("bytes_written", .integer(task.bytesWritten)),
        ]
        if let hook = task.hook { values.append(("hook", .string(hook))) }
        let place = {
            (name: String, category: String, begin: Double, end: Double, values: [(String, JSON)])
            in
            event(name, category, 1, task.rank, from: begin, to: end, values)
        }
        var events = [
            place(name, slice.isCutOff ? "cut off" : task.kind, slice.begin, slice.end, values)
        ]
        let loaded = min(slice.end, slice.begin + task.loading)
        let read = min(slice.end, loaded + task.reading)
        let written = max(read, slice.end - task.writing)
        if loaded > slice.begin { events.append(place("loading", "part", slice.begin, loaded, [])) }
        if read > loaded {
            events.append(
                place("reading", "part", loaded, read, [("bytes", .integer(task.bytesRead))]))
        }
        if slice.end > written, task.writing > 0 {
            events.append(
                place(
                    "writing", "part", written, slice.end, [("bytes", .integer(task.bytesWritten))])
            )
        }
        return events
    }

    /// One slice of a row.
    private static func event(
        _ name: String, _ category: String, _ process: Int, _ thread: Int, from begin: Double,
        to end: Double, _ values: [(String, JSON)]
    ) -> JSON {
        let microseconds = { (seconds: Double) in JSON.number((seconds * 1e6).rounded()) }
        return .object([
            "name": .string(name), "cat": .string(category), "ph": .string("X"),
            "ts": microseconds(begin), "dur": microseconds(end - begin),
            "pid": .integer(process), "tid": .integer(thread),
            "args": .object(values.map { JSONMember(key: $0.0, value: $0.1) }),
        ])
    }

    /// The name of a process or row.
    private static func name(_ kind: String, _ process: Int, _ thread: Int, _ name: String) -> JSON
    {
        .object([
            "name": .string(kind), "ph": .string("M"), "ts": .integer(0), "dur": .integer(0),
            "pid": .integer(process), "tid": .integer(thread),
            "args": .object(["name": .string(name)]),
        ])
    }
}
