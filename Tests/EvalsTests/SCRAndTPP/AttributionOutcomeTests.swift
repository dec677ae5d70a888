import Basics
import Corpora
import EvalKit
import Kernels
import Results
import Testing

@testable import Evals

struct AttributionOutcomeTests {
    private let cohort = toyCohort(modelSize: 3, latents: [5])

    private func settings(_ datasets: [String] = ["a", "b"]) -> AttributionSettings {
        var settings = AttributionSettings()
        settings.datasetNames = datasets
        settings.nValues = [2, 3]
        settings.column1ValsLookup = Dictionary(
            uniqueKeysWithValues: datasets.map { ($0, [["x", "y"]]) })
        return settings
    }

    /// Probes and ablations of a dataset with three classes.
    private func tpp(_ dataset: String, clean: [Double], ablated: [[Double]]) -> AttributionPartial
    {
        let run = AttributionRun(dataset: dataset)
        return AttributionPartial(
            probes: [
                ProbeAccuracies(run: run, evaluations: ["0", "1", "2"], accuracies: clean)
            ],
            ablations: [
                AblationAccuracies(
                    run: run,
                    ablated: ablated.enumerated().map { index, accuracies in
                        AblatedClass(
                            name: "\(index)",
                            levels: [2, 3].map {
                                AblationLevel(
                                    n: $0, latents: 2, accuracies: accuracies,
                                    pairedAccuracies: clean)
                            })
                    })
            ])
    }

    /// Probes and ablations of a pair: the biased probe on both concepts, their own probes, and the
    /// biased probe afterwards.
    private func scr(
        _ dataset: String, biased: (professor: Double, male: Double), own: Double, after: Double
    ) -> AttributionPartial {
        let run = AttributionRun(dataset: dataset, pair: ["x", "y"])
        let probe = "male_professor / female_nurse"
        let names = [
            "male / female", "professor / nurse", "\(probe) probe on male / female data",
            "\(probe) probe on professor / nurse data",
        ]
        let levels = [2, 3].map {
            AblationLevel(
                n: $0, latents: $0, accuracies: [own, own, after, after],
                pairedAccuracies: [own, own, own, own])
        }
        return AttributionPartial(
            probes: [
                ProbeAccuracies(
                    run: run, evaluations: names,
                    accuracies: [own, own, biased.male, biased.professor])
            ],
            ablations: [
                AblationAccuracies(
                    run: run,
                    ablated: ["male / female", "professor / nurse", probe].map {
                        AblatedClass(name: $0, levels: levels)
                    })
            ])
    }

    @Test("TPP is the loss of the ablated class minus the mean loss of the others")
    func tpp() throws {
        let partials = [
            tpp(
                "a", clean: [0.9, 0.8, 0.7],
                ablated: [[0.5, 0.8, 0.6], [0.9, 0.6, 0.7], [0.9, 0.8, 0.5]]),
            tpp("b", clean: [1, 1, 1], ablated: [[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        ]
        let outcome = try TPP(settings: settings()).outcome(
            of: partials, for: SubjectIndex(0), in: cohort)
        let intended = ((0.4 + 0.2 + 0.2) / 3 + 1) / 2
        let unintended = (0.05 / 3) / 2
        #expect(abs(try outcome.metric("tpp_threshold_2_intended_diff_only") - intended) < 1e-12)
        #expect(
            abs(try outcome.metric("tpp_threshold_3_unintended_diff_only") - unintended) < 1e-12)
        #expect(
            abs(try outcome.metric("tpp_threshold_2_total_metric") - intended + unintended) < 1e-12)
        #expect(try outcome.metric("tpp_threshold_2_total_metric_paired") == 0)
        #expect(try outcome.metric("tpp_threshold_3_ablated_latents") == 2)
        #expect(outcome.saeBench.unstructured.members?.map(\.key) == ["a", "b"])
        #expect(outcome.saeBench.unstructured["a"]?.members?.map(\.key) == ["0", "1", "2"])
        #expect(
            outcome.detailRows.elements?.map { $0["dataset_name"]?.text } == [
                "a_tpp_results", "b_tpp_results",
            ])
    }

    @Test("Declared numbers that were not asked for are null, others follow")
    func listed() throws {
        let outcome = try TPP(settings: settings(["b"])).outcome(
            of: [tpp("b", clean: [1, 1, 1], ablated: [[0, 1, 1], [1, 0, 1], [1, 1, 0]])],
            for: SubjectIndex(0), in: cohort)
        let values = try #require(outcome.categories.first?.metrics)
        #expect(values.count == 24)
        #expect(values.filter { $0.value == nil }.count == 18)
        #expect(values.last?.name == "tpp_threshold_3_unintended_diff_only")
        #expect(values.last?.value == 0)
    }

