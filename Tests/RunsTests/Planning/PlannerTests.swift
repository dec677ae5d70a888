import Basics
import EvalKit
import Evals
import Foundation
import Testing

@testable import Runs

/// The config of the quickstart with absolute paths.
private func quickstart(_ assignments: [String] = []) throws -> RunConfiguration {
    let folder = "\(packageFolder)/configs/quickstart"
    return try configuration(
        """
        model: \(folder)/model
        saes: [\(folder)/saes/sae_lens]
        evals: {core: {dataset: q, context_size: 32, batch_size_prompts: 2}}
        datasets: {q: \(folder)/toyworld/corpus/heldout.jsonl}
        output: runs/none
        artifacts: \(NSTemporaryDirectory())
        """, assignments: assignments)
}

/// The plan of a configuration.
private func plan(_ configuration: RunConfiguration) throws -> RunPlan {
    try Planner(configuration, catalogue: evaluationCatalogue).plan()
}

struct PlannerTests {
    @Test("The plan of the quickstart covers every autoencoder once and is the same every time")
    func quickstartPlan() throws {
        let plan = try plan(try quickstart())
        #expect(plan.failedItems.isEmpty)
        #expect(plan.cohorts.reduce(0) { $0 + $1.cohort.subjects.count } == plan.itemCount)
        let names = plan.cohorts.flatMap { $0.cohort.subjects.map(\.name) }
        #expect(Set(names).count == names.count && names.count > 3)
        let keys = plan.units.flatMap(\.keys)
        #expect(Set(keys).count == keys.count)
        #expect(plan.units.allSatisfy { $0.keys.count == $0.subjects.count })
        #expect(
            Set(plan.cohorts.map { "\($0.cohort.hook) \($0.cohort.prependsBOS)" }).count
                == plan.cohorts.count)
        let again = try RunsTests.plan(try quickstart())
        #expect(again.key == plan.key)
        #expect(again.units.map(\.keys) == plan.units.map(\.keys))
    }

    @Test("A setting that changes numbers changes every key, one that does not changes none")
    func keys() throws {
        let plan = try plan(try quickstart())
        let keys = Set(plan.units.flatMap(\.keys))
        for assignment in ["core.context_size=16", "core.batch_size_prompts=3", "dtype=bfloat16"] {
            let other = try RunsTests.plan(try quickstart([assignment]))
            #expect(other.key != plan.key)
            #expect(keys.isDisjoint(with: other.units.flatMap(\.keys)))
        }
        for assignment in [
            "threads=3", "output=elsewhere", "memory_gib=100", "seed=42", "disk_gib=0.001",
            "activations=recompute",
        ] {
            #expect(try RunsTests.plan(try quickstart([assignment])).key == plan.key)
        }
    }

    @Test("The resolved config has every setting and makes the same plan")
    func resolved() throws {
        let planner = try Planner(try quickstart(), catalogue: evaluationCatalogue)
        let resolved = planner.resolvedConfiguration()
        #expect(resolved.evals[0].settings["n_eval_reconstruction_batches"]?.integer == 10)
        let again = try configuration(try resolved.yaml())
        #expect(again.tree.text() == resolved.tree.text())
        #expect(try plan(again).key == planner.plan().key)
    }

    @Test("Selections keep what matches, and say so when nothing does")
    func selections() throws {
        let path = "\(packageFolder)/configs/quickstart/saes/sae_lens"
        let all = try plan(try quickstart())
        let layer = try #require(all.cohorts.first?.cohort.hook.layer)
        let some = try plan(try quickstart(["saes=[{path: \(path), layers: [\(layer)]}]"]))
        #expect(some.cohorts.allSatisfy { $0.cohort.hook.layer == layer })
        let name = try #require(all.cohorts.first?.cohort.subjects.first?.name)
        let one = try plan(try quickstart(["saes=[{path: \(path), match: '\(name)'}]"]))
        #expect(one.cohorts.flatMap { $0.cohort.subjects.map(\.name) } == [name])
        for selection in ["match: nothing", "layers: [99]"] {
            let error = try #require(throws: RunError.self) {
                _ = try plan(try quickstart(["saes=[{path: \(path), \(selection)}]"]))
            }
            #expect(error.code == .unsuitable)
        }
    }

    @Test("An autoencoder that is named twice counts once")
    func twice() throws {
        let path = "\(packageFolder)/configs/quickstart/saes/sae_lens"
        #expect(
            try plan(try quickstart(["saes=[\(path), \(path)]"])).key == plan(try quickstart()).key)
    }

    @Test("Activations that must be stored and do not fit are refused before units are laid out")
    func noSpace() throws {
        let error = try #require(throws: RunError.self) {
            _ = try plan(
                try quickstart([
                    "core.n_eval_reconstruction_batches=90000000", "activations=store",
                ]))
        }
        #expect(error.code == .noSpace)
        #expect(error.advice?.contains("activations: auto") == true)
    }

    @Test(
        "What cannot be planned is told before anything is written",
        arguments: [
            ("core.context_size=100000", RunDomain.Code.unsuitable),
            ("datasets={q: /none.jsonl}", .missing),
            ("core.dataset=unknown", .missing),
        ])
    func refused(assignment: String, code: RunDomain.Code) throws {
        let error = try #require(throws: RunError.self) {
            _ = try plan(try quickstart([assignment]))
        }
        #expect(error.code == code)
        #expect(error.advice != nil)
    }
}
