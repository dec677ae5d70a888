import Activations
import Basics
import Corpora
import Formats
import Kernels
import LanguageModels
import Tokenizers

/// Describes a model folder or a hub id in the local cache.
public func describeModel(_ model: String) throws -> ModelDescription {
    try describeLanguageModel(folder: try modelFolder(model, cache: HubCache()))
}

/// The folder of a model: the one that is named, or that of a hub id in the local cache.
///
/// - Throws: ``RunError`` for a path that is not a folder and for a snapshot that lacks files,
///   `FormatError` for an id that is not cached.
package func modelFolder(_ model: String, cache: HubCache) throws -> String {
    if folderExists(model) { return model }
    let steps = model.split(separator: "/", omittingEmptySubsequences: false)
    guard steps.count <= 2 || model.contains("@"), !fileExists(model), !model.hasPrefix("/"),
        !model.hasPrefix(".")
    else {
        throw RunError(
            .missing, "Model \(model) is not a folder",
            advice: "name a folder with config.json and model.safetensors, or a hub id")
    }
    let folder = try cache.snapshot(of: model)
    if let missing = ModelFiles.missing(in: folder) {
        throw RunError(
            .missing,
            "`\(model)` is not whole in the hub cache: there is no file \(folder)/\(missing)",
            advice: cache.advice)
    }
    return folder
}

/// Loads a plan's model, which checks every tensor of it.
public func loadModel(_ plan: RunPlan) throws -> any LanguageModel {
    try loadLanguageModel(folder: plan.modelFolder, backend: CPUBackend())
}

/// Checks that folders of a run can be made or written to; touches nothing.
///
/// - Throws: `BasicsError` that names the folder or what is in its way.
public func checkFolders(_ plan: RunPlan) throws {
    for folder in [plan.output, plan.artifacts] { try checkFolder(canBeMade: folder) }
}

/// Makes one row of each dataset of which rows are packed, which needs its column and tokenizer;
/// labelled texts are all read by planning.
///
/// - Throws: the error with which a run would end.
public func checkDatasets(_ plan: RunPlan) throws {
    for set in plan.rowSets {
        guard case .rows(var request) = set.request else { continue }
        request.rows = 1
        let packed = try packRows(request, path: set.datasetPath) {
            try Tokenizer(folder: plan.modelFolder)
        }
        try RowStore.check(packed, of: set, modelFolder: plan.modelFolder, plan.model.vocabulary)
    }
}
