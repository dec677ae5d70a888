import Basics
import EvalKit
import Testing

@testable import Evals

/// Settings from JSON text.
private func read(_ text: String) throws -> SAEProbesSettings {
    try SAEProbesSettings(
        config: try JSON(parsing: Array(text.utf8), source: "a config"),
        owner: "evals.sparse_probing_sae_probes")
}

struct SAEProbesSettingsTests {
    @Test("Defaults are those of SAE Bench")
    func defaults() throws {
        let settings = try read("{}")
        #expect(settings.randomSeed == 42 && settings.ks == [1, 2, 5])
        #expect(settings.regType == "l1" && settings.setting == "normal" && !settings.binarize)
        #expect(settings.includeLlmBaseline && settings.baselineMethod == "logreg")
        #expect(settings.datasetNames.count == 113 && Set(settings.datasetNames).count == 113)
        #expect(settings.datasetNames.first == "5_hist_fig_ismale")
        #expect(settings.datasetNames.contains("163_agnews_2"))
    }

    @Test("No names mean all datasets")
    func noNames() throws {
        #expect(try read(#"{"dataset_names": []}"#).datasets == saeProbesDatasets)
        #expect(try read(#"{"dataset_names": ["mine"]}"#).datasets == ["mine"])
    }

    @Test("Every key is accepted under SAE Bench's name")
    func names() throws {
        let settings = try read(
            #"{"random_seed": 1, "dataset_names": ["a"], "reg_type": "l2", "setting": "normal", "#
                + #""ks": [3, 4], "binarize": true, "results_path": "r", "model_cache_path": null, "#
                + #""include_llm_baseline": false, "baseline_method": "logreg"}"#)
        #expect(settings.randomSeed == 1 && settings.regType == "l2" && settings.ks == [3, 4])
        #expect(settings.binarize && !settings.includeLlmBaseline)
        #expect(settings.resultsPath == "r" && settings.modelCachePath == nil)
    }

    @Test(
        "A value out of range is named with what is allowed",
        arguments: [
            (#"{"reg_type": "l3"}"#, "reg_type` is l3", "l1 or l2"),
            (#"{"setting": "scarcity"}"#, "setting` is scarcity", "normal"),
            (#"{"baseline_method": "knn"}"#, "baseline_method` is knn", "logreg"),
            (#"{"ks": []}"#, "ks` is []", "above 0"),
            (#"{"ks": [0, 1]}"#, "ks` is [0, 1]", "above 0"),
            (#"{"ks": [2, 2]}"#, "ks` is [2, 2]", "once"),
            (#"{"random_seed": -1}"#, "random_seed` is -1", "0 to"),
            (#"{"dataset_names": ["a", "b", "a"]}"#, "dataset_names` is `a`", "once"),
        ])
    func outOfRange(text: String, value: String, allowed: String) throws {
        let error = try #require(throws: EvaluationError.self) { _ = try read(text) }
        #expect(error.code == .outOfRange)
        #expect(error.message.contains(value))
        #expect(error.advice?.contains(allowed) == true)
    }
}
