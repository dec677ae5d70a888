import Autoencoders
import Basics
import Corpora
import EvalKit
import Evals
import Foundation
import LanguageModels
import Tensors
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// The folder of the package.
let packageFolder = parentFolder(of: parentFolder(of: parentFolder(of: #filePath)))

/// A folder of its own for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "saeval-runs-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a text into a file and gives its path.
    func write(_ text: String, to name: String) throws -> String {
        try writeFile(Array(text.utf8), to: "\(path)/\(name)")
        return "\(path)/\(name)"
    }
}

/// The least that a config says.
let shortest = """
    model: a/model
    saes: [folder]
    evals: {core: {}}
    output: runs/a
    """

/// The configuration of a config's text.
func configuration(
    _ text: String = shortest, flags: [(keys: [String], value: JSON)] = [],
    assignments: [String] = [],
    evaluations: [String] = [], environment: [String: String] = [:]
) throws -> RunConfiguration {
    let folder = try TemporaryFolder()
    let source = ConfigurationSource(
        path: try folder.write(text, to: "config.yaml"), flags: flags, assignments: assignments,
        evaluations: evaluations)
    return try source.configuration(
        catalogue: evaluationCatalogue, environment: { environment[$0] })
}

/// The error of a config.
func configurationError(
    _ text: String = shortest, assignments: [String] = [], evaluations: [String] = [],
    environment: [String: String] = [:]
) throws -> RunError {
    try #require(throws: RunError.self) {
        _ = try configuration(
            text, assignments: assignments, evaluations: evaluations, environment: environment)
    }
}

/// A reference to no file.
func toyReference(hook: String = "blocks.0.hook_resid_post", configuration: JSON = .null)
    -> AutoencoderReference
{
    AutoencoderReference(
        release: "tiny/res", id: "blocks.0/a", path: "", layout: "none", hookName: hook,
        modelSize: 8, latents: 16,
        architecture: "standard", storedBytes: 1000, configuration: configuration)
}

/// A plan of one autoencoder and one unit that reads some rows.
func toyPlan(rows: Int = 4, contextSize: Int = 8, activationBytes: Int = 4096) -> RunPlan {
    let model = ModelDescription(
        architecture: "toy", layers: 2, modelSize: 8, vocabulary: 50, heads: 1, contextSize: 64,
        blockParameters: 100,
        embeddingParameters: 400)
    let hook = HookPoint(layer: 0, site: .residPost)
    let request = RowRequest(dataset: "d", contextSize: contextSize, rows: rows, prependsBOS: true)
    let cohort = Cohort(
        hook: hook, model: model, modelName: "toy", activationType: "float32", prependsBOS: true,
        specialTokens: [0],
        subjects: [Subject(reference: toyReference(), key: ContentHash.of("sae"))])
    return RunPlan(
        modelFolder: "/nowhere", modelName: "toy", modelKey: ContentHash.of("model"), model: model,
        activationType: .float32, evaluations: [.init(identifier: "core", settings: "{}")],
        rowSets: [
            .init(
                packed: request, datasetPath: "/nowhere/d", key: ContentHash.of("rows"),
                path: "/nowhere/r")
        ],
        activationSets: [
            .init(
                rowSet: 0, hook: hook, key: ContentHash.of("a"), path: "/nowhere/a",
                byteCount: activationBytes)
        ],
        cohorts: [.init(cohort: cohort, rowSets: [[0]])],
        units: [
            .init(
                evaluation: 0, cohort: 0, unit: "{}", subjects: [SubjectIndex(0)],
                keys: [ContentHash.of("unit")],
                cost: 1e9, isSharedByAllSubjects: false, reads: [0], dependsOn: [],
                memory: UnitMemory(.logits, tokens: rows * contextSize))
        ],
        failedItems: [], key: ContentHash.of("plan"), threads: nil, output: "/nowhere/out",
        artifacts: "/nowhere/art",
        notes: [])
}
