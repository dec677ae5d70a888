import Basics
import EvalKit
import Testing

@testable import Plans
@testable import Results
@testable import Runs

/// Results of an earlier start in a folder, and plans that come after.
struct ResultLedgerTests {
    /// A plan with settings, whose dataset is read.
    private static func plan(_ folder: TemporaryFolder, _ settings: String = #"{"a": 1, "b": [2]}"#)
        -> RunPlan
    {
        var plan = toyPlan()
        plan.output = folder.path
        plan.evaluations = [.init(identifier: "core", settings: settings)]
        return plan
    }

    /// What the journal says after a plan has run, with its files.
    private static func ledger(_ plan: RunPlan, device: String = "cpu") throws -> ResultLedger {
        var ledger = ResultLedger()
        let conditions = try ResultConditions(plan, evaluation: 0, cohort: 0, device: device)
        ledger.add(.conditions(conditions))
        for subject in plan.cohorts[0].cohort.subjects {
            let reference = subject.reference
            let name = resultFileName(release: reference.release, id: reference.id)
            let record = JournalEntry.ResultRecord(
                file: "core/\(name)", evaluation: "core", release: reference.release,
                id: reference.id, path: reference.path, autoencoder: subject.key,
                hook: "blocks.0.hook_resid_post", layer: 0, conditions: conditions.key)
            ledger.add(.results([record]))
            try makeFolder("\(plan.output)/eval_results/core")
            try writeFile([], to: "\(plan.output)/eval_results/\(record.file)")
        }
        return ledger
    }

    /// A change of a plan and what the refusal says of it; nil when it is no other setting.
    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var says: String?
        var device: String? = "cpu"
        var make: @Sendable (inout RunPlan) -> Void = { _ in }
    }

    static let changes = [
        Change(testDescription: "nothing"),
        Change(testDescription: "a device that is not known yet", device: nil),
        Change(
            testDescription: "another device", says: "with `device` cpu, now cuda", device: "cuda"),
        Change(
            testDescription: "another setting", says: "with `core.b` [2], now [3]",
            make: { $0.evaluations[0].settings = #"{"a": 1, "b": [3]}"# }),
        Change(
            testDescription: "another type", says: "with `dtype` float32, now bfloat16",
            make: { $0.activationType = .bfloat16 }),
        Change(
            testDescription: "other streams", says: "with `streams` independent, now upstream",
            make: { $0.cohorts[0].cohort.streams = .upstream }),
        Change(
            testDescription: "another model", says: "with `model` toy, now other",
            make: { ($0.modelName, $0.modelKey) = ("other", ContentHash.of("other")) }),
        Change(testDescription: "the same model elsewhere", make: { $0.modelName = "other" }),
        Change(
            testDescription: "another file of a dataset",
            says: "with `datasets.d` /nowhere/d, now /nowhere/e",
            make: {
                $0.rowSets[0].datasetPath = "/nowhere/e"
                $0.rowSets[0].key = ContentHash.of("e")
            }),
        Change(
            testDescription: "a dataset that changed",
            make: { $0.rowSets[0].key = ContentHash.of("e") }),
        Change(
            testDescription: "a dataset that cannot be read any more",
            make: { $0.cohorts[0].rowSets = [[nil]] }),
        Change(
            testDescription: "another evaluation",
            make: {
                $0.evaluations = [.init(identifier: "tpp", settings: #"{"a": 5}"#)]
            }),
        Change(
            testDescription: "retrained weights",
            make: { $0.cohorts[0].cohort.subjects[0].key = ContentHash.of("new") }),
        Change(
            testDescription: "the same weights elsewhere",
            make: { $0.cohorts[0].cohort.subjects[0].reference.path = "else" }),
        Change(
            testDescription: "another autoencoder of the same name",
            says: "now else (tiny/res/blocks.0/a)",
            make: {
                $0.cohorts[0].cohort.subjects[0].key = ContentHash.of("new")
                $0.cohorts[0].cohort.subjects[0].reference.path = "else"
            }),
        Change(
            testDescription: "another name with the same file",
            says: "(tiny/res/blocks.0/a), now  (tiny/res_blocks.0/a)",
            make: {
                $0.cohorts[0].cohort.subjects[0].reference.release = "tiny"
                $0.cohorts[0].cohort.subjects[0].reference.id = "res_blocks.0/a"
            }),
        Change(
            testDescription: "another setting for another autoencoder",
            says: "holds 1 result of `core` with `core.a` 1, now 7",
            make: {
                $0.cohorts[0].cohort.subjects[0].reference.id = "new"
                $0.evaluations[0].settings = #"{"a": 7, "b": [2]}"#
            }),
    ]

    @Test("Results of other settings or autoencoders are refused by name", arguments: changes)
    func check(_ change: Change) throws {
        let folder = try TemporaryFolder()
        var plan = Self.plan(folder)
        let ledger = try Self.ledger(plan)
        change.make(&plan)
        guard let says = change.says else { return try ledger.check(plan, device: change.device) }
        let error = try #require(throws: RunError.self) {
            try ledger.check(plan, device: change.device)
        }
        #expect(error.message.contains(says) && error.message.contains(folder.path), "\(error)")
        #expect(error.advice?.contains("--output") == true)
        // Without its file a result is none.
        for name in try folderContents("\(folder.path)/eval_results/core") {
            removeFile("\(folder.path)/eval_results/core/\(name)")
        }
        try ledger.check(plan, device: change.device)
    }

    @Test("A cohort that reads other rows of a dataset is not of other settings")
    func cohorts() throws {
        let folder = try TemporaryFolder()
        var plan = Self.plan(folder)
        let ledger = try Self.ledger(plan)
        plan.rowSets.append(plan.rowSets[0])
        (plan.rowSets[1].datasetPath, plan.rowSets[1].key) = ("./d", ContentHash.of("no BOS"))
        plan.cohorts.append(.init(cohort: plan.cohorts[0].cohort, rowSets: [[1]]))
        try ledger.check(plan, device: "cpu")
        plan.cohorts.removeFirst()
        #expect(throws: RunError.self) { try ledger.check(plan, device: "cpu") }
    }
}
