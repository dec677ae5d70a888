/// Decides which task goes to which worker; runs and simulations share it.
///
/// A task is ready when the gates that it needs are open; a gate opens when all tasks that feed it
/// are done. Of the ready tasks a worker gets the most urgent one: that with the longest chain of
/// costs from its own to the end. One that is at least half as urgent comes first when it needs what
/// the worker holds, and a task of the same cohort before one of another. While there is so much
/// other work that nothing needs to begin yet, these come first however urgent they are: a worker
/// then completes one autoencoder after the other, and results come all along a run.
///
/// Cost: `O(log tasks)` for each hand-out.
package struct Scheduler {
    /// A piece of work.
    package struct Task {
        /// Floating-point operations or seconds; only ratios count.
        package var cost: Double
        /// Names what a worker loads for it, such as one autoencoder's weights.
        var artefact: Int
        /// Names what tasks of several artefacts share.
        var cohort: Int
        /// Gates that must be open; earlier tasks feed them.
        var needs: [Int] = []
        /// Gates that wait for it.
        var feeds: [Int] = []
    }

    /// Tasks among which the most urgent is looked for.
    private enum Group: Hashable {
        case all
        case artefact(Int)
        case cohort(Int)
    }

    /// Where a task stands.
    private enum State { case waiting, ready, running, done }

    private let tasks: [Task]
    /// Tasks from the most to the least urgent, and each task's place there.
    private let order: [Int]
    private let place: [Int]
    private let urgency: [Double]
    private var states: [State]
    /// For each task, gates that it waits for; for each gate, tasks that it waits for.
    private var closedGates: [Int]
    private var feeders: [Int]
    private let dependents: [[Int]]
    /// Ready tasks by place; entries that are no longer ready are dropped when they come up.
    private var ready: [Group: PlaceHeap] = [:]
    /// The last task of each worker.
    private var last: [Int: Int] = [:]
    /// Cost of the tasks that no worker has and none has done.
    private var waitingCost: Double

    /// Tasks that are not done.
    package private(set) var remaining: Int

    /// - Parameters:
    ///   - tasks: in an order in which gates are fed before they are needed.
    ///   - gates: how many there are; one that nothing feeds is open.
    package init(_ tasks: [Task], gates: Int) {
        self.tasks = tasks
        var dependents = [[Int]](repeating: [], count: gates)
        var feeders = [Int](repeating: 0, count: gates)
        for (index, task) in tasks.enumerated() {
            for gate in task.needs { dependents[gate].append(index) }
            for gate in task.feeds { feeders[gate] += 1 }
        }
        var urgency = [Double](repeating: 0, count: tasks.count)
        var urgencyBehind = [Double](repeating: 0, count: gates)
        for (index, task) in tasks.enumerated().reversed() {
            urgency[index] = task.cost + (task.feeds.map { urgencyBehind[$0] }.max() ?? 0)
            for gate in task.needs {
                urgencyBehind[gate] = max(urgencyBehind[gate], urgency[index])
            }
        }
        order = tasks.indices.sorted {
            urgency[$0] == urgency[$1] ? $0 < $1 : urgency[$0] > urgency[$1]
        }
        var place = [Int](repeating: 0, count: tasks.count)
        for (position, task) in order.enumerated() { place[task] = position }
        (self.place, self.urgency) = (place, urgency)
        (self.dependents, self.feeders) = (dependents, feeders)
        closedGates = tasks.map { task in task.needs.count { feeders[$0] > 0 } }
        states = [State](repeating: .waiting, count: tasks.count)
        remaining = tasks.count
        waitingCost = tasks.reduce(0) { $0 + $1.cost }
        for index in tasks.indices where closedGates[index] == 0 { makeReady(index) }
    }

    /// Hands a ready task to a worker; nil when none is ready.
    package mutating func next(for worker: Int) -> Int? {
        guard var chosen = mostUrgent(of: .all) else { return nil }
        if let held = last[worker].map({ tasks[$0] }) {
            // Twice the time that the longest chain takes, for all workers.
            let limit = 2 * urgency[chosen] * Double(last.count)
            let enough = waitingCost < limit ? urgency[chosen] / 2 : 0
            for group in [Group.artefact(held.artefact), .cohort(held.cohort)] {
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
    /// - Returns: the gates that this opened.
    package mutating func finish(_ task: Int) -> [Int] {
        guard states[task] != .done else { return [] }
        states[task] = .done
        remaining -= 1
        var opened: [Int] = []
        for gate in tasks[task].feeds {
            feeders[gate] -= 1
            guard feeders[gate] == 0 else { continue }
            opened.append(gate)
            for index in dependents[gate] {
                closedGates[index] -= 1
                if closedGates[index] == 0, states[index] == .waiting { makeReady(index) }
            }
        }
        return opened
    }

    /// Makes a task ready again whose worker is lost.
    package mutating func giveBack(_ task: Int) {
        guard states[task] == .running else { return }
        waitingCost += tasks[task].cost
        makeReady(task)
    }

    private mutating func makeReady(_ task: Int) {
        states[task] = .ready
        for group in [Group.all, .artefact(tasks[task].artefact), .cohort(tasks[task].cohort)] {
            ready[group, default: PlaceHeap()].insert(place[task])
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

/// Places with the smallest first.
private struct PlaceHeap {
    private var places: [Int] = []

    var first: Int? { places.first }

    mutating func insert(_ place: Int) {
        places.append(place)
        var child = places.count - 1
        while child > 0, places[(child - 1) / 2] > places[child] {
            places.swapAt((child - 1) / 2, child)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        places.swapAt(0, places.count - 1)
        places.removeLast()
        var parent = 0
        while 2 * parent + 1 < places.count {
            var child = 2 * parent + 1
            if child + 1 < places.count, places[child + 1] < places[child] { child += 1 }
            guard places[child] < places[parent] else { return }
            places.swapAt(parent, child)
            parent = child
        }
    }
}
