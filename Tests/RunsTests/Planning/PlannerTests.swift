import Basics
import EvalKit
import Evals
import Formats
import Foundation
import Tensors
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

/// The plan of one evaluation of labelled texts for one autoencoder of the quickstart.
///
/// - Parameter datasets: ids and paths.
private func conceptPlan(
    _ evaluation: String, datasets: [(id: String, path: String)], streams: RandomStreams
) throws -> RunPlan {
    let folder = "\(packageFolder)/configs/quickstart"
    let places = datasets.map { "\($0.id): \($0.path)" }.joined(separator: ", ")
    return try plan(
        try configuration(
            """
            model: \(folder)/model
            saes: [{path: \(folder)/saes/sae_lens, match: '.*__topk', layers: [2]}]
            evals: {\(evaluation)}
            datasets: {\(places)}
            streams: \(streams.rawValue)
            output: runs/none
            artifacts: \(NSTemporaryDirectory())
            """))
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

    @Test(
        "A unit that reads several datasets has other keys when any one of them changes",
        arguments: [0, 1])
    func everyDataset(place: Int) throws {
        let ids = ["fancyzhx/ag_news", "canrager/amazon_reviews_mcauley_1and5_sentiment"]
        let evaluation = """
            sparse_probing: {dataset_names: [\(ids[0]), \(ids[1])], context_length: 16, \
            probe_train_set_size: 8, probe_test_set_size: 8}
            """
        let toys = "\(packageFolder)/configs/quickstart/toyworld"
        var datasets = [
            (id: ids[0], path: "\(toys)/ag_news"), (id: ids[1], path: "\(toys)/amazon_reviews"),
        ]
        // In SAE Bench's order of draws one unit reads all datasets.
        let plan = try conceptPlan(evaluation, datasets: datasets, streams: .upstream)
        #expect(plan.units.map(\.reads.count) == [2])
        let folder = try TemporaryFolder()
        let copy = "\(folder.path)/dataset"
        try FileManager.default.copyItem(atPath: datasets[place].path, toPath: copy)
        let text = String(decoding: try readFile("\(copy)/test.jsonl"), as: UTF8.self)
        let fewer = text.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
        _ = try folder.write(fewer, to: "dataset/test.jsonl")
        datasets[place].path = copy
        let other = try conceptPlan(evaluation, datasets: datasets, streams: .upstream)
        #expect(other.units.map(\.unit) == plan.units.map(\.unit))
        #expect(Set(plan.units.flatMap(\.keys)).isDisjoint(with: other.units.flatMap(\.keys)))
    }

    @Test("Units of the same name have other keys when streams are those of upstream")
    func streams() throws {
        let evaluation = """
            sparse_probing_sae_probes: {dataset_names: [1_review_is_positive], ks: [1]}
            """
        let datasets = [
            (id: "sae-probes", path: "\(packageFolder)/configs/quickstart/toyworld/binary")
        ]
        let plan = try conceptPlan(evaluation, datasets: datasets, streams: .independent)
        let other = try conceptPlan(evaluation, datasets: datasets, streams: .upstream)
        #expect(!plan.units.isEmpty)
        #expect(other.units.map(\.unit) == plan.units.map(\.unit))
        #expect(Set(plan.units.flatMap(\.keys)).isDisjoint(with: other.units.flatMap(\.keys)))
    }

    @Test(
        "Every key changes with any shard of the model",
        arguments: ["1.safetensors", "2.safetensors"])
    func shards(changed: String) throws {
        let folder = try TemporaryFolder()
        let source = "\(packageFolder)/configs/quickstart/model"
        for name in try folderContents(source) where name != "model.safetensors" {
            try FileManager.default.copyItem(
                atPath: "\(source)/\(name)", toPath: "\(folder.path)/\(name)")
        }
        for (tensor, file) in [("a", "1.safetensors"), ("b", "2.safetensors")] {
            try writeSafetensors(
                [(tensor, Tensor([1], shape: [1]))], to: "\(folder.path)/\(file)")
        }
        _ = try folder.write(
            #"{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}"#,
            to: "model.safetensors.index.json")
        let plan = try plan(try quickstart(["model=\(folder.path)"]))
        try writeSafetensors(
            [(changed == "1.safetensors" ? "a" : "b", Tensor([2], shape: [1]))],
            to: "\(folder.path)/\(changed)")
        let other = try RunsTests.plan(try quickstart(["model=\(folder.path)"]))
        #expect(other.key != plan.key)
        #expect(Set(plan.units.flatMap(\.keys)).isDisjoint(with: other.units.flatMap(\.keys)))
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
