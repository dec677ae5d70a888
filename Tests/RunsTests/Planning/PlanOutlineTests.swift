import Basics
import EvalKit
import Evals
import Foundation
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// The config of a file, with absolute paths where it names files of the package.
private func sweep(_ path: String, _ assignments: [String] = []) throws -> RunConfiguration {
    try ConfigurationSource(path: "\(packageFolder)/configs/\(path)", assignments: assignments)
        .configuration(catalogue: evaluationCatalogue, environment: { _ in nil })
}

/// A config of a model that is on no disk.
private func absent(_ assignments: [String] = []) throws -> RunConfiguration {
    try configuration(
        """
        model: google/gemma-2-2b@absent
        saes: [{release: gemma-scope-2b-pt-res, id: "layer_12/width_(16k|1m)/.*"}]
        evals: {core: {dataset: none/text}}
        output: runs/none
        artifacts: \(NSTemporaryDirectory())
        """, assignments: assignments)
}

/// The outline of a configuration.
private func outline(_ configuration: RunConfiguration) throws -> PlanOutline {
    try Planner(configuration, catalogue: evaluationCatalogue).outline()
}

struct PlanOutlineTests {
    @Test("With everything on disk an outline is the plan")
    func onDisk() throws {
        let folder = "\(packageFolder)/configs/quickstart"
        let settings = try configuration(
            """
            model: \(folder)/model
            saes: [\(folder)/saes/sae_lens]
            evals: {core: {dataset: q, context_size: 32, batch_size_prompts: 2}}
            datasets: {q: \(folder)/toyworld/corpus/heldout.jsonl}
            output: runs/none
            artifacts: \(NSTemporaryDirectory())
            """)
        let planner = try Planner(settings, catalogue: evaluationCatalogue)
        let (plan, outline) = (try planner.plan(), try planner.outline())
        #expect(outline.missing.isEmpty && outline.assumptions.isEmpty)
        #expect(outline.plan.key == plan.key)
        #expect(outline.plan.units.map(\.keys) == plan.units.map(\.keys))
    }

    @Test("What is not on disk is planned by size, told, and refused by a run")
    func missing() throws {
        let settings = try absent()
        let outline = try outline(settings)
        #expect(outline.plan.modelFolder.isEmpty)
        #expect(outline.plan.itemCount == 11)
        let kinds = outline.missing.map(\.kind)
        #expect(kinds.filter { $0 == .autoencoder }.count == 11)
        #expect(kinds.contains(.model) && kinds.contains(.dataset))
        let widths = Set(outline.plan.cohorts[0].cohort.subjects.map(\.reference.latents))
        #expect(widths == [16_384, 1_048_576])
        #expect(outline.plan.failedItems.isEmpty)
        #expect(throws: (any Error).self) {
            try Planner(settings, catalogue: evaluationCatalogue).plan()
        }
    }

    @Test("A model of which nothing is known is refused with those that are")
    func unknownModel() throws {
        let error = try #require(throws: RunError.self) {
            _ = try outline(try absent(["model=org/nothing"]))
        }
        #expect(error.code == .missing)
        #expect(error.advice?.contains("google/gemma-2-2b") == true)
    }

    @Test("Settings that cannot be are refused without files too")
    func refused() throws {
        #expect(throws: RunError.self) {
            _ = try outline(try absent(["core.context_size=100000"]))
        }
    }

    @Test(
        "A disk budget splits the run into waves that keep to it, and no key depends on it",
        arguments: ["0.01", "40", "1000"])
    func budget(gib: String) throws {
        let settings = "saes=[{release: gemma-scope-2b-pt-res, id: 'layer_(5|12|19)/width_16k/.*'}]"
        let batches = "core.n_eval_sparsity_variance_batches=1990"
        let outline = try outline(try absent([settings, batches, "disk_gib=\(gib)"]))
        let estimate = PlanEstimate(outline.plan, threads: 1, programBytes: 0)
        let budget = Int(try #require(Double(gib)) * Double(1 << 30))
        #expect(estimate.waveBytes.allSatisfy { $0 <= budget })
        #expect(outline.plan.removesActivations == (estimate.waveBytes.count > 1))
        let policies = Set(outline.plan.activationSets.map(\.policy))
        #expect(policies == (gib == "0.01" ? [.recompute] : [.store]))
        // Each hook takes 2000 batches of 16 rows of 128 tokens of 2304 numbers of 4 bytes.
        #expect(estimate.waveBytes.count == (gib == "40" ? 3 : 1))
        let unlimited = try RunsTests.outline(try absent([settings, batches, "disk_gib=1000"]))
        #expect(outline.plan.activationSets.map(\.key) == unlimited.plan.activationSets.map(\.key))
    }

    @Test("Computing activations again costs operations, storing them costs bytes")
    func recomputing() throws {
        let stored = try outline(try absent(["activations=store"]))
        let computed = try outline(try absent(["activations=recompute"]))
        let (first, second) = (
            PlanEstimate(stored.plan, threads: 1, programBytes: 0),
            PlanEstimate(computed.plan, threads: 1, programBytes: 0)
        )
        #expect(first.newBytes > 0 && second.newBytes == 0)
        #expect(second.unitOperations > first.unitOperations)
        #expect(second.harvestOperations == 0)
    }
}

