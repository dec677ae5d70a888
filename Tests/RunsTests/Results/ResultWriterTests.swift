import Basics
import EvalKit
import Testing

@testable import Plans
@testable import Results
@testable import Runs

/// A plan of some autoencoders with one unit each, whose partial results have the keys `unit 0` and
/// so on; results go to a folder.
func sumsPlan(_ folder: TemporaryFolder, releases: [String] = ["tiny/res"]) -> RunPlan {
    var plan = toyPlan()
    plan.output = folder.path
    plan.evaluations = [.init(identifier: "sums", settings: "{}")]
    plan.cohorts[0].cohort.subjects = releases.map { release in
        var subject = plan.cohorts[0].cohort.subjects[0]
        subject.reference.release = release
        return subject
    }
    plan.units = releases.indices.map { index in
        var unit = plan.units[0]
        (unit.subjects, unit.keys) = ([SubjectIndex(index)], [ContentHash.of("unit \(index)")])
        return unit
    }
    return plan
}

/// A writer of the results of a plan of sums.
func sumsWriter(_ plan: RunPlan) throws -> ResultWriter {
    ResultWriter(plan: plan, evaluations: [try AnyEvaluation(Sums.self, settings: .init())])
}

struct ResultWriterTests {
    /// The first result of a plan.
    private static let item = ResultItem(evaluation: 0, cohort: 0, subject: SubjectIndex(0))

    private static let path = "eval_results/sums/tiny_res_blocks.0_a_eval_results.json"

    @Test("A result is written from its partial results, and its details are in the file alone")
    func complete() throws {
        let folder = try TemporaryFolder()
        let (result, _) = try sumsWriter(sumsPlan(folder)).write(Self.item, ["5"])
        #expect(result.id == "blocks.0/a" && result.outcome.details.count == 0)
        let json = try JSON(file: "\(folder.path)/\(Self.path)")
        #expect(json["eval_result_metrics"]?["all"]?["sum"]?.double == 5)
        #expect(json["eval_result_details"]?.elements?.isEmpty == true)
    }

    @Test("A result with the same content keeps its file and time, another one replaces it")
    func rewriting() throws {
        let folder = try TemporaryFolder()
        let writer = try sumsWriter(sumsPlan(folder))
        _ = try writer.write(Self.item, ["5"])
        let file = "\(folder.path)/\(Self.path)"
        let old = String(decoding: try readFile(file), as: UTF8.self)
        let time = try #require(ResultFile(JSON(file: file))?.time)
        let earlier = Array(old.replacing("\(time)", with: "1234567890123").utf8)
        try writeFile(earlier, to: file)
        _ = try writer.write(Self.item, ["5"])
        #expect(try readFile(file) == earlier)
        _ = try writer.write(Self.item, ["6"])
        #expect(try JSON(file: file)["eval_result_metrics"]?["all"]?["sum"]?.double == 6)
    }

    @Test("An incomplete result does not take the place of a whole one; the reverse it does")
    func incomplete() throws {
        let folder = try TemporaryFolder()
        let writer = try sumsWriter(sumsPlan(folder))
        // The sum of the toy evaluation lacks a part below 0.
        _ = try writer.write(Self.item, ["-1"])
        _ = try writer.write(Self.item, ["5"])
        let error = try #require(throws: RunError.self) { _ = try writer.write(Self.item, ["-1"]) }
        #expect(error.message.contains("\(Self.path) holds the whole result"))
        let json = try JSON(file: "\(folder.path)/\(Self.path)")
        #expect(json["eval_result_metrics"]?["all"]?["sum"]?.double == 5)
    }
}

struct PendingResultsTests {
    @Test("A result is complete with its last partial result, and one key may serve several")
    func completion() throws {
        let folder = try TemporaryFolder()
        var plan = sumsPlan(folder, releases: ["a", "b", "c"])
        let shared = ContentHash.of("shared")
        var unit = plan.units[0]
        unit.subjects = [SubjectIndex(0), SubjectIndex(1)]
        unit.keys = [shared, shared]
        plan.units.append(unit)
        let keys = (0..<3).map { ContentHash.of("unit \($0)") }
        var pending = PendingResults(plan) { $0 == keys[2] }
        #expect(pending.items.map(\.subject.value) == [0, 1, 2])
        #expect(pending.complete == [2])
        #expect(pending.add([keys[1]]).isEmpty)
        #expect(pending.add([shared]) == [1])
        #expect(pending.add([shared, keys[0]]) == [0])
        let texts: [ContentHash: String] = [keys[0]: "first", shared: "second"]
        #expect(pending.texts(of: 0, in: texts) == ["first", "second"])
    }
}
