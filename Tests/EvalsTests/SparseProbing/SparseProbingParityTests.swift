import Basics
import EvalKit
import Probes
import Results
import Testing

@testable import Evals

/// The numbers of SAE Bench 0.6.0, from texts to accuracies.
struct SparseProbingParityTests {
    /// What upstream mode gives for a run, and the permutations that it drew.
    private func evaluated(_ run: OracleRun) throws -> (parts: [ProbedDataset], drawn: [[Int32]]) {
        let settings = try run.settings()
        var generator = TorchGenerator(seed: UInt64(settings.randomSeed))
        let trace = PermutationTrace()
        generator.trace = trace
        let probing = DatasetProbing(settings: settings, context: try run.context())
        let parts = try probing.upstream(SubjectIndex(0), using: &generator)
        return (parts, trace.permutations)
    }

    // MARK: - The toy world

    /// SAE Bench's result on the toy world's texts with the top-k autoencoder of layer 2.
    private static func toyWorld(datasets: Int?) throws -> OracleRun {
        let root = OracleRun.repository
        let texts = "\(root)/configs/quickstart/toyworld"
        return OracleRun(
            result: try JSON(file: "\(root)/Tests/Fixtures/sparse_probing/toyworld.json"),
            modelFolder: "\(root)/configs/quickstart/model",
            autoencoderFolder: "\(root)/configs/quickstart/saes/sae_lens/toyworld-res/"
                + "blocks.2.hook_resid_post__topk",
            datasets: [
                "LabHC/bias_in_bios_class_set1": "\(texts)/bias_in_bios",
                "canrager/amazon_reviews_mcauley_1and5": "\(texts)/amazon_reviews",
                "canrager/amazon_reviews_mcauley_1and5_sentiment": "\(texts)/amazon_reviews",
                "fancyzhx/ag_news": "\(texts)/ag_news",
            ],
            chosenClasses: [
                "LabHC/bias_in_bios_class_set1": ["1", "11", "13", "21", "25", "26"].map {
                    ClassName($0)
                }
            ],
            datasetCount: datasets)
    }

    @Test("Accuracies on the toy world's first dataset are SAE Bench's")
    func toyWorld() throws {
        let run = try Self.toyWorld(datasets: 1)
        let (parts, _) = try evaluated(run)
        #expect(parts.map(\.classes.count) == [6, 6])
        try run.compare(parts, testTexts: 240)
    }

    @Test(
        "Accuracies on all of the toy world's datasets are SAE Bench's",
        .enabled(if: OracleRun.shared != nil, "SAEVAL_SHARED is not set"))
    func wholeToyWorld() throws {
        let run = try Self.toyWorld(datasets: nil)
        let (parts, _) = try evaluated(run)
        try run.compare(parts, testTexts: 240)
        let outcome = try SparseProbingOutcome(
            settings: run.settings(), cohort: run.context().cohort, parts: parts
        ).outcome()
        for (category, values) in outcome.categories {
            let golden = try #require(run.result["eval_result_metrics"]?[category]?.members)
            #expect(golden.map(\.key) == values.map(\.name))
            for (member, entry) in zip(golden, values) {
                let (expected, value) = (member.value.double, entry.value)
                #expect((expected == nil) == (value == nil))
                if let expected, let value {
                    #expect(abs(expected - value) < 1e-3, "\(entry.name)")
                }
            }
        }
        let details = try #require(run.result["eval_result_details"]?.elements)
            .map { $0.members?.map(\.key) }
        #expect(outcome.detailRows.elements?.map { $0.members?.map(\.key) } == details)
        let tables = outcome.saeBench.unstructured.members?.map { $0.value.members?.map(\.key) }
        let golden = try #require(run.result["eval_result_unstructured"]?.members)
        #expect(tables == golden.map { $0.value.members?.map(\.key) })
        #expect(outcome.saeBench.unstructured.members?.map(\.key) == golden.map(\.key))
    }

    @Test(
        "The fixture of the toy world is the golden result",
        .enabled(if: OracleRun.shared != nil, "SAEVAL_SHARED is not set"))
    func fixture() throws {
        let run = try Self.toyWorld(datasets: nil)
        let golden = try JSON(
            file: "\(try #require(OracleRun.shared))/golden/toyworld/sparse_probing/"
                + "blocks.2.hook_resid_post__topk/result.json")
        for member in try #require(run.result.members) {
            #expect(golden[member.key]?.text() == member.value.text(), "\(member.key)")
        }
    }

    // MARK: - Runs of the oracle

    /// Folders with a result and a trace of the oracle's runs.
    static let oracleRuns: [String] = {
        guard let shared = OracleRun.shared else { return [] }
        let own = "\(OracleRun.repository)/Tests/Fixtures/oracle/sparse_probing"
        let others = (try? folderContents(own))?.map { "\(own)/\($0)" } ?? []
        return ["\(shared)/golden/results/sparse_probing/tiny-neox_topk_512"] + others.sorted()
    }()

    @Test(
        "The oracle's runs are there",
        .enabled(if: OracleRun.shared != nil, "SAEVAL_SHARED is not set"))
    func oracleIsThere() { #expect(Self.oracleRuns.count == 1 + 3) }

    @Test(
        "Accuracies and permutations of the oracle's runs come out",
        .enabled(if: OracleRun.shared != nil, "SAEVAL_SHARED is not set"), arguments: oracleRuns)
    func oracle(folder: String) throws {
        let golden = try #require(OracleRun.shared) + "/golden"
        let result = try JSON(file: "\(folder)/result.json")
        let autoencoder = try #require(result["sae_lens_release_id"]?.text)
        let model = try #require(result["eval_config"]?["model_name"]?.text)
        let amazon = "canrager/amazon_reviews_mcauley_1and5"
        let run = OracleRun(
            result: result, modelFolder: "\(golden)/\(model)",
            autoencoderFolder: "\(golden)/saes_saelens/\(autoencoder)",
            datasets: [
                "LabHC/bias_in_bios_class_set1": "\(golden)/data/LabHC/bias_in_bios",
                amazon: "\(golden)/data/\(amazon)",
                "\(amazon)_sentiment": "\(golden)/data/\(amazon)",
                "fancyzhx/ag_news": "\(golden)/data/fancyzhx/ag_news",
            ])
        let (parts, drawn) = try evaluated(run)
        // Activations of the two implementations of Gemma differ in the last digits, which moves two
        // texts across the border of a probe of 50 latents.
        try run.compare(
            parts, testTexts: try run.settings().probeTestSetSize,
            sparseTexts: model.contains("gemma") ? 2 : 1)
        let trace = try JSON(file: "\(folder)/randperm_trace.json")
        #expect(drawn.count == trace["count"]?.integer)
        let calls = try #require(trace["calls"]?.elements)
        #expect(calls.count >= 200)
        for (index, (call, permutation)) in zip(calls, drawn).enumerated() {
            let isEqual = call["sha256_i32le"]?.text == sha256(permutation)
            #expect(isEqual, "permutation \(index) of \(permutation.count)")
            if !isEqual { break }
        }
        if let whole = trace["all_sha256_i32le"]?.text {
            #expect(sha256(drawn.flatMap { $0 }) == whole)
        }
    }
}
