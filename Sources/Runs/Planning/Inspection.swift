import Basics
import Formats
import Kernels
import LanguageModels

/// Describes a model folder or a hub id in the local cache.
public func describeModel(_ model: String) throws -> ModelDescription {
    try describeLanguageModel(folder: folderExists(model) ? model : try HubCache().resolve(model))
}

/// Loads a plan's model, which checks every tensor of it.
public func loadModel(_ plan: RunPlan) throws -> any LanguageModel {
    try loadLanguageModel(folder: plan.modelFolder, backend: CPUBackend())
}

/// Cores that this process may use.
public var coreCount: Int { max(1, allowedProcessors().reduce(0) { $0 + $1.nonzeroBitCount }) }
