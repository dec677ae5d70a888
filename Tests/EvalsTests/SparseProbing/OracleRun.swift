import Autoencoders
import Basics
import CCrypto
import Corpora
import EvalKit
import Glibc
import Kernels
import LanguageModels
import Tensors
import Testing
import Tokenizers

@testable import Evals

/// A result of SAE Bench's sparse probing and the files that it was computed from.
struct OracleRun {
    /// The folder of this repository.
    static let repository: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        return parts.joined(separator: "/")
    }()
    /// The folder of material that lies beside the checkout.
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
    func context(threads: Int = 4) throws -> ToyContext {
        let backend = CPUBackend()
        let model = try loadLanguageModel(folder: modelFolder, backend: backend)
        let reference = try #require(try findAutoencoders(under: autoencoderFolder).first)
        let tokenizer = try Tokenizer(folder: modelFolder)
        let hook = try HookPoint(parsing: reference.hookName)
        let settings = try settings()
        var labelled: [TextRequest: (rows: TextRows, activations: Tensor)] = [:]
        for name in settings.datasetNames {
            let request = settings.request(name)
            let rows = try textRows(
                request, at: try #require(datasets[name]), tokenizer: tokenizer, threads: threads)
            labelled[request] = (
                rows, try Self.activations(of: rows, at: hook, model: model, threads: threads)
            )
        }
        let cohort = Cohort(
            hook: hook, model: model.description, modelName: "models/oracle",
            activationType: "float32", prependsBOS: true, specialTokens: [],
            subjects: [Subject(reference: reference, key: ContentHash.of(reference.path))],
            streams: .upstream)
        return ToyContext(
            cohort: cohort, rows: TokenRows(tokens: [], positions: 1),
            autoencoders: [try loadAutoencoder(reference)], model: model, backend: backend,
            threads: threads, labelled: labelled, activations: { _, _ in Tensor(zeros: [0, 1]) })
    }

    /// The activations of all stored tokens; each text runs alone, which padding behind it would not
    /// change.
    private static func activations(
        of rows: TextRows, at hook: HookPoint, model: any LanguageModel, threads: Int
    ) throws -> Tensor {
        let width = model.description.size(at: hook)
        let result = Tensor(uninitialized: [rows.stored.count, width])
        _ = try concurrentMap(rows.count, threads: threads) { text in
            let tokens = Array(rows.tokens[rows.starts[text]..<rows.starts[text + 1]])
            let pass = ForwardPass(
                start: .tokens(tokens), end: .lastCapture, batch: 1, positions: tokens.count,
                captures: [hook])
            let x = try #require(try model.run(pass).captured[hook])
            for place in rows.storedStarts[text]..<rows.storedStarts[text + 1] {
                let position = rows.stored[place] - rows.starts[text]
                memcpy(
                    result.floats + place * width, x.floats + position * width, width * 4)
            }
        }
        return result
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

/// SHA-256 of a permutation as little-endian 32-bit integers, in hexadecimal digits.
func sha256(_ permutation: [Int32]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let values = permutation.map(\.littleEndian)
    let status = values.withUnsafeBytes {
        EVP_Digest($0.baseAddress, $0.count, &digest, &count, EVP_sha256(), nil)
    }
    #expect(status == 1 && count == 32)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
