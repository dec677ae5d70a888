import EvalKit
import LanguageModels

/// The work of one wave of a run as tasks of the scheduler: blocks of activations, then the units
/// that read them.
package struct TaskGraph {
    /// What a task does.
    package enum Work {
        /// Fills a block of activation sets that share a row set.
        case block(rowSet: Int, block: Int, sets: [Int])
        /// Evaluates a unit for some of its subjects.
        case unit(index: Int, subjects: [SubjectIndex])
    }

    /// A unit with partial results that are not there yet, and the subjects that lack them.
    package typealias PendingUnit = (index: Int, subjects: [SubjectIndex])

    package private(set) var work: [Work] = []
    package private(set) var tasks: [Scheduler.Task] = []
    package private(set) var dependencies = 0
    /// The activation set whose last block meets a dependency.
    package private(set) var setOfDependency: [Int: Int] = [:]

    private let plan: RunPlan
    private var dependencyOfSet: [Int: Int] = [:]
    private var dependencyOfUnit: [Int: Int] = [:]

    /// - Parameters:
    ///   - units: units to evaluate, in the order of the plan.
    ///   - blocks: for each activation set that is not complete, the blocks that it lacks.
    package init(_ plan: RunPlan, units: [PendingUnit], blocks: [Int: [Int]]) {
        self.plan = plan
        for (set, lacking) in blocks.sorted(by: { $0.key < $1.key }) where !lacking.isEmpty {
            let dependency = newDependency()
            (dependencyOfSet[set], setOfDependency[dependency]) = (dependency, set)
        }
        addBlocks(blocks)
        let pending = Set(units.map(\.index))
        for unit in units {
            for earlier in plan.units[unit.index].dependsOn
            where pending.contains(earlier) && dependencyOfUnit[earlier] == nil {
                dependencyOfUnit[earlier] = newDependency()
            }
        }
        for unit in units { add(unit) }
    }

    /// Units by the wave in which they can be evaluated: the last of those of the activations and
    /// units that they read.
    package static func waves(of units: [PendingUnit], in plan: RunPlan) -> [(Int, [PendingUnit])] {
        var waves = [Int](repeating: 0, count: plan.units.count)
        for (index, unit) in plan.units.enumerated() {
            waves[index] =
                (unit.reads.map { plan.activationSets[$0].wave } + unit.dependsOn.map { waves[$0] })
                .max() ?? 0
        }
        return Dictionary(grouping: units) { waves[$0.index] }.sorted { $0.key < $1.key }
    }

    /// The part of a unit's cost that some of its subjects make.
    package static func cost(of unit: PendingUnit, in plan: RunPlan) -> Double {
        let planned = plan.units[unit.index]
        return planned.isSharedByAllSubjects
            ? planned.cost
            : planned.cost * Double(unit.subjects.count) / Double(max(1, planned.subjects.count))
    }

    private mutating func newDependency() -> Int {
        dependencies += 1
        return dependencies - 1
    }

    private mutating func addBlocks(_ blocks: [Int: [Int]]) {
        var sets: [[Int]: [Int]] = [:]
        for (set, lacking) in blocks {
            for block in lacking {
                sets[[plan.activationSets[set].rowSet, block], default: []].append(set)
            }
        }
        for (key, unordered) in sets.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let members = unordered.sorted()
            work.append(.block(rowSet: key[0], block: key[1], sets: members))
            // Blocks load the model alone, which is one artifact; rows are the cohort.
            tasks.append(
                Scheduler.Task(
                    cost: blockCost(rowSet: key[0], sets: members), artifact: -1,
                    cohort: -1 - key[0], contributesTo: members.compactMap { dependencyOfSet[$0] }))
        }
    }

    /// Operations of the forward pass that fills one block.
    private func blockCost(rowSet index: Int, sets: [Int]) -> Double {
        let rowSet = plan.rowSets[index]
        let deepest = sets.map { plan.activationSets[$0].hook.layer + 1 }.max() ?? 0
        let share = Double(rowSet.blockRows) / Double(max(1, rowSet.storedRows))
        return min(1, share)
            * plan.model.forwardOperations(
                tokens: rowSet.tokens, positions: rowSet.request.contextSize, blocks: 0..<deepest,
                unembedding: false)
    }

    private mutating func add(_ unit: PendingUnit) {
        let planned = plan.units[unit.index]
        work.append(.unit(index: unit.index, subjects: unit.subjects))
        // Units of one autoencoder load its weights; others load those of the whole cohort.
        let artifact =
            unit.subjects.count == 1 && !planned.isSharedByAllSubjects
            ? plan.cohorts.count + planned.cohort * 1_000_000 + unit.subjects[0].value
            : planned.cohort
        let dependsOn =
            planned.reads.compactMap { dependencyOfSet[$0] }
            + planned.dependsOn.compactMap { dependencyOfUnit[$0] }
        tasks.append(
            Scheduler.Task(
                cost: Self.cost(of: unit, in: plan), artifact: artifact, cohort: planned.cohort,
                dependsOn: Array(Set(dependsOn)).sorted(),
                contributesTo: dependencyOfUnit[unit.index].map { [$0] } ?? []))
    }
}
