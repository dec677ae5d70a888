import EvalKit
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// Tasks of some costs, all of one artifact and cohort.
private func tasks(_ costs: [Double]) -> [Scheduler.Task] {
    costs.map { Scheduler.Task(cost: $0, artifact: 0, cohort: 0) }
}

struct SchedulerTests {
    @Test("Longest tasks go first, equal ones in their order")
    func longestFirst() {
        var scheduler = Scheduler(tasks([1, 5, 3, 5]), dependencies: 0)
        let order = (0..<4).map { scheduler.next(for: $0) }
        #expect(order == [1, 3, 2, 0])
        #expect(scheduler.next(for: 9) == nil)
        #expect(scheduler.remaining == 4)
    }

    @Test("A short task at the head of a long chain goes before a longer one")
    func chains() {
        var all = tasks([2, 1, 9])
        all[1].contributesTo = [0]
        all[2].dependsOn = [0]
        var scheduler = Scheduler(all, dependencies: 1)
        #expect(scheduler.next(for: 0) == 1)
        #expect(scheduler.next(for: 1) == 0)
        #expect(scheduler.next(for: 2) == nil)
        #expect(scheduler.finish(1) == [0])
        #expect(scheduler.next(for: 2) == 2)
    }

    @Test(
        "The longest of the chains behind a dependency counts, wherever it stands",
        arguments: [[9.0, 1.0], [1.0, 9.0]])
    func longestChain(behind costs: [Double]) {
        // The first meets the dependency of the last two; the second is alone.
        var all = tasks([1, 5] + costs)
        all[0].contributesTo = [0]
        (all[2].dependsOn, all[3].dependsOn) = ([0], [0])
        var scheduler = Scheduler(all, dependencies: 1)
        #expect(scheduler.next(for: 0) == 0)
        #expect(scheduler.next(for: 1) == 1)
    }

    @Test("A dependency is met when the last of those that contribute to it is done")
    func dependencies() {
        var all = tasks([1, 1, 1])
        (all[0].contributesTo, all[1].contributesTo, all[2].dependsOn) = ([0], [0], [0])
        var scheduler = Scheduler(all, dependencies: 1)
        _ = (scheduler.next(for: 0), scheduler.next(for: 1))
        #expect(scheduler.finish(1).isEmpty)
        #expect(scheduler.next(for: 1) == nil)
        #expect(scheduler.finish(0) == [0])
        #expect(scheduler.finish(0).isEmpty)
        #expect(scheduler.next(for: 1) == 2)
        _ = scheduler.finish(2)
        #expect(scheduler.remaining == 0)
    }

    @Test("A worker prefers what it holds, unless something more than twice as urgent waits")
    func holding() {
        var all = tasks([8, 6, 4, 3])
        (all[0].artifact, all[1].artifact, all[2].artifact, all[3].artifact) = (1, 2, 1, 1)
        (all[0].cohort, all[1].cohort, all[2].cohort, all[3].cohort) = (1, 2, 1, 1)
        var scheduler = Scheduler(all, dependencies: 0)
        #expect(scheduler.next(for: 0) == 0)
        // 4 is more than half of 6.
        #expect(scheduler.next(for: 0) == 2)
        #expect(scheduler.next(for: 0) == 3)
        #expect(scheduler.next(for: 0) == 1)

        all[2].cost = 2
        all[3].cost = 1
        scheduler = Scheduler(all, dependencies: 0)
        #expect(scheduler.next(for: 0) == 0)
        #expect(scheduler.next(for: 0) == 1)
    }

    @Test("While there is time a worker completes what it holds, and long tasks do not end a run")
    func completing() {
        // Six autoencoders, each with a long and a short task.
        let all = (0..<12).map {
            Scheduler.Task(cost: $0 % 2 == 0 ? 4 : 1, artifact: $0 / 2, cohort: 0)
        }
        var scheduler = Scheduler(all, dependencies: 0)
        let order = all.indices.map { _ in scheduler.next(for: 0) }
        #expect(order == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 9])
        // With six workers nothing may wait.
        scheduler = Scheduler(all, dependencies: 0)
        #expect((0..<6).map { scheduler.next(for: $0) } == [0, 2, 4, 6, 8, 10])
    }

