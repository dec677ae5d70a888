import Basics
import EvalKit

/// What the tasks of a run took on one core, out of its log.
public struct MeasuredSeconds: Sendable {
    /// The run's folder.
    public let source: String
    /// Seconds of units by the key of a partial result.
    private var byKey: [String: Double] = [:]
    /// Sum and number by evaluation, hook and unit, for plans with other keys.
    private var byUnit: [String: (seconds: Double, count: Int)] = [:]
    /// Seconds of blocks by their names.
    private var byBlock: [String: Double] = [:]
    /// Sum and number of blocks by row set.
    private var byRowSet: [Int: (seconds: Double, count: Int)] = [:]
    /// Threads of each rank.
    private var threads: [Double] = []
    /// When the run started and when its last task ended.
    private var start = 0.0
    private var lastEnd = 0.0
    /// Whether a task has begun.
    private var hasBegun = false
    /// When the last task of each rank ended, and the seconds until its next one.
    private var ends: [Int: Double] = [:]
    private var gaps: [Double] = []
    /// Seconds before the first task and after the last.
    private(set) var serialSeconds = 0.0

    /// Reads `log.jsonl` of a run; see `EventLog`.
    ///
    /// - Throws: ``RunError`` when the log is missing or has no unit.
    public init(run folder: String) throws {
        source = folder
        let path = "\(folder)/log.jsonl"
        guard fileExists(path) else {
            throw RunError(
                .missing, "\(path) does not exist",
                advice: "name the folder of a run that has ended")
        }
        for line in try readFile(path).split(separator: UInt8(ascii: "\n")) {
            guard let event = try? JSON(parsing: Array(line), source: path) else { continue }
            note(event)
            take(event)
        }
        guard !byUnit.isEmpty else {
            throw RunError(
                .unsuitable, "\(path) tells of no unit that ended",
                advice: "name the folder of a run that has ended")
        }
    }

    /// Seconds between the end of a task and the next one of the same rank: the journal and the
    /// messages.
    ///
    /// One rank never waits for others, so all its gaps count; of several ranks the median does.
    var gapSeconds: Double {
        guard !gaps.isEmpty else { return 0 }
        if threads.count < 2 { return gaps.reduce(0, +) / Double(gaps.count) }
        return gaps.sorted()[gaps.count / 2]
    }

    /// Follows the clock of the run.
    private mutating func note(_ event: JSON) {
        guard let time = event["time"]?.double else { return }
        let rank = event["rank"]?.integer ?? 0
        switch event["event"]?.text {
        case "start":
            threads = (event["threads"]?.elements ?? []).map { $0.double ?? 1 }
            (start, lastEnd, hasBegun) = (time, 0, false)
            (ends, serialSeconds) = ([:], 0)
        case "begin":
            if let end = ends[rank] { gaps.append(max(0, time - end)) }
            if !hasBegun { (hasBegun, serialSeconds) = (true, max(0, time - start)) }
        case "unit", "block": (lastEnd, ends[rank]) = (time, time)
        case "end", "stop": if lastEnd > 0 { serialSeconds += max(0, time - lastEnd) }
        default: return
        }
    }

    /// Counts the seconds of a task.
    private mutating func take(_ event: JSON) {
        guard let seconds = event["seconds"]?.double, let rank = event["rank"]?.integer else {
            return
        }
        let spent = seconds * (threads.indices.contains(rank) ? threads[rank] : 1)
        switch event["event"]?.text {
        case "unit":
            let name = Self.name(
                event["evaluation"]?.text ?? "", event["hook"]?.text ?? "",
                event["unit"]?.text ?? "")
            byUnit[name, default: (0, 0)].seconds += spent
            byUnit[name, default: (0, 0)].count += 1
            for key in event["keys"]?.elements ?? [] { key.text.map { byKey[$0] = spent } }
        case "block":
            let name = event["task"]?.text ?? ""
            byBlock[name] = spent
            let parts = name.split(whereSeparator: { $0 == " " || $0 == "." }).compactMap {
                Int($0)
            }
            guard let rowSet = parts.first else { return }
            byRowSet[rowSet, default: (0, 0)].seconds += spent
            byRowSet[rowSet, default: (0, 0)].count += 1
        default: return
        }
    }

    /// What tells the units of an evaluation apart.
    private static func name(_ evaluation: String, _ hook: String, _ unit: String) -> String {
        "\(evaluation)\n\(hook)\n\(unit)"
    }

    /// Whether the run filled activations of a row set.
    func madeRowSet(_ rowSet: Int) -> Bool { byRowSet[rowSet] != nil }

    /// Seconds of a block; those of others of its row set where it is not told.
    package func seconds(block: Int, rowSet: Int) -> Double? {
        byBlock["block \(rowSet).\(block)"]
            ?? byRowSet[rowSet].map { $0.seconds / Double(max(1, $0.count)) }
    }

    /// Seconds of a unit; the mean of those with its name where its keys are not told.
    package func seconds(of unit: RunPlan.UnitPlan, in plan: RunPlan) -> Double? {
        for key in unit.keys {
            if let seconds = byKey[key.hex] { return seconds }
        }
        let name = Self.name(
            plan.evaluations[unit.evaluation].identifier,
            plan.cohorts[unit.cohort].cohort.hook.description, unit.unit)
        return byUnit[name].map { $0.seconds / Double(max(1, $0.count)) }
    }

    /// Operations in a second over all units that are told; nil when there are none.
    func operationsPerSecond(of plan: RunPlan) -> Double? {
        var (operations, seconds) = (0.0, 0.0)
        for unit in plan.units {
            guard let spent = self.seconds(of: unit, in: plan) else { continue }
            operations += unit.cost
            seconds += spent
        }
        return seconds > 0 ? operations / seconds : nil
    }
}
