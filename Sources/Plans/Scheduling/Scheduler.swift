/// Decides which task goes to which worker; runs and simulations share it.
///
/// A task is ready when its dependencies are met; a dependency is met when all tasks that
/// contribute to it are done. Of the ready tasks a worker gets the most urgent one: that with the
/// longest chain of costs from its own to the end. One that is at least half as urgent comes first
/// when it needs what the worker holds, and a task of the same cohort before one of another. While
/// there is so much other work that nothing needs to begin yet, these come first however urgent
/// they are: a worker then completes one autoencoder after the other, and results come all along a
/// run.
///
/// Cost: `O(log tasks)` for each hand-out.
package struct Scheduler {
    /// A piece of work.
    package struct Task {
        /// Floating-point operations or seconds; only ratios count.
        package var cost: Double
        /// Names what a worker loads for it, such as one autoencoder's weights.
        var artifact: Int
        /// Names what tasks of several artifacts share.
        var cohort: Int
        /// Dependencies that must be met; earlier tasks contribute to them.
        var dependsOn: [Int] = []
        /// Dependencies that wait for it.
        var contributesTo: [Int] = []
    }

    /// Tasks among which the most urgent is looked for.
    private enum Group: Hashable {
        case all
        case artifact(Int)
        case cohort(Int)
    }

    /// Where a task stands.
    private enum State { case waiting, ready, running, done }

    private let tasks: [Task]
    /// Tasks from the most to the least urgent, and each task's position there.
    private let order: [Int]
    private let position: [Int]
    private let urgency: [Double]
    private var states: [State]
    /// For each task, how many dependencies are not met; for each dependency, how many tasks are
    /// left; and the tasks that depend on it.
    private var unmet: [Int]
    private var countdown: [Int]
    private let dependents: [[Int]]
    /// Ready tasks by position; entries that are no longer ready are dropped when they come up.
    private var ready: [Group: PositionHeap] = [:]
    /// The last task of each worker.
    private var last: [Int: Int] = [:]
    /// Cost of the tasks that no worker has and none has done.
    private var waitingCost: Double

    /// Tasks that are not done.
    package private(set) var remaining: Int

    /// - Parameters:
    ///   - tasks: in an order in which those that contribute to a dependency come before those that
    ///     depend on it.
    ///   - dependencies: how many there are; one to which nothing contributes is met.
    package init(_ tasks: [Task], dependencies: Int) {
        self.tasks = tasks
        var dependents = [[Int]](repeating: [], count: dependencies)
        var countdown = [Int](repeating: 0, count: dependencies)
        for (index, task) in tasks.enumerated() {
            for dependency in task.dependsOn { dependents[dependency].append(index) }
            for dependency in task.contributesTo { countdown[dependency] += 1 }
        }
        var urgency = [Double](repeating: 0, count: tasks.count)
        var urgencyAfter = [Double](repeating: 0, count: dependencies)
        for (index, task) in tasks.enumerated().reversed() {
            urgency[index] = task.cost + (task.contributesTo.map { urgencyAfter[$0] }.max() ?? 0)
            for dependency in task.dependsOn {
                urgencyAfter[dependency] = max(urgencyAfter[dependency], urgency[index])
            }
        }
        order = tasks.indices.sorted {
            urgency[$0] == urgency[$1] ? $0 < $1 : urgency[$0] > urgency[$1]
        }
        var position = [Int](repeating: 0, count: tasks.count)
        for (index, task) in order.enumerated() { position[task] = index }
        (self.position, self.urgency) = (position, urgency)
        (self.dependents, self.countdown) = (dependents, countdown)
        unmet = tasks.map { task in task.dependsOn.count { countdown[$0] > 0 } }
        states = [State](repeating: .waiting, count: tasks.count)
        remaining = tasks.count
        waitingCost = tasks.reduce(0) { $0 + $1.cost }
        for index in tasks.indices where unmet[index] == 0 { makeReady(index) }
    }

    /// Hands a ready task to a worker; nil when none is ready.
    package mutating func next(for worker: Int) -> Int? {
        guard var chosen = mostUrgent(of: .all) else { return nil }
        if let held = last[worker].map({ tasks[$0] }) {
            // Twice the time that the longest chain takes, for all workers.
            let limit = 2 * urgency[chosen] * Double(last.count)
            let enough = waitingCost < limit ? urgency[chosen] / 2 : 0
            for group in [Group.artifact(held.artifact), .cohort(held.cohort)] {
                guard let near = mostUrgent(of: group), urgency[near] >= enough else { continue }
                chosen = near
                break
            }
        }
        states[chosen] = .running
        last[worker] = chosen
        waitingCost -= tasks[chosen].cost
        return chosen
    }

    /// Counts a task as done.
    ///
    /// - Returns: the dependencies that are met by this.
    package mutating func finish(_ task: Int) -> [Int] {
        guard states[task] != .done else { return [] }
        states[task] = .done
        remaining -= 1
        var met: [Int] = []
        for dependency in tasks[task].contributesTo {
            countdown[dependency] -= 1
            guard countdown[dependency] == 0 else { continue }
            met.append(dependency)
            for index in dependents[dependency] {
                unmet[index] -= 1
                if unmet[index] == 0, states[index] == .waiting { makeReady(index) }
            }
        }
        return met
    }

    /// Makes a task ready again whose worker is lost.
    package mutating func giveBack(_ task: Int) {
        guard states[task] == .running else { return }
        waitingCost += tasks[task].cost
        makeReady(task)
    }

    private mutating func makeReady(_ task: Int) {
        states[task] = .ready
        for group in [Group.all, .artifact(tasks[task].artifact), .cohort(tasks[task].cohort)] {
            ready[group, default: PositionHeap()].insert(position[task])
        }
    }

    /// The most urgent task of a group that is still ready.
    private mutating func mostUrgent(of group: Group) -> Int? {
        while let first = ready[group]?.first {
            let task = order[first]
            if states[task] == .ready { return task }
            ready[group]?.removeFirst()
        }
        return nil
    }
}

/// Positions with the smallest first.
private struct PositionHeap {
    private var positions: [Int] = []

    var first: Int? { positions.first }

    mutating func insert(_ position: Int) {
        positions.append(position)
        var child = positions.count - 1
        while child > 0, positions[(child - 1) / 2] > positions[child] {
            positions.swapAt((child - 1) / 2, child)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        positions.swapAt(0, positions.count - 1)
        positions.removeLast()
        var parent = 0
        while 2 * parent + 1 < positions.count {
            var child = 2 * parent + 1
            if child + 1 < positions.count, positions[child + 1] < positions[child] { child += 1 }
            guard positions[child] < positions[parent] else { return }
            positions.swapAt(parent, child)
            parent = child
        }
    }
}
