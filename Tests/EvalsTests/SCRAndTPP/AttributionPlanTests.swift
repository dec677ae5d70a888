import Basics
import Corpora
import EvalKit
import Testing

@testable import Evals

struct AttributionPlanTests {
    private func cohort(_ streams: RandomStreams = .independent, latents: [Int] = [600, 700])
        -> Cohort
    {
        var cohort = toyCohort(modelSize: 6, latents: latents)
        cohort.streams = streams
        return cohort
    }

    @Test("Defaults are those of SAE Bench and every key is known")
    func defaults() throws {
        let json = try AttributionSettings().json
        #expect(json["n_values"]?.text() == "[2, 5, 10, 20, 50, 100, 500]")
        #expect(json["probe_l1_penalty"]?.double == 0.001)
        #expect(json["probe_lr"]?.double == 0.001)
        let pairs = json["column1_vals_lookup"]?["LabHC/bias_in_bios_class_set1"]
        #expect(pairs?.elements?.count == 4)
        let settings = try AttributionSettings(
            config: JSON.object([
                "n_values": .array([.integer(3)]), "early_stopping_patience": .integer(7),
                "dataset_names": .array([.string("mine")]),
                "column1_vals_lookup": .object([
                    "mine": .array([.array([.string("x"), .string("y")])])
                ]),
                "chosen_classes": .object(["mine": .array([.integer(1), .string("b")])]),
            ]), owner: "evals.scr")
        #expect(settings.nValues == [3])
        #expect(settings.training.patience == 7)
        #expect(settings.column1ValsLookup == ["mine": [["x", "y"]]])
        #expect(settings.chosenClasses["mine"]?.map(\.text) == ["1", "b"])
    }

    @Test(
        "Settings that make no sense are refused with key and value",
        arguments: [
            ("n_values", "[0]"), ("n_values", "[2, 2]"), ("n_values", "[]"),
            ("train_set_size", "2"), ("probe_lr", "-1"), ("context_length", "1"),
            ("dataset_names", "[]"), ("dataset_names", "[\"a\", \"a\"]"),
            ("llm_dtype", "\"float64\""), ("column1_vals_lookup", "{\"a\": [[\"x\"]]}"),
            ("column1_vals_lookup", "{\"a\": [[\"x\", \"x\"]]}"),
            ("chosen_classes", "{\"a\": [\"x\", \"y\"]}"), ("random_seed", "-1"),
        ])
    func refused(key: String, value: String) throws {
        let config = try JSON(parsing: Array("{\"\(key)\": \(value)}".utf8), source: "test")
        let error = #expect(throws: EvaluationError.self) {
            try AttributionSettings(config: config, owner: "evals.tpp")
        }
        #expect(error?.description.contains(key) == true)
    }

    @Test("More latents than there are cannot be ablated")
    func tooMany() throws {
        let cohort = cohort(latents: [499, 500])
        for check in [
            TPP(settings: AttributionSettings()).check(_:in:),
            SCR(settings: AttributionSettings()).check(_:in:),
        ] {
            let error = #expect(throws: EvaluationError.self) {
                try check(cohort.subjects[0], cohort)
            }
            #expect(error?.message.contains("500, but toys/sae_0 has 499 latents") == true)
            try check(cohort.subjects[1], cohort)
        }
    }

    @Test("SCR without pairs and another type of activations are refused")
    func unsuitable() throws {
        let cohort = cohort()
        var settings = AttributionSettings()
        settings.datasetNames = ["fancyzhx/ag_news"]
        #expect(throws: EvaluationError.self) {
            try SCR(settings: settings).check(cohort.subjects[0], in: cohort)
        }
        try TPP(settings: settings).check(cohort.subjects[0], in: cohort)
        settings.llmDtype = "bfloat16"
        #expect(throws: EvaluationError.self) {
            try TPP(settings: settings).check(cohort.subjects[0], in: cohort)
        }
    }

    @Test("Inputs are one request for each dataset or pair")
    func inputs() throws {
        let settings = AttributionSettings()
        let (tpp, scr) = (TPP(settings: settings), SCR(settings: settings))
        #expect(tpp.inputs(for: cohort()).map(\.dataset) == settings.datasetNames)
        let requests = scr.inputs(for: cohort())
        #expect(requests.count == 8)
        #expect(
            requests.first
                == .texts(
                    TextRequest(
                        dataset: settings.datasetNames[0],
                        selection: .pair(
                            first: "professor", second: "nurse", train: 4000, test: 1000, seed: 42),
                        contextLength: 128)))
    }

    @Test("Each run has a unit of probes for all and a unit for each autoencoder")
    func units() throws {
        let units = try TPP(settings: AttributionSettings()).units(for: cohort())
        #expect(units.count == 6)
        #expect(units.map(\.isSharedByAllSubjects) == [true, false, false, true, false, false])
        #expect(units.map(\.inputs) == [[0], [0], [0], [1], [1], [1]])
        #expect(units[0].subjects.count == 2)
        #expect(units[2].subjects == [SubjectIndex(1)])
        #expect(units.allSatisfy { $0.cost + $0.costPerToken > 0 })
    }

    @Test("In SAE Bench's order each autoencoder is one unit of another name")
    func upstreamUnits() throws {
        let units = try SCR(settings: AttributionSettings()).units(for: cohort(.upstream))
        #expect(units.map(\.unit) == [.upstream, .upstream])
        #expect(units.map(\.subjects) == [[SubjectIndex(0)], [SubjectIndex(1)]])
    }
}
