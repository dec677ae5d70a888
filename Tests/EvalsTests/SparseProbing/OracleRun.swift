import Basics
import EvalKit
import Glibc
import Testing

@testable import Evals

/// A result of SAE Bench's sparse probing and the files that it was computed from.
struct OracleRun {
    /// The folder of this repository.
    static let repository: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        return parts.joined(separator: "/")
    }()
    /// The folder of material beside the checkout.
    static let shared: String? = getenv("SAEVAL_SHARED").map { String(cString: $0) }

    /// SAE Bench's result file, or the parts of it that count.
    let result: JSON
    let modelFolder: String
    let autoencoderFolder: String
    /// The folder of each dataset.
    let datasets: [String: String]
    /// Classes in place of SAE Bench's.
    var chosenClasses: [String: [ClassName]] = [:]
    /// Only so many of the datasets, in their order; nil for all.
    var datasetCount: Int?

    /// The run's settings.
    func settings() throws -> SparseProbingSettings {
        let config = try #require(result["eval_config"]?.members)
        var settings = try SparseProbingSettings(
            config: .object(config.filter { $0.key != "model_name" }), owner: "sparse_probing")
        if let datasetCount {
            settings.datasetNames = Array(settings.datasetNames.prefix(datasetCount))
        }
        settings.chosenClasses = chosenClasses
        return settings
    }

    /// Model, autoencoder and texts with their activations, read through the library.
    func context(threads: Int = 4) throws -> InMemoryContext {
        let settings = try settings()
        return try labelledContext(
            model: modelFolder, autoencoder: autoencoderFolder, threads: threads,
            texts: try settings.datasetNames.map {
                (settings.request($0), try #require(datasets[$0]))
            })
    }

    /// Compares accuracies class by class: at most one test text apart for sparse probes, two for
    /// probes on all features.
    func compare(_ parts: [ProbedDataset], testTexts: Int, sparseTexts: Double = 1) throws {
        let expected = try #require(result["eval_result_unstructured"])
        var compared = 0
        for part in parts {
            let metrics = try #require(expected["\(part.dataset)_results"])
            var lists = part.sparse.map {
                (metricName(part.source, k: $0.k), $0.accuracies, sparseTexts)
            }
            if let full = part.full {
                lists.append((metricName(part.source), full.accuracies, 2.0))
            }
            for (name, accuracies, most) in lists {
                let golden = try #require(metrics[name]?.members)
                #expect(golden.map(\.key) == part.classes, "\(part.dataset) \(name)")
                #expect(accuracies.count == golden.count, "\(part.dataset) \(name)")
                for (member, accuracy) in zip(golden, accuracies) {
                    let texts = abs(accuracy - (member.value.double ?? .nan)) * Double(testTexts)
                    #expect(
                        texts < most + 0.01,
                        "\(part.dataset) \(name) \(member.key): \(accuracy) for \(member.value.text())"
                    )
                    compared += 1
                }
            }
        }
        #expect(compared > 0)
    }
}
