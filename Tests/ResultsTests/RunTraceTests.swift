import Basics
import Testing

@testable import Results

/// A log of two ranks: a start that is killed in the middle, and another that ends.
private let killedAndResumed = """
    {"time": 1000.0, "event": "start", "plan": "ab", "ranks": 2, "units": 4, "hosts": ["n1", "n2"], "threads": [1, 4]}
    {"time": 1000.0, "event": "begin", "rank": 0, "task": "block 0.0"}
    {"time": 1000.0, "event": "begin", "rank": 1, "task": "7 core a"}
    {"time": 1004.0, "event": "block", "rank": 0, "task": "block 0.0", "seconds": 4.0, "parts": {"loading": 1.0, "reading": 0.5, "writing": 1.5}, "bytes_read": 10, "bytes_written": 300}
    {"time": 1004.0, "event": "begin", "rank": 0, "task": "8 core b"}
    {"time": 1005.0, "event": "note", "text": "x"}
    {"time": 5000.0, "event": "start", "plan": "ab", "ranks": 1, "units": 2, "hosts": ["n9"], "threads": [2]}
    {"time": 5000.0, "event": "begin", "rank": 0, "task": "7 core a"}
    {"time": 5003.0, "event": "unit", "rank": 0, "task": "7 core a", "seconds": 3.0, "evaluation": "core", "hook": "blocks.1.hook_resid_post", "unit": "a", "keys": [], "parts": {}}
    {"time": 5004.0, "event": "end", "seconds": 4.0, "failures": 0}

    """

/// A log as the first version wrote it.
private let oldLog = """
    {"time": 10.5, "event": "start", "plan": "ab", "ranks": 3, "units": 2}
    {"time": 11.5, "event": "block", "block": 4, "rank": 1, "seconds": 1.0}
    {"time": 13.5, "event": "unit", "evaluation": "core", "hook": "blocks.1.hook_resid_post", "unit": "{}", "rank": 2, "seconds": 2.5, "keys": []}

    """

private func log(_ text: String) -> RunLog { RunLog(bytes: Array(text.utf8)) }

struct RunTraceTests {
    @Test("Starts, their ranks, ended tasks and tasks without an end are read")
    func reading() throws {
        let starts = log(killedAndResumed).starts
        #expect(starts.map(\.ranks) == [2, 1])
        #expect(starts.map(\.tasks.count) == [1, 1])
        #expect(starts[0].running.mapValues(\.name) == [0: "8 core b", 1: "7 core a"])
        #expect(starts[1].running.isEmpty)
        #expect(starts.map(\.ending) == [nil, "end"])
        #expect(starts[0].lastTime == 1005)
    }

    @Test("Torn lines, unknown events and foreign values are passed over")
    func tolerance() {
        let lines = killedAndResumed.split(separator: "\n", omittingEmptySubsequences: false)
        let odd = [
            "{\"time\": \"x\", \"event\": \"unit\"}", "[]",
            "{\"time\": 1001, \"event\": \"dance\"}",
            "{\"time\": 1001, \"event\": \"unit\"}",
            "{\"time\": 1001, \"event\": \"begin\", \"rank\": \"a\"}",
            "{\"time\": NaN, \"event\": \"end\"}", "\u{0}\u{1}",
        ]
        let text = (lines[..<3] + odd.map { $0[...] } + lines[3...]).joined(separator: "\n")
        let whole = log(text + "{\"time\": 5009.0, \"event\": \"begi")
        #expect(whole.starts.map(\.tasks.count) == [1, 1])
        #expect(whole.starts.map(\.lastTime) == [1005, 5004])
        #expect(RunLog(bytes: []).starts.isEmpty)
        #expect(log("{\"time\": 1, \"event\": \"end\"}").starts.isEmpty)
    }

