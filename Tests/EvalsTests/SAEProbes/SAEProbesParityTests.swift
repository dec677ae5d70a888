import Autoencoders
import Basics
import Corpora
import EvalKit
import Foundation
import Kernels
import LanguageModels
import Tensors
import Testing
import Tokenizers

@testable import Evals

/// The folder with other people's files; nil when `SAEVAL_SHARED` is not set.
private let sharedFolder = ProcessInfo.processInfo.environment["SAEVAL_SHARED"]
/// The unpacked package sae-probes, or a folder of its layout.
private let packageFolder = ProcessInfo.processInfo.environment["SAEVAL_SAE_PROBES"]

/// A result of SAE Bench and the autoencoder it is about.
private struct UpstreamRun {
    let result: JSON
    let settings: SAEProbesSettings
    let autoencoder: String

    init(_ name: String) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")
        let path =
            name == "golden"
            ? "\(sharedFolder ?? "")/golden/results/sparse_probing_sae_probes/tiny-neox_topk_512"
            : fixtures.appending(path: "oracle/sparse_probing_sae_probes/\(name)").path
        result = try JSON(file: "\(path)/result.json")
        let config = try #require(result["eval_config"]?.members).filter { $0.key != "model_name" }
        settings = try SAEProbesSettings(config: .object(config), owner: "upstream")
        autoencoder = try #require(result["sae_lens_release_id"]?.text)
    }

    /// The cohort of the one autoencoder.
    func cohort(_ model: any LanguageModel) throws -> Cohort {
        let hook = HookPoint(layer: 2, site: .residPost)
        let found = try findAutoencoders(
            under: "\(sharedFolder ?? "")/golden/saes_saelens/\(autoencoder)")
        let reference = try #require(found.first)
        return Cohort(
            hook: hook, model: model.description, modelName: "models/tiny-neox",
            activationType: "float32", prependsBOS: true, specialTokens: [],
            subjects: [Subject(reference: reference, key: try reference.contentHash())],
            streams: .upstream)
    }

    /// Texts and activations of all datasets, from the package's files.
    func context(latentsAlone: Bool) throws -> ToyContext {
        let folder = "\(sharedFolder ?? "")/golden/models/tiny-neox"
        let model = try loadLanguageModel(folder: folder, backend: CPUBackend())
        let tokenizer = try Tokenizer(folder: folder)
        var cohort = try cohort(model)
        if !latentsAlone { cohort.streams = .independent }
        var labelled: [TextRequest: (rows: TextRows, activations: Tensor)] = [:]
        for name in settings.datasets {
            let request = SAEProbes(settings: settings).request(name, in: cohort)
            let rows = try textRows(
                request, at: packageFolder ?? "", tokenizer: tokenizer, threads: 2)
            labelled[request] = (rows, try lastTokens(of: rows, at: cohort.hook, model))
        }
        return ToyContext(
            cohort: cohort, rows: TokenRows(tokens: [], positions: 1),
            autoencoders: [try loadAutoencoder(cohort.subjects[0].reference)], model: model,
            backend: CPUBackend(), labelled: labelled,
            activations: { _, _ in Tensor(zeros: [0, 64]) })
    }

    private func lastTokens(of rows: TextRows, at hook: HookPoint, _ model: any LanguageModel)
        throws
        -> Tensor
    {
        let size = model.description.size(at: hook)
        let result = Tensor(zeros: [rows.count, size])
        _ = try concurrentMap(rows.count, threads: 2) { text in
            let length = rows.stored[text] - rows.starts[text] + 1
            let pass = ForwardPass(
                start: .tokens(
                    Array(rows.tokens[rows.starts[text]..<rows.starts[text] + length])),
                end: .lastCapture, batch: 1, positions: length, captures: [hook])
            let captured = try model.run(pass).captured[hook]
            let x = try #require(captured)
            (result.floats + text * size).update(
                from: x.floats + (length - 1) * size, count: size)
        }
        return result
    }

    /// The outcome with probes of latents as upstream's stop, or of the model at the optimum.
    func outcome(latentsAlone: Bool) throws -> Outcome {
        let context = try context(latentsAlone: latentsAlone)
        let evaluation = SAEProbes(settings: settings)
        let subject = SubjectIndex(0)
        let partials = try evaluation.units(for: context.cohort)
            .filter { latentsAlone != $0.servesAll }
            .map { planned in
                let results = try evaluation.evaluate(
                    planned.unit, subjects: [subject], in: context)
                return try #require(results[subject]).get()
            }
        return try evaluation.outcome(of: partials, for: subject, in: context.cohort)
    }
}