    @Test("A worker prefers the cohort that it holds when its artifact has no more tasks")
    func cohorts() {
        var all = tasks([8, 6, 5])
        (all[0].artifact, all[1].artifact, all[2].artifact) = (1, 2, 3)
        (all[0].cohort, all[1].cohort, all[2].cohort) = (1, 2, 1)
        var scheduler = Scheduler(all, dependencies: 0)
        #expect(scheduler.next(for: 0) == 0)
        #expect(scheduler.next(for: 0) == 2)
    }

    @Test("The task of a lost worker goes to another, and is counted once")
    func lost() {
        var scheduler = Scheduler(tasks([2, 1]), dependencies: 0)
        #expect(scheduler.next(for: 0) == 0)
        scheduler.giveBack(0)
        #expect(scheduler.next(for: 1) == 0)
        #expect(scheduler.next(for: 1) == 1)
        #expect(scheduler.next(for: 1) == nil)
        _ = (scheduler.finish(0), scheduler.finish(0), scheduler.finish(1))
        #expect(scheduler.remaining == 0)
    }

    @Test("No worker idles while a task is ready, whatever the graph", arguments: 1..<20)
    func neverIdle(seed: Int) {
        var state = UInt64(seed)
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let dependencies = 12
        let all = (0..<200).map { index in
            Scheduler.Task(
                cost: Double(1 + random(50)), artifact: random(5), cohort: random(3),
                dependsOn: index >= 100 ? [random(dependencies)] : [],
                contributesTo: index < 100 ? [random(dependencies)] : [])
        }
        var scheduler = Scheduler(all, dependencies: dependencies)
        var (running, done): ([Int], Set<Int>) = ([], [])
        while scheduler.remaining > 0 {
            while running.count < 7, let task = scheduler.next(for: running.count) {
                running.append(task)
            }
            let met = (0..<dependencies).filter { dependency in
                all.indices.allSatisfy {
                    !all[$0].contributesTo.contains(dependency) || done.contains($0)
                }
            }
            let ready = all.indices.filter { index in
                !done.contains(index) && !running.contains(index)
                    && all[index].dependsOn.allSatisfy(met.contains)
            }
            #expect(running.count == 7 || ready.isEmpty)
            let finished = running.remove(at: random(running.count))
            _ = scheduler.finish(finished)
            #expect(done.insert(finished).inserted)
        }
        #expect(done.count == 200)
    }
}

struct TaskGraphTests {
    /// A plan of two activation sets of one row set and three units, of which the last rests on the
    /// first.
    private func plan() -> RunPlan {
        var plan = toyPlan()
        var second = plan.activationSets[0]
        second.wave = 1
        plan.activationSets.append(second)
        let unit = plan.units[0]
        plan.units = [unit, unit, unit]
        plan.units[1].reads = [1]
        (plan.units[2].reads, plan.units[2].dependsOn) = ([], [0])
        return plan
    }

    @Test("A block serves all sets that lack it, and units wait for their sets and earlier units")
    func graph() {
        let units = (0..<3).map { ($0, [SubjectIndex(0)]) }
        let graph = TaskGraph(plan(), units: units, blocks: [0: [0, 1], 1: [1]])
        var scheduler = Scheduler(graph.tasks, dependencies: graph.dependencies)
        let kinds = graph.work.map { work in
            switch work {
            case .block(_, let block, let sets): "block \(block) \(sets)"
            case .unit(let index, _): "unit \(index)"
            }
        }
        #expect(kinds == ["block 0 [0]", "block 1 [0, 1]", "unit 0", "unit 1", "unit 2"])
        let first = [scheduler.next(for: 0), scheduler.next(for: 1), scheduler.next(for: 2)]
        #expect(Set(first) == [0, 1, nil])
        #expect(scheduler.finish(1).map { graph.setOfDependency[$0] } == [1])
        #expect(scheduler.next(for: 2) == 3)
        #expect(scheduler.finish(0).map { graph.setOfDependency[$0] } == [0])
        #expect(scheduler.next(for: 0) == 2)
        #expect(scheduler.next(for: 1) == nil)
        _ = scheduler.finish(2)
        #expect(scheduler.next(for: 1) == 4)
    }

    @Test("A unit belongs to the last wave of what it reads")
    func waves() {
        let units = (0..<3).map { ($0, [SubjectIndex(0)]) }
        let waves = TaskGraph.waves(of: units, in: plan())
        #expect(waves.map(\.0) == [0, 1])
        #expect(waves.map { $0.1.map(\.index) } == [[0, 2], [1]])
    }
}
