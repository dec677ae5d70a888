import Basics
import EvalKit
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

struct MessagesTests {
    @Test("A report keeps its partial results and failures on the way")
    func report() throws {
        var report = UnitReport()
        report.times.seconds = 1.5
        report.partials = [(SubjectIndex(2), "a"), (SubjectIndex(0), "b")]
        report.failures = [.init(subject: SubjectIndex(1), reason: "no")]
        let read: WorkReport = try message(try messageBytes(WorkReport.evaluated(report)))
        guard case .evaluated(let same) = read else {
            Issue.record("another report")
            return
        }
        #expect(same.partials.map(\.0) == [SubjectIndex(2), SubjectIndex(0)])
        #expect(same.partials.map(\.1) == ["a", "b"])
        #expect(same.failures.map(\.reason) == ["no"])
        #expect(same.times.seconds == 1.5)
    }

    @Test("A plan keeps its content on the way")
    func plan() throws {
        let read: Command = try message(
            try messageBytes(Command.begin(toyPlan(), threads: 5, usesGPU: false)))
        guard case .begin(let plan, let threads, _) = read else {
            Issue.record("another command")
            return
        }
        #expect(threads == 5)
        #expect(try messageBytes(plan).count == messageBytes(toyPlan()).count)
        #expect(plan.key == toyPlan().key)
        #expect(plan.units.map(\.keys) == toyPlan().units.map(\.keys))
    }

    @Test("Checksums of 64 bits arrive whole")
    func checksums() throws {
        let sums: [UInt64] = [0, 1, .max, 1 << 63, 9_007_199_254_740_993]
        let report = WorkReport.harvested(
            BlockReport(sets: [0], checksums: sums, times: TaskTimes()))
        guard case .harvested(let same) = try message(try messageBytes(report)) as WorkReport
        else {
            Issue.record("another report")
            return
        }
        #expect(same.checksums == sums)
    }
}
