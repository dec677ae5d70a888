import Basics
import Corpora
import EvalKit
import Kernels
import Tensors
import Testing

@testable import Evals
@testable import Results

/// A small world of two datasets whose classes an autoencoder partly knows.
private struct SmallWorld {
    var evaluation: SAEProbes
    var context: InMemoryContext
    var names: [String]

    init(
        names: [String] = ["2_noise", "10_parted"], texts: Int = 160, ks: [Int] = [1, 3],
        latents: [Int] = [12, 9], threads: Int = 2,
        backend: any KernelBackend = ReferenceBackend(),
        change: (inout SAEProbesSettings) -> Void = { _ in }
    ) {
        var settings = SAEProbesSettings()
        (settings.datasetNames, settings.ks) = (names, ks)
        change(&settings)
        let evaluation = SAEProbes(settings: settings)
        var cohort = toyCohort(modelSize: 6, latents: latents)
        cohort.model.contextSize = 512
        let labelled = names.enumerated().map { index, name in
            (
                evaluation.request(name, in: cohort),
                Self.labelled(texts, seed: UInt64(index), parted: index == 1)
            )
        }
        context = InMemoryContext(
            cohort: cohort,
            autoencoders: latents.enumerated().map {
                ToyAutoencoder(modelSize: 6, latents: $1, seed: UInt64($0))
            },
            backend: backend, threads: threads,
            labelled: Dictionary(uniqueKeysWithValues: labelled))
        (self.evaluation, self.names) = (evaluation, names)
    }

    /// Texts of one token, of which every other one is of the second class.
    private static func labelled(_ count: Int, seed: UInt64, parted: Bool) -> (
        rows: TextRows, activations: Tensor
    ) {
        var numbers = Numbers(seed: seed + 7)
        let x = numbers.tensor([count, 6])
        for text in 0..<count where parted && text % 2 == 1 {
            for d in 0..<3 { x.floats[text * 6 + d] += 0.8 }
        }
        let even = Array(stride(from: 0, to: count, by: 2))
        let rows = TextRows(
            tokens: [Int32](repeating: 1, count: count), starts: Array(0...count),
            stored: Array(0..<count), storedStarts: Array(0...count),
            groups: [
                TextRows.Group(name: "0", split: .train, texts: even),
                TextRows.Group(
                    name: "1", split: .train, texts: (0..<count).filter { $0 % 2 == 1 }),
            ],
            sources: (0..<count).map { "world.csv:\($0)" })
        return (rows, x)
    }

    /// The partial results of an autoencoder.
    func partials(_ subject: SubjectIndex = SubjectIndex(0)) throws -> [SAEProbesPartial] {
        try evaluation.units(for: context.cohort).filter { $0.subjects.contains(subject) }.map {
            let results = try evaluation.evaluate($0.unit, subjects: [subject], in: context)
            return try #require(results[subject]).get()
        }
    }

    /// The outcome of an autoencoder.
    func outcome(_ subject: SubjectIndex = SubjectIndex(0)) throws -> Outcome {
        try evaluation.outcome(of: try partials(subject), for: subject, in: context.cohort)
    }
}

struct SAEProbesTests {
    @Test("Probes find what is there and only that")
    func finds() throws {
        let outcome = try SmallWorld(texts: 400).outcome()
        let details = try #require(outcome.detailRows.elements)
        // SAE Bench reads files by name, so 10 comes before 2.
        #expect(details.compactMap { $0["dataset_name"]?.text } == ["10_parted", "2_noise"])
        let accuracy = { (index: Int, key: String) in try #require(details[index][key]?.double) }
        #expect(try accuracy(0, "llm_test_accuracy") > 0.75)
        #expect(try accuracy(0, "sae_top_1_test_accuracy") > 0.55)
        #expect(try abs(accuracy(1, "llm_test_accuracy") - 0.5) < 0.15)
        #expect(
            try outcome.metric("llm_test_accuracy")
                == (accuracy(0, "llm_test_accuracy") + accuracy(1, "llm_test_accuracy")) / 2)
        #expect(try outcome.metric("datasets") == 2)
        #expect(try outcome.metric("sae_top_3_test_auc") > 0.5)
    }

    @Test("Results do not depend on threads", arguments: [1, 3, 8])
    func threads(threads: Int) throws {
        let text = { (threads: Int) in
            let outcome = try SmallWorld(threads: threads).outcome(SubjectIndex(1))
            return outcome.detailRows.text() + outcome.saeBench.unstructured.text()
        }
        #expect(try text(threads) == text(2))
    }

    @Test("A probe sees the latents that its result names, and no others")
    func latents() throws {
        let world = SmallWorld(ks: [2, 5])
        for partial in try world.partials() {
            guard case .latents(_, let results) = partial else { continue }
            #expect(results.map(\.k) == [2, 5])
            #expect(Array(results[1].latents.prefix(2)) == results[0].latents)
            #expect(Set(results[1].latents).count == 5)
        }
    }

    @Test("Binarised latents and another penalty give other probes")
    func settings() throws {
        let plain = try SmallWorld(ks: [9]).outcome().detailRows.text()
        #expect(try SmallWorld(ks: [9]) { $0.binarize = true }.outcome().detailRows.text() != plain)
        let other = try SmallWorld(ks: [9]) { $0.randomSeed = 1 }.outcome().detailRows.text()
        #expect(other != plain)
    }

