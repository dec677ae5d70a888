import Basics
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// Tasks without dependencies.
private func independent(_ seconds: [Double]) -> SimulatedWave {
    SimulatedWave(
        tasks: seconds.map { SimulatedTask(name: "task of \($0)", seconds: $0) },
        schedule: seconds.map { Scheduler.Task(cost: $0, artifact: 0, cohort: 0) }, dependencies: 0)
}

/// Tasks of which each waits for the one before.
private func chain(_ seconds: [Double]) -> SimulatedWave {
    var wave = independent(seconds)
    for index in seconds.indices {
        if index > 0 { wave.schedule[index].dependsOn = [index - 1] }
        if index < seconds.count - 1 { wave.schedule[index].contributesTo = [index] }
    }
    wave.dependencies = seconds.count - 1
    return wave
}

/// A machine on which only arithmetic takes time.
private func setup(_ ranks: Int, cores: Int? = nil) -> Simulation.Setup {
    Simulation.Setup(
        ranks: ranks, ranksPerNode: ranks, cores: cores, diskRate: 1e9, sharedRate: 1e9,
        loadRate: 1e10, cacheBytes: 1e12, journalSeconds: 0)
}

/// A machine for reports on which only arithmetic takes time.
private func profile(journal: Double = 0) -> MachineProfile {
    MachineProfile(
        name: "test", note: "", operationsPerSecond: 1, ranksPerNode: 4, diskBytesPerSecond: 1e9,
        sharedBytesPerSecond: 1e9, loadBytesPerSecond: 1e10, memoryBytes: 1 << 40, isGPU: false,
        journalSeconds: journal)
}

struct SimulationTests {
    @Test(
        "Equal independent tasks take as many rounds as they must",
        arguments: [(1, 12.0), (2, 6), (3, 4), (5, 3), (12, 1), (100, 1)])
    func equalTasks(ranks: Int, makespan: Double) {
        let times = Simulation.times(
            of: [independent(Array(repeating: 1, count: 12))], setup(ranks))
        #expect(abs(times.makespan - makespan) < 1e-9)
        #expect(times.arithmetic == 12)
    }

    @Test("Ranks that share cores stretch each other's tasks")
    func sharedCores() {
        let wave = independent(Array(repeating: 1, count: 12))
        #expect(abs(Simulation.times(of: [wave], setup(4, cores: 2)).makespan - 6) < 1e-9)
        // Three tasks on two cores: two thirds of the speed until all end together.
        let few = independent([1, 1, 1])
        #expect(abs(Simulation.times(of: [few], setup(4, cores: 2)).makespan - 1.5) < 1e-9)
    }

    @Test("Waves come one after the other")
    func waves() {
        let times = Simulation.times(of: [independent([3, 1]), independent([2])], setup(2))
        #expect(abs(times.makespan - 5) < 1e-9)
    }

    @Test("A long chain is found, told and named as the limit")
    func longChain() {
        var wave = chain([5, 20, 5])
        let others = independent(Array(repeating: 1, count: 10))
        wave.tasks += others.tasks
        wave.schedule += others.schedule
        #expect(wave.longestChain().seconds == 30)
        #expect(wave.longestChain().tasks == [0, 1, 2])
        let report = SimulationReport(
            waves: [wave], on: profile(), source: "test", ranks: [1, 4], cores: nil,
            planningSeconds: 0)
        #expect(abs(report.lines[0].makespan - 40) < 1e-9)
        #expect(abs(report.lines[0].efficiency - 1) < 1e-9)
        #expect(report.lines[0].limit == nil)
        #expect(abs(report.lines[1].makespan - 30) < 1e-9)
        #expect(abs(report.lines[1].efficiency - 40.0 / 120) < 1e-9)
        #expect(report.lines[1].limit == .longestChain)
        #expect(report.longestTask == "task of 20.0" && report.longestTaskSeconds == 20)
    }

    @Test("Weights are read from disk once on a node and then from memory")
    func loading() {
        var wave = independent([1, 1, 1, 1])
        for index in wave.tasks.indices { wave.tasks[index].artifacts = [(7, 2e9)] }
        let one = Simulation.times(of: [wave], setup(1))
        #expect(abs(one.loading - 2) < 1e-9)
        #expect(abs(one.makespan - 6) < 1e-9)
        let four = Simulation.times(of: [wave], setup(4))
        #expect(abs(four.loading - (2 + 3 * 0.2)) < 1e-9)
        var nodes = setup(4)
        nodes.ranksPerNode = 2
        #expect(abs(Simulation.times(of: [wave], nodes).loading - (4 + 2 * 0.2)) < 1e-9)
    }

    @Test("A rank that goes to another cohort lets weights go")
    func cohorts() {
        var wave = independent([1, 1, 1])
        for (index, cohort) in [0, 1, 0].enumerated() {
            wave.tasks[index].artifacts = [(cohort, 1e9)]
            wave.tasks[index].cohort = cohort
            wave.schedule[index].cohort = cohort
            wave.schedule[index].artifact = cohort
            wave.schedule[index].cost = Double(10 * (3 - index))
        }
        // The scheduler stays with a cohort only where that is urgent enough: 30, 20, 10.
        let loading = Simulation.times(of: [wave], setup(1)).loading
        #expect(abs(loading - 2.1) < 1e-9 || abs(loading - 2) < 1e-9)
    }

    @Test("Transfers of all ranks share the file system")
    func fileSystem() {
        var wave = independent([1, 1, 1, 1])
        for index in wave.tasks.indices { wave.tasks[index].bytes = 10e9 }
        let times = Simulation.times(of: [wave], setup(4))
        #expect(abs(times.makespan - 41) < 1e-9)
        #expect(abs(times.fileSystem - (10 + 20 + 30 + 40)) < 1e-9)
        let report = SimulationReport(
            waves: [wave], on: profile(), source: "test", ranks: [4], cores: nil,
            planningSeconds: 0)
        #expect(report.lines[0].limit == .fileSystem)
    }