@Suite("Sweeps")
struct SweepTests {
    /// Settings that keep the numbers of units small.
    private static let small = [
        "core.n_eval_reconstruction_batches=2", "core.n_eval_sparsity_variance_batches=4",
        "sparse_probing_sae_probes.dataset_names=[22_headline_isobama]",
    ]

    @Test(
        "A sweep covers every autoencoder at its layers with all evaluations",
        arguments: [
            ("gemma-2-2b/layers-5-12-19.yaml", [5, 12, 19], 810),
            ("pythia-70m/layers-3-4.yaml", [3, 4], 188),
            ("pythia-160m/layer-8.yaml", [8], 126),
        ])
    func published(path: String, layers: [Int], count: Int) throws {
        let outline = try outline(try sweep(path, Self.small))
        #expect(outline.plan.failedItems.isEmpty)
        #expect(outline.plan.cohorts.map(\.cohort.hook.layer) == layers)
        #expect(outline.plan.evaluations.map(\.identifier).sorted() == evaluationNames)
        #expect(outline.plan.itemCount == count * evaluationNames.count)
        let summary = PlanSummary(outline, threads: 1, machines: MachineProfile.named)
        #expect(summary.autoencoders == count)
        #expect(summary.evaluations.allSatisfy { $0.operations > 0 })
        #expect(try summary.json()["machines"]?.elements?.count == MachineProfile.named.count)
    }

    @Test("The published settings of a sweep are those of each evaluation alone")
    func settings() throws {
        for model in ["gemma-2-2b", "pythia-70m", "pythia-160m"] {
            let file =
                model == "gemma-2-2b"
                ? "layers-5-12-19" : model == "pythia-70m" ? "layers-3-4" : "layer-8"
            let whole = try sweep("\(model)/\(file).yaml")
            for entry in whole.evals {
                let single = try sweep("saebench/\(model)/\(entry.identifier).yaml")
                #expect(
                    single.evals[0].settings.text() == entry.settings.text(), "\(model) \(entry)")
            }
        }
    }

    @Test("The toy sweep takes the three folders of autoencoders at three layers")
    func toy() throws {
        let settings = try sweep("toy/layers-1-2-3.yaml")
        #expect(settings.evals.map(\.identifier).sorted() == evaluationNames)
        #expect(settings.saes.map(\.layers) == [[1, 2, 3]])
        let base = try sweep("quickstart.yaml")
        #expect(settings.evals.map { $0.settings.text() } == base.evals.map { $0.settings.text() })
    }

    /// The evaluations that exist.
    private var evaluationNames: [String] { evaluationCatalogue.map(\.identifier).sorted() }
}