    @Test("Units are one baseline for all and one for each autoencoder and dataset")
    func units() throws {
        let world = SmallWorld()
        let units = try world.evaluation.units(for: world.context.cohort)
        #expect(units.count == 6)
        #expect(units.filter(\.isSharedByAllSubjects).map(\.unit.dataset) == world.names)
        #expect(units.filter(\.isSharedByAllSubjects).allSatisfy { $0.subjects.count == 2 })
        #expect(units.allSatisfy { $0.inputs?.count == 1 && $0.cost + $0.costPerToken > 0 })
        for unit in units { #expect(world.names[unit.inputs![0]] == unit.unit.dataset) }
        let bare = SmallWorld { $0.includeLlmBaseline = false }
        #expect(try bare.evaluation.units(for: bare.context.cohort).count == 4)
        #expect(try bare.outcome().categories[0].metrics.allSatisfy { $0.value == nil })
    }

    @Test("The front of a text is cut to what the model takes")
    func contextLength() {
        let world = SmallWorld()
        var cohort = world.context.cohort
        for (size, length) in [(512, 512), (1024, 1024), (8192, 1024)] {
            cohort.model.contextSize = size
            let request = world.evaluation.request("a", in: cohort)
            #expect(request.contextLength == length)
            #expect(request.truncation == .start && request.stored == .last)
        }
    }

    @Test("More latents than there are is an error with both numbers")
    func tooManyLatents() throws {
        let world = SmallWorld(ks: [1, 10])
        let cohort = world.context.cohort
        try world.evaluation.check(cohort.subjects[0], in: cohort)
        let error = try #require(throws: EvaluationError.self) {
            try world.evaluation.check(cohort.subjects[1], in: cohort)
        }
        #expect(error.message.contains("10 latents, but toys/sae_1 has 9"))
    }

    @Test("A dataset that is too small fails with its name")
    func tooSmall() throws {
        let world = SmallWorld(texts: 90)
        let error = try #require(throws: EvaluationError.self) { try world.partials() }
        #expect(error.message.contains("`2_noise` has 90 texts"))
        // It is refused when a run is planned.
        let request = world.evaluation.request("2_noise", in: world.context.cohort)
        let rows = try world.context.texts(request)
        let early = try #require(throws: EvaluationError.self) {
            try world.evaluation.check(rows, of: request)
        }
        #expect(early.message == error.message)
    }

    @Test("Without one of its datasets no mean is a score, and what there is of it stands beside")
    func missing() throws {
        let world = SmallWorld()
        let partials = try world.partials().filter {
            if case .latents("2_noise", _) = $0 { false } else { true }
        }
        let outcome = try world.evaluation.outcome(
            of: partials, for: SubjectIndex(0), in: world.context.cohort)
        #expect(outcome.detailRows.elements?.count == 1)
        #expect(try outcome.metric("datasets") == 1)
        #expect(outcome.hasNoMeans)
        #expect(outcome.saeBench.trailing.first?.value.isNull == true)
        #expect(outcome.incomplete?.missing == ["2_noise"])
        let detail = try #require(outcome.detailRows.elements?.first)
        for name in ["llm_test_accuracy", "sae_top_1_test_auc"] {
            #expect(try outcome.partialMean(name) == detail[name]?.double)
        }
        let whole = try world.outcome()
        #expect(whole.incomplete == nil)
        #expect(whole.saeBench.trailing.first?.value.isNull == false)
    }

    @Test("The result has SAE Bench's fields in its order")
    func fields() throws {
        let outcome = try SmallWorld().outcome()
        #expect(
            outcome.saeBench.config.members?.map(\.key) == [
                "model_name", "random_seed", "dataset_names", "reg_type", "setting", "ks",
                "binarize", "results_path", "model_cache_path", "include_llm_baseline",
                "baseline_method",
            ])
        let scores = ["accuracy", "auc", "f1"]
        let llm = scores.map { "llm_test_\($0)" }
        let sae =
            ["sae_test_accuracy"]
            + [1, 2, 5, 10, 20, 50, 100].flatMap { k in scores.map { "sae_top_\(k)_test_\($0)" } }
        #expect(outcome.categories.map(\.name) == ["llm", "sae"])
        #expect(outcome.categories[0].metrics.map(\.name) == llm)
        #expect(outcome.categories[1].metrics.map(\.name) == sae)
        let first = try #require(outcome.detailRows.elements?.first)
        #expect(
            first.members?.map(\.key) == ["dataset_name"] + llm + sae + ["sae_metrics_by_k"])
        #expect(outcome.saeBench.trailing.map(\.name) == ["sae_metrics_by_k"])
        for json in [first["sae_metrics_by_k"], outcome.saeBench.trailing[0].value] {
            #expect(json?.members?.map(\.key) == ["1", "3"])
            let names = json?["3"]?.members?.map(\.key)
            #expect(names == ["test_accuracy", "test_auc", "test_f1"])
        }
        // Numbers of latents that SAE Bench has no field for, and fields of others.
        let values = outcome.categories[1].metrics
        #expect(values.first { $0.name == "sae_top_1_test_f1" }?.value != nil)
        #expect(values.count { $0.value != nil } == 3)
    }
}
