import Basics
import EvalKit
import Glibc
import Results
import Testing

@testable import Evals

/// A run of SAE Bench's SCR or TPP and the files that it was computed from.
struct AttributionOracle {
    /// The folder of this repository.
    static let repository: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        return parts.joined(separator: "/")
    }()
    /// The folder of material beside the checkout.
    static let shared: String? = getenv("SAEVAL_SHARED").map { String(cString: $0) }

    let result: JSON
    let isSCR: Bool
    let modelFolder: String
    let autoencoderFolder: String
    /// The folder of each dataset.
    let datasets: [String: String]
    /// Classes in place of SAE Bench's.
    var chosenClasses: [String: [ClassName]] = [:]

    /// A run of the oracle on the shared golden models, autoencoders and texts.
    init(folder: String, shared: String) throws {
        result = try JSON(file: "\(folder)/result.json")
        isSCR = result["eval_type_id"]?.text == "scr"
        let golden = "\(shared)/golden"
        modelFolder = "\(golden)/\(try #require(result["eval_config"]?["model_name"]?.text))"
        let autoencoder = try #require(result["sae_lens_release_id"]?.text)
        autoencoderFolder = "\(golden)/saes_saelens/\(autoencoder)"
        let amazon = "canrager/amazon_reviews_mcauley_1and5"
        datasets = [
            "LabHC/bias_in_bios_class_set1": "\(golden)/data/LabHC/bias_in_bios",
            amazon: "\(golden)/data/\(amazon)",
        ]
    }

    /// SAE Bench's TPP on the toy world's texts with the top-k autoencoder of layer 2.
    init(toyWorldBeside shared: String) throws {
        let root = AttributionOracle.repository
        result = try JSON(
            file: "\(shared)/golden/toyworld/tpp/blocks.2.hook_resid_post__topk/result.json")
        isSCR = false
        modelFolder = "\(root)/configs/quickstart/model"
        autoencoderFolder =
            "\(root)/configs/quickstart/saes/sae_lens/toyworld-res/blocks.2.hook_resid_post__topk"
        let dataset = "LabHC/bias_in_bios_class_set1"
        datasets = [dataset: "\(root)/configs/quickstart/toyworld/bias_in_bios"]
        chosenClasses = [
            dataset: ["1", "11", "13", "21", "25", "26"].map { ClassName($0) }
        ]
    }

    func settings() throws -> AttributionSettings {
        let config = try #require(result["eval_config"]?.members)
        let other = ["model_name", "perform_scr"]
        var settings = try AttributionSettings(
            config: .object(config.filter { !other.contains($0.key) }), owner: "evals.tpp")
        settings.chosenClasses = chosenClasses
        return settings
    }

    /// Model, autoencoder and texts with their activations, read through the library.
    func context(threads: Int = 2) throws -> InMemoryContext {
        let settings = try settings()
        return try labelledContext(
            model: modelFolder, autoencoder: autoencoderFolder, threads: threads,
            texts: try settings.runs(isSCR: isSCR).map {
                (settings.request($0), try #require(datasets[$0.dataset]))
            })
    }

    /// What upstream mode gives, and the permutations that it drew.
    func evaluated() throws -> (
        partial: AttributionPartial, outcome: Outcome, drawn: [[Int32]]
    ) {
        let (settings, context, trace) = (try settings(), try context(), PermutationTrace())
        let subject = SubjectIndex(0)
        var work =
            isSCR
            ? SCR(settings: settings).work(in: context)
            : TPP(settings: settings).work(in: context)
        work.trace = trace
        let partial = try #require(try work.evaluate(.upstream, subjects: [subject])[subject]).get()
        let outcome =
            try isSCR
            ? SCR(settings: settings).outcome(of: [partial], for: subject, in: context.cohort)
            : TPP(settings: settings).outcome(of: [partial], for: subject, in: context.cohort)
        return (partial, outcome, trace.permutations)
    }

    /// Checks that a result has the keys of SAE Bench's, in their order.
    func expectSameKeys(_ outcome: Outcome) throws {
        for (category, values) in outcome.categories {
            let golden = try #require(result["eval_result_metrics"]?[category]?.members)
            #expect(values.prefix(golden.count).map(\.name) == golden.map(\.key))
            for (member, entry) in zip(golden, values) {
                #expect(member.value.isNull == (entry.value == nil), "\(entry.name)")
            }
        }
        let details = try #require(result["eval_result_details"]?.elements)
        for (own, golden) in zip(outcome.detailRows.elements ?? [], details) {
            let keys = golden.members?.map(\.key) ?? []
            #expect(Array((own.members?.map(\.key) ?? []).prefix(keys.count)) == keys)
            #expect(own["dataset_name"]?.text == golden["dataset_name"]?.text)
        }
        #expect(outcome.detailRows.elements?.count == details.count)
        #expect(
            outcome.saeBench.unstructured.members?.map(\.key)
                == result["eval_result_unstructured"]?.members?.map(\.key))
    }
}

