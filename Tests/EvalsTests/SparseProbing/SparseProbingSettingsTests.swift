import Basics
import EvalKit
import Testing

@testable import Evals

struct SparseProbingSettingsTests {
    /// Settings from the JSON of a config.
    private func settings(_ text: String) throws -> SparseProbingSettings {
        try SparseProbingSettings(
            config: JSON(parsing: Array(text.utf8), source: "a test"), owner: "sparse_probing")
    }

    @Test("Without a config the settings are SAE Bench's")
    func defaults() throws {
        let settings = try settings("{}")
        #expect(settings.randomSeed == 42 && settings.kValues == [1, 2, 5])
        #expect(settings.probeTrainSetSize == 4000 && settings.probeTestSetSize == 1000)
        #expect(settings.contextLength == 128 && settings.saeBatchSize == 125)
        #expect(settings.llmBatchSize == nil && !settings.lowerVramUsage)
        #expect(settings.datasetNames.count == 8)
    }

    @Test("Every setting can be given under SAE Bench's name")
    func allKeys() throws {
        let settings = try settings(
            """
            {"random_seed": 7, "dataset_names": ["a/b_c", "d"], "probe_train_set_size": 40,
             "probe_test_set_size": 20, "context_length": 64, "sae_batch_size": 5,
             "llm_batch_size": 32, "llm_dtype": "bfloat16", "k_values": [3, 16],
             "lower_vram_usage": true, "chosen_classes": {"a/b_c": [1, "x", "5.0"]}}
            """)
        #expect(settings.randomSeed == 7 && settings.datasetNames == ["a/b_c", "d"])
        #expect(settings.probeTrainSetSize == 40 && settings.probeTestSetSize == 20)
        #expect(settings.contextLength == 64 && settings.saeBatchSize == 5)
        #expect(settings.llmBatchSize == 32 && settings.llmDtype == "bfloat16")
        #expect(settings.kValues == [3, 16] && settings.lowerVramUsage)
        #expect(settings.chosenClasses["a/b_c"]?.map(\.text) == ["1", "x", "5.0"])
    }

    @Test(
        "Values that make no sense are refused, naming the key",
        arguments: [
            ("{\"k_values\": [1, 0]}", "k_values"), ("{\"k_values\": [2, 2]}", "k_values"),
            ("{\"dataset_names\": []}", "dataset_names"),
            ("{\"dataset_names\": [\"a\", \"a\"]}", "dataset_names"),
            ("{\"probe_train_set_size\": 1}", "probe_train_set_size"),
            ("{\"probe_test_set_size\": -4}", "probe_test_set_size"),
            ("{\"context_length\": 1}", "context_length"),
            ("{\"llm_batch_size\": 0}", "llm_batch_size"),
            ("{\"llm_dtype\": \"float8\"}", "llm_dtype"),
            ("{\"random_seed\": -1}", "random_seed"),
            ("{\"chosen_classes\": {\"nobody/knows\": [1, 2]}}", "chosen_classes"),
            ("{\"chosen_classes\": {\"fancyzhx/ag_news\": [1]}}", "chosen_classes"),
            ("{\"chosen_classes\": {\"fancyzhx/ag_news\": [1, 1]}}", "chosen_classes"),
            ("{\"chosen_classes\": {\"fancyzhx/ag_news\": \"all\"}}", "chosen_classes"),
            ("{\"chosen_classes\": {\"fancyzhx/ag_news\": [1, true]}}", "chosen_classes"),
            ("{\"k_value\": [1]}", "k_value"), ("{\"k_values\": \"1\"}", "k_values"),
        ])
    func refused(text: String, key: String) throws {
        let error = #expect(throws: EvaluationError.self) { try settings(text) }
        #expect(error?.message.contains(key) == true, "\(error?.description ?? "")")
    }

    @Test("More features than an autoencoder has latents are refused in one sentence")
    func tooManyFeatures() throws {
        let cohort = toyCohort(modelSize: 3, latents: [5, 6])
        let evaluation = SparseProbing(settings: try settings("{\"k_values\": [1, 6]}"))
        let error = #expect(throws: EvaluationError.self) {
            try evaluation.check(cohort.subjects[0], in: cohort)
        }
        #expect(
            error?.message == "`sparse_probing.k_values` holds 6, but toys/sae_0 has 5 latents")
        try evaluation.check(cohort.subjects[1], in: cohort)
    }

    @Test("A type of activations that the run does not store is refused")
    func otherType() throws {
        let cohort = toyCohort(modelSize: 3, latents: [5])
        let fitting = SparseProbing(settings: try settings("{\"llm_dtype\": \"float32\"}"))
        try fitting.check(cohort.subjects[0], in: cohort)
        let other = SparseProbing(settings: try settings("{\"llm_dtype\": \"bfloat16\"}"))
        let error = #expect(throws: EvaluationError.self) {
            try other.check(cohort.subjects[0], in: cohort)
        }
        #expect(error?.advice == "set `dtype: bfloat16` or leave `llm_dtype` out")
    }
}
