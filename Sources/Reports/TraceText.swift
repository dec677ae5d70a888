import Basics
import Results

/// Where the time of a run went, as people read it.
public struct TraceText {
    /// Sums over the timeline.
    private let totals: RunTrace.Totals

    /// Takes a timeline.
    public init(_ trace: RunTrace) { totals = trace.totals }

    /// A table of ranks, and the numbers of the whole run one a line.
    public var text: String { table.text + "\n" + lines.joined(separator: "\n") }

    /// Seconds of each rank.
    private var table: SummaryTable {
        let seconds = { (value: Double) in decimal(value, places: 2) }
        let rows = totals.ranks.map { entry in
            [
                "\(entry.rank)", entry.host ?? "-", "\(entry.tasks)", seconds(entry.busy),
                seconds(entry.loading), seconds(entry.reading), seconds(entry.writing),
                seconds(entry.waiting), decimal(entry.share, places: 3),
            ]
        }
        return SummaryTable(
            header: [
                "rank", "host", "tasks", "busy s", "loading s", "reading s", "writing s",
                "waiting s", "share",
            ],
            rows: rows, textColumns: [1])
    }

    /// The numbers of the whole run, one a line.
    private var lines: [String] {
        let busy = totals.ranks.reduce(0) { $0 + $1.busy }
        var lines = [
            "Makespan: \(decimal(totals.makespan, places: 2)) s, starts of the program: \(totals.starts)",
            "Efficiency: \(decimal(totals.efficiency, places: 4)) "
                + "(\(decimal(busy, places: 2)) busy seconds of all ranks)",
        ]
        if let cores = totals.coreSeconds {
            lines.append(
                "CPU seconds: at most \(decimal(cores, places: 2)), busy seconds times threads")
        }
        if let longest = totals.longest {
            lines.append(
                "Longest task: \(decimal(longest.seconds, places: 2)) s on rank \(longest.rank): "
                    + longest.name)
        }
        if totals.cutOff > 0 {
            lines.append("Tasks that were begun and not ended: \(totals.cutOff)")
        }
        return lines
    }
}
