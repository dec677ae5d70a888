import Autoencoders
import Basics
import EvalKit
import Evals
import Testing

@testable import Plans

/// The configs of `configs/saebench`.
@Suite("Published settings")
struct PublishedConfigTests {
    /// The models that have a folder.
    static let models = ["pythia-70m", "pythia-160m", "gemma-2-2b"]

    /// Reads a config as the program does.
    private func configuration(_ model: String, _ evaluation: String) throws -> RunConfiguration {
        let path = "\(packageFolder)/configs/saebench/\(model)/\(evaluation).yaml"
        return try ConfigurationSource(path: path).configuration(
            catalogue: evaluationCatalogue, environment: { _ in nil })
    }

    @Test(
        "Every evaluation has a file of valid settings for each model",
        arguments: models, evaluationCatalogue.map(\.identifier))
    func isThere(model: String, evaluation: String) throws {
        let configuration = try configuration(model, evaluation)
        #expect(configuration.evals.map(\.identifier) == [evaluation])
        #expect(configuration.output == "runs/saebench/\(model)/\(evaluation)")
    }

    @Test("A folder holds one file for each evaluation", arguments: models)
    func names(model: String) throws {
        let names = ["core", "scr", "sparse_probing", "sparse_probing_sae_probes", "tpp"]
        #expect(
            try folderContents("\(packageFolder)/configs/saebench/\(model)")
                == names.map { "\($0).yaml" })
    }

    @Test("Every dataset that an evaluation reads has a place", arguments: models)
    func datasets(model: String) throws {
        let families = ["_class_set1", "_class_set2", "_class_set3", "_sentiment"]
        for entry in evaluationCatalogue {
            let configuration = try configuration(model, entry.identifier)
            let settings = configuration.evals[0].settings
            let names = settings["dataset_names"]?.elements?.compactMap(\.text) ?? []
            for name in names + [settings["dataset"]?.text].compactMap({ $0 }) {
                let source = families.reduce(name) { $0.replacing($1, with: "") }
                #expect(configuration.datasets.contains { $0.id == source }, "\(name)")
            }
        }
    }

    @Test("Selections from the directory find autoencoders at the published layers")
    func selections() throws {
        let layers = ["pythia-70m": [3, 4], "gemma-2-2b": [5, 12, 19]]
        for (model, layers) in layers {
            for selection in try configuration(model, "core").saes {
                guard case .published(let release, let id) = selection.source else {
                    Issue.record("\(model) names no release")
                    continue
                }
                let found = try PublishedAutoencoders.matching(release: release, id: id)
                #expect(Set(found.compactMap(\.layer)) == Set(layers), "\(release) \(id)")
            }
        }
    }
}