    @Test("Without one of its datasets no mean is a score; without any there is no outcome")
    func absent() throws {
        let partial = tpp("b", clean: [1, 1, 1], ablated: [[0, 1, 1], [1, 0, 1], [1, 1, 0]])
        let outcome = try TPP(settings: settings()).outcome(
            of: [partial], for: SubjectIndex(0), in: cohort)
        #expect(outcome.detailRows.elements?.count == 1)
        #expect(outcome.hasNoMeans)
        #expect(outcome.ownMetrics.isEmpty)
        #expect(outcome.incomplete?.missing == ["a"])
        #expect(try outcome.partialMean("tpp_threshold_2_total_metric") == 1)
        #expect(try outcome.partialMean("tpp_threshold_3_ablated_latents") == 2)
        #expect(throws: EvaluationError.self) {
            try TPP(settings: settings()).outcome(
                of: [AttributionPartial(probes: partial.probes)], for: SubjectIndex(0), in: cohort)
        }
    }

    @Test("Without one of its pairs no mean of SCR is a score, and its counts stay")
    func absentPair() throws {
        var settings = settings(["a"])
        settings.column1ValsLookup = ["a": [["x", "y"], ["v", "w"]]]
        let outcome = try SCR(settings: settings).outcome(
            of: [scr("a", biased: (0.6, 0.7), own: 0.9, after: 0.75)], for: SubjectIndex(0),
            in: cohort)
        #expect(outcome.hasNoMeans)
        #expect(outcome.incomplete?.missing == ["a: v / w"])
        #expect(abs(try outcome.partialMean("scr_metric_threshold_2") - 0.5) < 1e-12)
        #expect(
            outcome.ownMetrics.map(\.name) == [
                "scr_runs_without_metric", "scr_directions_without_gap",
            ])
    }

    @Test("SCR's metric is the direction in which the biased probe is worse")
    func directions() throws {
        let evaluation = SCR(settings: settings(["a"]))
        for (biased, expected) in [((0.6, 0.7), 0.5), ((0.7, 0.6), 0.25 / 0.3)] {
            let outcome = try evaluation.outcome(
                of: [scr("a", biased: biased, own: 0.9, after: biased.0 + 0.15)],
                for: SubjectIndex(0), in: cohort)
            let first = try outcome.metric("scr_dir1_threshold_2")
            let second = try outcome.metric("scr_dir2_threshold_2")
            let metric = try outcome.metric("scr_metric_threshold_2")
            #expect(metric == (biased.0 < biased.1 ? first : second))
            #expect(abs(metric - expected) < 1e-12)
            #expect(try outcome.metric("scr_dir1_threshold_2_paired") == 1)
            #expect(try outcome.metric("scr_runs_without_metric") == 0)
        }
    }

    @Test("A pair on which the biased probe is equally good leaves the metric out")
    func undecided() throws {
        let equal = scr("a", biased: (0.6, 0.6), own: 0.9, after: 0.75)
        let outcome = try SCR(settings: settings(["a"])).outcome(
            of: [equal], for: SubjectIndex(0), in: cohort)
        let values = try #require(outcome.categories.first?.metrics)
        #expect(values.first { $0.name == "scr_metric_threshold_2" }?.value == .some(nil))
        #expect(abs(try outcome.metric("scr_dir1_threshold_2") - 0.5) < 1e-12)
        #expect(try outcome.metric("scr_runs_without_metric") == 1)
        let both = try SCR(settings: settings()).outcome(
            of: [equal, scr("b", biased: (0.5, 0.6), own: 0.9, after: 0.7)],
            for: SubjectIndex(0), in: cohort)
        #expect(abs(try both.metric("scr_metric_threshold_2") - 0.5) < 1e-12)
        #expect(
            both.detailRows.elements?.map { $0["dataset_name"]?.text } == [
                "a_scr_x_y_results", "b_scr_x_y_results",
            ])
        #expect(both.saeBench.unstructured.isNull)
    }

    @Test("A direction without a gap scores 0 and is counted")
    func noGap() throws {
        let outcome = try SCR(settings: settings(["a"])).outcome(
            of: [scr("a", biased: (0.8995, 0.5), own: 0.9, after: 0.1)], for: SubjectIndex(0),
            in: cohort)
        #expect(try outcome.metric("scr_dir1_threshold_2") == 0)
        #expect(try outcome.metric("scr_directions_without_gap") == 1)
    }

    @Test("The config is written with SAE Bench's keys in its order")
    func config() throws {
        let config = settings(["a"]).config(
            isSCR: true, modelName: "toy-model", activationType: "float32")
        #expect(
            config.members?.map(\.key) == [
                "random_seed", "dataset_names", "perform_scr", "early_stopping_patience",
                "train_set_size", "test_set_size", "context_length", "probe_train_batch_size",
                "probe_test_batch_size", "probe_epochs", "probe_lr", "probe_l1_penalty",
                "sae_batch_size", "llm_batch_size", "llm_dtype", "lower_vram_usage", "model_name",
                "n_values", "column1_vals_lookup",
            ])
        #expect(config["perform_scr"]?.truth == true)
    }
}
