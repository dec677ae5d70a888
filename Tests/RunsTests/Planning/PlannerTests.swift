import Autoencoders
import Basics
import EvalKit
import Evals
import Formats
import Foundation
import Tensors
import Testing

@testable import Activations
@testable import Plans
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

/// Names of the autoencoders that a config evaluates.
private func names(_ configuration: RunConfiguration) throws -> [String] {
    try plan(configuration).cohorts.flatMap { $0.cohort.subjects.map(\.name) }.sorted()
}

struct NarrowingTests {
    /// Entries of `saes` with expressions of their own.
    private static func saes(_ entries: (match: String, layers: String)...) -> String {
        let folder = "\(packageFolder)/configs/quickstart/saes/sae_lens"
        let texts = entries.map {
            "{path: \(folder), match: '\($0.match)', layers: \($0.layers)}"
        }
        return "saes=[\(texts.joined(separator: ", "))]"
    }

    /// Two entries that keep different layers.
    private static let two = saes((".*__topk", "[1, 2]"), (".*__relu", "[3]"))

    @Test(
        "`match` and `layers` of a config keep what an entry of `saes` keeps too",
        arguments: [
            (["layers=[2]"], ["2.hook_resid_post__topk"]),
            (["match=.*__relu"], ["3.hook_resid_post__relu"]),
            (["layers=[1, 3]"], ["1.hook_resid_post__topk", "3.hook_resid_post__relu"]),
            (
                ["layers=[1, 2, 3]", "match=.*topk"],
                ["1.hook_resid_post__topk", "2.hook_resid_post__topk"]
            ),
        ] as [([String], [String])])
    func both(assignments: [String], expected: [String]) throws {
        let read = try quickstart([Self.two] + assignments)
        #expect(try names(read) == expected.map { "toyworld-res/blocks.\($0)" })
        let again = try RunConfiguration(tree: read.tree, source: "again", origins: [])
        #expect(try names(again) == names(read))
    }

    @Test(
        "Where nothing is left, the sentence says what there was",
        arguments: [
            (["layers=[0]"], ["layers [0]", "none of the 3", "__topk"], "layers among 1, 2, 3"),
            (["match=.*__gated"], ["`.*__gated`", "none of the 3"], "an expression"),
            (["match=.*relu", "layers=[1]"], ["`.*relu` and layers [1]"], "layers among"),
        ] as [([String], [String], String)])
    func nothing(assignments: [String], parts: [String], advice: String) throws {
        let read = try quickstart([Self.two] + assignments)
        let error = try #require(throws: RunError.self) { try plan(read) }
        #expect(error.kind == .mistake && error.advice?.contains(advice) == true, "\(error)")
        for part in parts { #expect(error.message.contains(part), "\(error)") }
    }

    @Test("An entry that selects nothing by itself is a mistake, whatever narrows it")
    func ownMistake() throws {
        let read = try quickstart([
            Self.saes((".*__topk", "[1]"), ("nothing", "[1]")), "layers=[1]",
        ])
        let error = try #require(throws: RunError.self) { try plan(read) }
        #expect(error.message.contains("matches `nothing`"), "\(error)")
    }

    @Test("Published autoencoders are narrowed by what the directory knows of them")
    func published() throws {
        let read = try configuration(
            """
            model: m
            saes: [{release: gemma-scope-2b-pt-res-canonical, id: '.*width_16k.*'}]
            evals: [core]
            output: o
            layers: [12]
            """)
        let selection = try #require(read.saes.first)
        let all = try PublishedAutoencoders.matching(
            release: "gemma-scope-2b-pt-res-canonical", id: ".*width_16k.*")
        #expect(try selection.kept(of: all, in: read.hubCache).map(\.layer) == [12])
        #expect(try selection.candidates(among: []).count == all.count && all.count > 20)
    }

    @Test("A layer that the model lacks, and a bad expression, are named by the config's own keys")
    func wrong() throws {
        let read = try quickstart(["layers=[9]"])
        let error = try #require(throws: RunError.self) { try plan(read) }
        #expect(error.message.contains("`layers` names layer 9"), "\(error)")
        let bad = try #require(throws: RunError.self) { try quickstart(["match=("]) }
        #expect(bad.message.contains("`match` in --set"), "\(bad)")
    }
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

    @Test("How files are read is a note of each autoencoder, and one of the plan for all of them")
    func readingNotes() throws {
        let folder = try TemporaryFolder()
        let source = "\(packageFolder)/configs/quickstart/saes/sae_lens/toyworld-res"
        for name in ["blocks.1.hook_resid_post__relu", "blocks.1.hook_resid_post__topk"] {
            let copy = "\(folder.path)/saes/set/\(name)"
            try makeFolder(parentFolder(of: copy))
            try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: copy)
            let text = String(decoding: try readFile("\(copy)/cfg.json"), as: UTF8.self)
            let changed = text.replacing("\"float32\"", with: "\"bfloat16\"")
            try writeFile(Array(changed.utf8), to: "\(copy)/cfg.json")
        }
        let plan = try plan(try quickstart(["saes=[\(folder.path)/saes]"]))
        let subjects = plan.cohorts.flatMap(\.cohort.subjects)
        #expect(subjects.count == 2)
        #expect(subjects.allSatisfy { $0.notes.contains { $0.contains("rounded to bfloat16") } })
        let notes = plan.notes.filter { $0.contains("rounded to bfloat16") }
        #expect(notes.count == 1 && notes[0].hasPrefix("2 autoencoders, first set/blocks.1"))
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