    @Test("Every cut of a log can be read")
    func everyCut() {
        let bytes = Array(killedAndResumed.utf8)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            let trace = RunTrace(RunLog(bytes: Array(bytes[..<count])))
            #expect(trace.totals.starts <= 2)
            #expect(trace.chromeTrace["traceEvents"] != nil)
        }
    }

    @Test("Busy, waiting and parts of each rank add up over starts")
    func totals() throws {
        let totals = RunTrace(log(killedAndResumed)).totals
        #expect(totals.starts == 2)
        #expect(totals.makespan == 9)
        #expect(totals.cutOff == 2)
        let ranks = totals.ranks
        // Rank 0: 4 s of block, 1 s cut off, 3 s of unit, in 5 + 4 s.
        #expect(ranks[0].busy == 8 && ranks[0].waiting == 1 && ranks[0].tasks == 3)
        #expect(ranks[0].loading == 1 && ranks[0].reading == 0.5 && ranks[0].writing == 1.5)
        // Rank 1: 5 s cut off, in the first start alone. Threads: 5 s of 1, 5 s of 4, 3 s of 2.
        #expect(ranks[1].busy == 5 && ranks[1].waiting == 0 && ranks[1].host == "n2")
        #expect(abs(ranks[0].share - 8.0 / 13) < 1e-12)
        #expect(abs(totals.efficiency - 13.0 / 14) < 1e-12)
        #expect(totals.coreSeconds == 31.0)
        #expect(totals.longest?.name == "block 0.0")
    }

    @Test("Logs of the first version give the same table without hosts and threads")
    func old() {
        let totals = RunTrace(log(oldLog)).totals
        #expect(totals.ranks.map(\.busy) == [0, 1, 2.5])
        #expect(totals.ranks.map(\.waiting) == [3, 2, 0.5])
        #expect(totals.coreSeconds == nil)
        #expect(totals.longest?.name == "core blocks.1.hook_resid_post {}")
    }

    @Test("The timeline is valid, each event has a place, and no two tasks of a rank overlap")
    func chrome() throws {
        let text = RunTrace(log(killedAndResumed)).chromeTrace.text()
        let json = try JSON(parsing: Array(text.utf8), source: "trace")
        let events = try #require(json["traceEvents"]?.elements)
        for event in events {
            #expect(["X", "M"].contains(event["ph"]?.text))
            for key in ["ts", "dur", "pid", "tid"] {
                #expect((event[key]?.double ?? -1) >= 0, "\(event.text())")
            }
        }
        let rows = Dictionary(
            grouping: events.filter { $0["cat"]?.text != "part" && $0["ph"]?.text == "X" },
            by: { "\($0["pid"]!.integer!) \($0["tid"]!.integer!)" })
        #expect(rows.mapValues(\.count) == ["0 0": 2, "1 0": 3, "1 1": 1])
        for row in rows.values {
            for (first, second) in zip(row, row.dropFirst()) {
                #expect(first["ts"]!.double! + first["dur"]!.double! <= second["ts"]!.double!)
            }
        }
    }

    @Test("Parts are within their task, loading and reading first and writing last")
    func parts() throws {
        let events = RunTrace(log(killedAndResumed)).chromeTrace["traceEvents"]?.elements ?? []
        let place = { (name: String) in
            events.first { $0["name"]?.text == name }.map {
                [$0["ts"]!.double! / 1e6, $0["dur"]!.double! / 1e6]
            }
        }
        #expect(place("block") == [0, 4])
        #expect(place("loading") == [0, 1])
        #expect(place("reading") == [1, 0.5])
        #expect(place("writing") == [2.5, 1.5])
        let writing = events.first { $0["name"]?.text == "writing" }
        #expect(writing?["args"]?["bytes"]?.integer == 300)
    }

    @Test("A folder without a log is named")
    func missing() throws {
        let folder = try TemporaryFolder()
        let error = try #require(throws: RunError.self) { _ = try RunTrace(folder: folder.path) }
        #expect(error.message.contains("\(folder.path) holds no run"))
        _ = try folder.write("", to: "log.jsonl")
        #expect(throws: RunError.self) { _ = try RunTrace(folder: folder.path) }
    }
}

struct RunningStatusTests {
    /// The status of a run with a log, whose journal records two starts.
    private func status(_ text: String?, now: Double = 1010, isEnded: Bool = false) throws
        -> RunStatus
    {
        let folder = try TemporaryFolder()
        let record = try RunRecord(folder: folder.path)
        for time in [900.0, 1000] {
            try record.append(
                .start(
                    JournalEntry.StartRecord(
                        plan: ContentHash.of("plan"), partials: 4, donePartials: 0, cost: 400,
                        doneCost: 0, autoencoders: 2, evaluations: ["core"], ranks: 2,
                        epochSeconds: time)))
        }
        if isEnded { try record.append(.end) }
        if let text { _ = try folder.write(text, to: "log.jsonl") }
        return try RunStatus(folder: folder.path, now: now)
    }

    /// The first start of the log above.
    private var begun: String {
        killedAndResumed.split(separator: "\n").prefix(6).joined(separator: "\n")
    }

    @Test("Tasks that ranks are at are told with their hosts and how long they take")
    func running() throws {
        let status = try status(begun)
        #expect(
            status.running == [
                .init(rank: 0, host: "n1", task: "8 core b", seconds: 6),
                .init(rank: 1, host: "n2", task: "7 core a", seconds: 10),
            ])
        #expect(status.silentSeconds == 5)
        #expect(status.ending == nil)
        #expect(status.starts == 2)
    }

    @Test("A run that was stopped or ended runs nothing", arguments: ["stop", "error"])
    func stopped(ending: String) throws {
        let status = try status(begun + "\n{\"time\": 1006.0, \"event\": \"\(ending)\"}\n")
        #expect(status.running.isEmpty)
        #expect(status.ending == ending)
        #expect(status.silentSeconds == 4)
    }

    @Test("A rank that was lost is told and runs nothing")
    func lost() throws {
        let status = try status(
            begun
                + "\n{\"time\": 1006.0, \"event\": \"lost\", \"rank\": 1, \"task\": \"7 core a\", \"reason\": \"silent\"}\n"
        )
        #expect(status.running.map(\.rank) == [0])
        #expect(status.lost.map(\.reason) == ["silent"])
    }

    @Test("A run that is done, or that has no log, tells of no running task")
    func withoutLog() throws {
        #expect(try status(begun, isEnded: true).running.isEmpty)
        let status = try status(nil)
        #expect(status.running.isEmpty && status.silentSeconds == nil)
    }
}
