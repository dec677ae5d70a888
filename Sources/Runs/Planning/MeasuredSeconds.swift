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

    /// Reads `log.jsonl` of a run; see ``EventLog``.
    ///
    /// - Throws: ``RunError`` when the log is missing or has no unit.
    public init(run folder: String) throws {
        source = folder
        let path = "\(folder)/log.jsonl"
        guard fileExists(path) else {
            throw RunError(
                .missing, "\(path) is missing", advice: "name the folder of a run that has ended")
        }
        var threads: [Double] = []
        for line in try readFile(path).split(separator: UInt8(ascii: "\n")) {
            guard let event = try? JSON(parsing: Array(line), source: path) else { continue }
            if event["event"]?.text == "start" {
                threads = (event["threads"]?.elements ?? []).map { $0.double ?? 1 }
            }
            take(event, threads: threads)
        }
        guard !byUnit.isEmpty else {
            throw RunError(
                .unsuitable, "\(path) tells of no unit that ended",
                advice: "name the folder of a run that has ended")
        }
    }

    /// Counts one event.
    ///
    /// - Parameter threads: of each rank.
    private mutating func take(_ event: JSON, threads: [Double]) {
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
    func seconds(block: Int, rowSet: Int) -> Double? {
        byBlock["block \(rowSet).\(block)"]
            ?? byRowSet[rowSet].map { $0.seconds / Double(max(1, $0.count)) }
    }

    /// Seconds of a unit; the mean of those with its name where its keys are not told.
    func seconds(of unit: RunPlan.UnitPlan, in plan: RunPlan) -> Double? {
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