    @Test("Planning and the journal are the serial part")
    func serialPart() {
        let wave = independent(Array(repeating: 0.1, count: 100))
        let report = SimulationReport(
            waves: [wave], on: profile(journal: 0.1), source: "test", ranks: [10], cores: nil,
            planningSeconds: 5)
        #expect(report.lines[0].makespan > 14.9)
        #expect(report.lines[0].limit == .serialPart)
        let line = report.lines[0]
        let sum = line.efficiency + line.loading + line.fileSystem + line.serial + line.waiting
        #expect(abs(sum - 1) < 1e-6)
    }

    @Test(
        "A limit is named only where the run would be shorter without it by more than a hundredth",
        arguments: [(4e9, SimulationReport.Limit.loading), (0.1e9, nil), (0, nil)]
            as [(Double, SimulationReport.Limit?)])
    func limits(bytes: Double, limit: SimulationReport.Limit?) {
        // Ten seconds of arithmetic on each rank; loading costs a second for each 10⁹ bytes.
        var wave = independent([10, 10])
        wave.tasks[0].artifacts = [(7, bytes)]
        wave.tasks[1].artifacts = [(8, 0)]
        let report = SimulationReport(
            waves: [wave], on: profile(), source: "test", ranks: [1], cores: nil,
            planningSeconds: 0)
        #expect(report.lines[0].limit == limit)
    }

    @Test("What takes time but holds nobody up is not named as the limit")
    func offTheCriticalPath() {
        // One rank loads for two seconds beside another that computes for ten.
        var wave = independent([10, 1])
        wave.tasks[1].artifacts = [(7, 2e9)]
        let report = SimulationReport(
            waves: [wave], on: profile(), source: "test", ranks: [2], cores: nil,
            planningSeconds: 0)
        #expect(report.lines[0].loading > 0.05)
        #expect(report.lines[0].limit == .longestChain)
    }

    @Test("More ranks never make a simulated run of the scheduler much longer", arguments: 1..<8)
    func monotone(seed: Int) {
        var state = UInt64(seed)
        let seconds = (0..<200).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 0.1 + Double(state >> 40) / Double(1 << 24)
        }
        let wave = independent(seconds)
        let longest = seconds.max() ?? 0
        for ranks in [2, 4, 8, 16] {
            let makespan = Simulation.times(of: [wave], setup(ranks)).makespan
            let bound = seconds.reduce(0, +) / Double(ranks)
            #expect(makespan >= bound - 1e-9 && makespan <= bound + longest)
        }
    }
}

struct MeasuredSecondsTests {
    /// The log of a run of the toy plan.
    private let log = """
        {"time":1,"event":"start","threads":[2,1]}
        {"time":2,"event":"block","rank":1,"task":"block 0.0","seconds":0.5}
        {"time":3,"event":"unit","rank":0,"seconds":2,"evaluation":"core","hook":"blocks.0.hook_resid_post","unit":"{}","keys":["KEY"]}
        {"time":4,"event":"unit","rank":1,"seconds":1,"evaluation":"core","hook":"blocks.0.hook_resid_post","unit":"{}","keys":["other"]}
        half a li
        """

    @Test("Units are found by key, else by name; threads count")
    func units() throws {
        let folder = try TemporaryFolder()
        let plan = toyPlan()
        let key = plan.units[0].keys[0].hex
        _ = try folder.write(log.replacing("KEY", with: key), to: "log.jsonl")
        let measured = try MeasuredSeconds(run: folder.path)
        #expect(measured.seconds(of: plan.units[0], in: plan) == 4)
        #expect(measured.seconds(block: 0, rowSet: 0) == 0.5)
        #expect(measured.seconds(block: 9, rowSet: 0) == 0.5)
        #expect(measured.madeRowSet(0) && !measured.madeRowSet(1))
        var other = plan
        other.units[0].keys = [ContentHash.of("unknown")]
        #expect(measured.seconds(of: other.units[0], in: other) == 2.5)
        #expect(measured.operationsPerSecond(of: plan) == 1e9 / 4)
    }

    @Test("Gaps between tasks of one rank, and what comes before and after them, are told apart")
    func gaps() throws {
        let folder = try TemporaryFolder()
        let unit = #""evaluation":"core","hook":"h","unit":"{}","keys":[],"rank":0"#
        _ = try folder.write(
            """
            {"time":10,"event":"start","threads":[1]}
            {"time":11,"event":"begin","rank":0,"task":"a"}
            {"time":13,"event":"unit","seconds":2,\(unit)}
            {"time":13.25,"event":"begin","rank":0,"task":"b"}
            {"time":15,"event":"unit","seconds":1.75,\(unit)}
            {"time":15.75,"event":"begin","rank":0,"task":"c"}
            {"time":16,"event":"unit","seconds":0.25,\(unit)}
            {"time":18,"event":"end","seconds":8}

            """, to: "log.jsonl")
        let measured = try MeasuredSeconds(run: folder.path)
        #expect(measured.gapSeconds == 0.5)
        #expect(measured.serialSeconds == 3)
    }

    @Test("A folder without a log, and a log without units, are refused")
    func refused() throws {
        let folder = try TemporaryFolder()
        #expect(throws: RunError.self) { try MeasuredSeconds(run: folder.path) }
        _ = try folder.write("{\"event\":\"start\"}\n", to: "log.jsonl")
        #expect(throws: RunError.self) { try MeasuredSeconds(run: folder.path) }
    }
}