@Suite(
    "Results of SAE Bench",
    .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
    .enabled(if: packageFolder != nil, "SAEVAL_SAE_PROBES is not set"))
struct SAEProbesParityTests {
    /// Texts that test a probe, by the size of the dataset.
    private static func testTexts(_ dataset: String) -> Double {
        let sizes = [
            "118_us_state_CA": 1000.0, "126_art_type_book": 3332, "131_temp_cat_Typical Time": 1062,
            "67_social-security": 3200,
        ]
        let size = sizes[dataset] ?? 5000
        return size - min(size - 100, 1024) - 1
    }

    @Test(
        "Probes of latents judge every text as upstream's, within one",
        arguments: ["golden", "jumprelu_seed7", "gated_l2_seed123"])
    func latents(name: String) throws {
        let run = try UpstreamRun(name)
        let outcome = try run.outcome(latentsAlone: true)
        let expected = try #require(run.result["eval_result_details"]?.elements)
        let own = try #require(outcome.details.elements)
        #expect(
            own.map { $0["dataset_name"]?.text } == expected.map { $0["dataset_name"]?.text })
        for (own, expected) in zip(own, expected) {
            let dataset = try #require(expected["dataset_name"]?.text)
            for member in try #require(expected["sae_metrics_by_k"]?.members) {
                let scores = try #require(own["sae_metrics_by_k"]?[member.key])
                let difference = { (key: String) in
                    abs((scores[key]?.double ?? .nan) - (member.value[key]?.double ?? .nan))
                }
                let texts = Self.testTexts(dataset)
                #expect(difference("test_accuracy") * texts < 1.001, "\(dataset) k=\(member.key)")
                #expect(difference("test_f1") < 2 / texts, "\(dataset) k=\(member.key)")
                #expect(difference("test_auc") < 1e-4, "\(dataset) k=\(member.key)")
            }
        }
        // Fields and their order; our additions go elsewhere.
        let keys = { (json: JSON?) in json?.members?.map(\.key) }
        #expect(
            outcome.metrics[1].values.map(\.name)
                == keys(run.result["eval_result_metrics"]?["sae"]))
        #expect(keys(own.first) == keys(expected.first))
        #expect(keys(outcome.config) == keys(run.result["eval_config"]))
        #expect(keys(outcome.trailing.first?.value) == keys(run.result["sae_metrics_by_k"]))
    }

    /// Upstream's own probe of the model moves by up to 11 of 3975 texts, once by 31, when its
    /// inputs change in the twelfth digit: it stops on the way to its optimum.
    @Test(
        "Probes of the model judge texts as upstream's do with its own spread",
        arguments: ["golden", "jumprelu_seed7", "gated_l2_seed123"])
    func baseline(name: String) throws {
        let run = try UpstreamRun(name)
        let context = try run.context(latentsAlone: false)
        let evaluation = SAEProbes(settings: run.settings)
        for dataset in run.settings.datasets {
            let results = try evaluation.evaluate(
                .baseline(dataset: dataset), subjects: [SubjectIndex(0)], in: context)
            guard case .baseline(_, let result) = try #require(results[SubjectIndex(0)]).get()
            else { continue }
            let expected = try #require(
                run.result["eval_result_details"]?.elements?.first {
                    $0["dataset_name"]?.text == dataset
                })
            let accuracy = try #require(expected["llm_test_accuracy"]?.double)
            let texts = Self.testTexts(dataset)
            #expect(
                abs(result.scores.accuracy - accuracy) * texts <= max(3, 0.004 * texts),
                "\(dataset)")
            let area = try #require(expected["llm_test_auc"]?.double)
            #expect(abs(result.scores.auc - area) < 4e-3, "\(dataset)")
        }
    }
}
