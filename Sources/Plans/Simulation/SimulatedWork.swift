import Basics
import EvalKit

/// A task of a simulated run and what it takes.
struct SimulatedTask: Sendable {
    /// What reports call it.
    var name: String
    /// Seconds of arithmetic on a core.
    package var seconds: Double
    /// Weights that it needs: names and bytes.
    var artifacts: [(id: Int, bytes: Double)] = []
    /// What a rank keeps weights for: it lets those of another cohort go.
    var cohort = 0
    /// Bytes of activations that it reads or writes.
    var bytes = 0.0
}

/// The tasks of one wave, for the scheduler and for the clock.
struct SimulatedWave: Sendable {
    /// What they take.
    package var tasks: [SimulatedTask]
    /// The same tasks as the scheduler sees them.
    var schedule: [Scheduler.Task]
    /// Dependencies between them.
    package var dependencies: Int

    /// The longest sequence of tasks that come after one another: its seconds, and its tasks.
    func longestChain() -> (seconds: Double, tasks: [Int]) {
        var behind = [(seconds: Double, task: Int?)](repeating: (0, nil), count: dependencies)
        var next = [Int?](repeating: nil, count: tasks.count)
        var best: (seconds: Double, task: Int?) = (0, nil)
        for index in tasks.indices.reversed() {
            let follower = schedule[index].contributesTo.map { behind[$0] }.max {
                $0.seconds < $1.seconds
            }
            let seconds = tasks[index].seconds + (follower?.seconds ?? 0)
            next[index] = follower?.task
            if seconds > best.seconds { best = (seconds, index) }
            for dependency in schedule[index].dependsOn where seconds > behind[dependency].seconds {
                behind[dependency] = (seconds, index)
            }
        }
        var chain: [Int] = []
        var current = best.task
        while let task = current {
            chain.append(task)
            current = next[task]
        }
        return (best.seconds, chain)
    }
}

/// The work of a plan for the simulation: what a run would hand to the scheduler, wave by wave.
struct SimulatedWork {
    /// The plan.
    private let plan: RunPlan
    /// For each unit the fraction of its inputs that it reads.
    private let readShares: [Double]
    /// Seconds of a run; nil without one.
    private let measured: MeasuredSeconds?
    /// Operations of a core in a second.
    private let rate: Double

    /// - Parameters:
    ///   - profile: how long operations take.
    ///   - measured: seconds of a run, which count more.
    init(_ outline: PlanOutline, on profile: MachineProfile, measured: MeasuredSeconds?) {
        (plan, readShares) = (outline.plan, outline.readShares)
        self.measured = measured
        rate =
            measured?.operationsPerSecond(of: outline.plan) ?? profile.operationsPerSecond
    }

    /// The waves of a run from its start.
    package func waves() -> [SimulatedWave] {
        let pending = plan.units.indices.map { index in
            let unit = plan.units[index]
            let subjects =
                unit.isSharedByAllSubjects ? Array(unit.subjects.prefix(1)) : unit.subjects
            return (index: index, subjects: subjects)
        }
        return TaskGraph.waves(of: pending, in: plan).map { wave($0.1) }
    }

    /// The tasks of one wave.
    private func wave(_ units: [TaskGraph.PendingUnit]) -> SimulatedWave {
        let graph = TaskGraph(plan, units: units, blocks: blocks(of: units))
        let tasks = zip(graph.work, graph.tasks).map { work, task in
            switch work {
            case .block(let rowSet, let block, let sets):
                blockTask(rowSet: rowSet, block: block, sets: sets, cost: task.cost)
            case .unit(let index, _): unitTask(index, cost: task.cost)
            }
        }
        return SimulatedWave(tasks: tasks, schedule: graph.tasks, dependencies: graph.dependencies)
    }

    /// For each activation set that some units read and that is not there, all its blocks.
    private func blocks(of units: [TaskGraph.PendingUnit]) -> [Int: [Int]] {
        var blocks: [Int: [Int]] = [:]
        for set in Set(units.flatMap { plan.units[$0.index].reads }).sorted() {
            let entry = plan.activationSets[set]
            let isMade = measured.map { $0.madeRowSet(entry.rowSet) } ?? !fileExists(entry.path)
            guard entry.policy == .store, isMade else { continue }
            let rows = plan.rowSets[entry.rowSet]
            blocks[set] = Array(0..<(rows.storedRows + rows.blockRows - 1) / rows.blockRows)
        }
        return blocks
    }

    /// A block of activations: needs the model, writes its part of the files.
    private func blockTask(rowSet: Int, block: Int, sets: [Int], cost: Double) -> SimulatedTask {
        let rows = plan.rowSets[rowSet]
        let share = min(1, Double(rows.blockRows) / Double(max(1, rows.storedRows)))
        let seconds = measured?.seconds(block: block, rowSet: rowSet)
        return SimulatedTask(
            name: "block \(block) of \(rows.request.dataset)",
            seconds: seconds ?? cost / rate,
            artifacts: seconds == nil ? [model] : [], cohort: Self.modelCohort,
            bytes: seconds == nil
                ? share * sets.reduce(0) { $0 + Double(plan.activationSets[$1].byteCount) } : 0)
    }

    /// A unit: needs the weights of its autoencoders, reads activations.
    private func unitTask(_ index: Int, cost: Double) -> SimulatedTask {
        let unit = plan.units[index]
        let cohort = plan.cohorts[unit.cohort].cohort
        let name =
            "\(plan.evaluations[unit.evaluation].identifier) \(unit.unit) at \(cohort.hook)"
            + (unit.subjects.count == 1
                ? " of \(cohort.subjects[unit.subjects[0].value].name)" : "")
        if let seconds = measured?.seconds(of: unit, in: plan) {
            return SimulatedTask(name: name, seconds: seconds, cohort: unit.cohort)
        }
        var artifacts = readsPackedRows(unit) ? [model] : []
        if !unit.isSharedByAllSubjects {
            artifacts += unit.subjects.map { subject in
                (
                    unit.cohort * 1_000_000 + subject.value,
                    Double(cohort.subjects[subject.value].reference.storedBytes)
                )
            }
        }
        let bytes = unit.reads.reduce(0.0) { sum, set in
            let entry = plan.activationSets[set]
            return sum + (entry.policy == .store ? Double(entry.byteCount) : 0)
        }
        return SimulatedTask(
            name: name, seconds: cost / rate, artifacts: artifacts, cohort: unit.cohort,
            bytes: readShares[index] * bytes)
    }

    /// Whether a unit lets the model go on after the hook.
    private func readsPackedRows(_ unit: RunPlan.UnitPlan) -> Bool {
        unit.reads.contains { set in
            guard case .rows = plan.rowSets[plan.activationSets[set].rowSet].request else {
                return false
            }
            return true
        }
    }

    /// The weights of the model.
    private var model: (id: Int, bytes: Double) { (-1, 4 * Double(plan.model.parameters)) }

    /// The cohort of tasks that need the model alone; weights of autoencoders stay with it.
    static let modelCohort = -1
}
