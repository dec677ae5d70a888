import Basics
import Formats
import Kernels

/// One architecture in the registry.
struct ArchitectureEntry: Sendable {
    /// Reads sizes and names from the config alone.
    let describe: @Sendable (ModelConfig) throws -> ModelDescription
    /// Maps the weights of a folder, or takes tensors.
    let load:
        @Sendable (ModelConfig, ModelWeights.Source, any KernelBackend) throws -> any LanguageModel
}

extension ArchitectureEntry {
    /// A relative of Llama, which its settings describe.
    init(gated settings: @escaping @Sendable (ModelConfig) throws -> GatedSettings) {
        describe = { try settings($0).description }
        load = {
            Transformer(
                architecture: try GatedTransformer(try settings($0), from: $1, backend: $2))
        }
    }
}

/// The architectures by `model_type`: a new one is a file and a line here.
let architectures: [String: ArchitectureEntry] = [
    "gpt_neox": ArchitectureEntry(
        describe: { try GPTNeoX.Settings($0).description },
        load: { Transformer(architecture: try GPTNeoX($0, from: $1, backend: $2)) }),
    "gpt2": ArchitectureEntry(
        describe: { try GPT2.Settings($0).description },
        load: { Transformer(architecture: try GPT2($0, from: $1, backend: $2)) }),
    "llama": ArchitectureEntry(gated: { try Llama.settings($0) }),
    "mistral": ArchitectureEntry(gated: { try Mistral.settings($0) }),
    "olmo2": ArchitectureEntry(
        describe: { try OLMo2.Settings($0).description },
        load: { Transformer(architecture: try OLMo2($0, from: $1, backend: $2)) }),
    "qwen2": ArchitectureEntry(gated: { try Qwen2.settings($0) }),
    "qwen3": ArchitectureEntry(gated: { try Qwen3.settings($0) }),
    "gemma": ArchitectureEntry(gated: { try Gemma.settings($0) }),
    "gemma2": ArchitectureEntry(gated: { try Gemma2.settings($0) }),
    "gemma3_text": ArchitectureEntry(gated: { try Gemma3.settings($0) }),
    "gemma3": ArchitectureEntry(gated: { try Gemma3.textSettings($0) }),
]

/// Opens a model folder as Hugging Face writes it: `config.json` beside safetensors.
///
/// Weights are mapped and checked against the config, not read; a bad folder fails here and not
/// later.
///
/// - Throws: ``LanguageModelError`` that names the file and the key or tensor at fault.
public func loadLanguageModel(folder: String, backend: any KernelBackend) throws
    -> any LanguageModel
{
    let config = try ModelConfig(folder: folder)
    return try entry(for: config).load(config, .folder(folder), backend)
}

/// Makes a model of tensors that are in memory, under the names that its files would have.
///
/// - Parameter config: what `config.json` would say.
/// - Throws: ``LanguageModelError`` that names the key or tensor at fault.
package func loadLanguageModel(
    config: JSON, tensors: any TensorSource, backend: any KernelBackend
) throws -> any LanguageModel {
    let config = try ModelConfig(path: tensors.path, json: config)
    return try entry(for: config).load(config, .tensors(tensors), backend)
}

/// Reads sizes and names of a model from its `config.json`, without its weights.
///
/// - Throws: ``LanguageModelError`` when the model could not be loaded because of its config.
public func describeLanguageModel(folder: String) throws -> ModelDescription {
    let config = try ModelConfig(folder: folder)
    return try entry(for: config).describe(config)
}

/// Reads sizes and names of a model from what its `config.json` says.
///
/// - Parameter source: where that comes from, for messages.
/// - Throws: ``LanguageModelError`` when the model could not be loaded because of it.
func describeLanguageModel(json: JSON, source: String) throws -> ModelDescription {
    let config = try ModelConfig(path: source, json: json)
    return try entry(for: config).describe(config)
}

/// The values of `model_type` that can be loaded, sorted.
public var supportedArchitectures: [String] { architectures.keys.sorted() }

/// The entry that a config asks for.
private func entry(for config: ModelConfig) throws(LanguageModelError) -> ArchitectureEntry {
    guard let value = config["model_type"], let name = value.text else {
        throw LanguageModelError(
            .badConfig, "\(config.path) lacks `model_type`",
            advice:
                "a config.json with `model_type` \(supportedArchitectures.joined(separator: ", "))")
    }
    guard let entry = architectures[name] else {
        throw LanguageModelError(
            .unsupported, "\(config.path): `model_type` \(value.text()) is not supported",
            advice: suggestion(for: name, among: supportedArchitectures))
    }
    return entry
}