/// The numbers of SAE Bench 0.6.0, from texts to scores.
@Suite(.enabled(if: AttributionOracle.shared != nil, "SAEVAL_SHARED is not set"))
struct AttributionParityTests {
    /// Folders of runs with other seeds, autoencoders and n.
    static let runs: [String] = ["tpp", "scr"].flatMap { evaluation -> [String] in
        let folder = "\(AttributionOracle.repository)/Tests/Fixtures/oracle/\(evaluation)"
        return ((try? folderContents(folder)) ?? []).sorted().map { "\(folder)/\($0)" }
    }

    /// Compares lists of accuracies by name, in test texts.
    private func compare(
        _ names: [String], _ accuracies: [Double], _ golden: JSON?, texts: Int, _ what: String
    ) throws {
        let members = try #require(golden?.members)
        #expect(members.map(\.key) == names && accuracies.count == names.count, "\(what)")
        for (member, accuracy) in zip(members, accuracies) {
            let difference = abs(accuracy - (member.value.double ?? .nan)) * Double(texts)
            #expect(difference < 2.01, "\(what) \(member.key): \(accuracy)")
        }
    }

    @Test("The runs of SAE Bench are there")
    func runsAreThere() { #expect(Self.runs.count == 3 + 3) }

    @Test("Permutations and accuracies are SAE Bench's", arguments: runs)
    func accuracies(folder: String) throws {
        let run = try AttributionOracle(
            folder: folder, shared: try #require(AttributionOracle.shared))
        let (partial, outcome, drawn) = try run.evaluated()
        let trace = try JSON(file: "\(folder)/randperm_trace.json")
        #expect(drawn.count == trace["count"]?.integer)
        #expect(sha256(drawn.flatMap { $0 }) == trace["all_sha256_i32le"]?.text)
        let stages = try #require(try JSON(file: "\(folder)/accuracies.json").elements)
        #expect(stages.count == partial.probes.count)
        let texts = try run.settings().testSetSize
        for (index, stage) in stages.enumerated() {
            let probes = partial.probes[index]
            try compare(
                probes.evaluations, probes.accuracies, stage["clean"], texts: texts,
                "\(probes.run.name) clean")
            for ablated in partial.ablations[index].ablated {
                for level in ablated.levels {
                    try compare(
                        probes.evaluations, level.accuracies,
                        stage["ablated"]?[ablated.name]?["\(level.n)"], texts: texts,
                        "\(probes.run.name) without \(level.n) of \(ablated.name)")
                    let chosen = stage["latents"]?.elements?.first {
                        $0["class"]?.text == ablated.name && $0["n"]?.integer == level.n
                    }
                    #expect(chosen?["latents"]?.elements?.count == level.latents)
                }
            }
        }
        try run.expectSameKeys(outcome)
    }

    @Test("Scores on the toy world are SAE Bench's")
    func toyWorld() throws {
        let run = try AttributionOracle(toyWorldBeside: try #require(AttributionOracle.shared))
        let (_, outcome, _) = try run.evaluated()
        try run.expectSameKeys(outcome)
        let texts = Double(try run.settings().testSetSize)
        let golden = try #require(run.result["eval_result_unstructured"]?.members?.first?.value)
        for (name, values) in try #require(golden.members).map({ ($0.key, $0.value) }) {
            for member in try #require(values.members) {
                let own = outcome.saeBench.unstructured.members?.first?.value[name]?[member.key]?
                    .double
                let difference = abs(try #require(own) - (member.value.double ?? .nan)) * texts
                // Differences of two accuracies, each two texts apart at most.
                #expect(difference < 4.01, "\(name) \(member.key)")
            }
        }
    }
}
