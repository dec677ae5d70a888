import Basics
import Formats
import Tensors

/// `config.json` and `ae.pt`, as dictionary_learning writes them.
///
/// - Source: what SAE Bench 0.6.0 computes with them, in `custom_saes`; its classes decide over
///   those of dictionary_learning where the two differ. `AutoEncoderNew`, which SAE Bench cannot
///   read, is computed as dictionary_learning does.
struct DictionaryLearningLayout: AutoencoderLayout {
    /// The weights.
    static let weightFile = "ae.pt"
    /// The configuration.
    static let configurationFile = "config.json"

    /// The name in listings.
    let name = "dictionary_learning"
    /// Both files.
    let files = [weightFile, configurationFile]
    /// SAELens folds the norms of every decoder and takes thresholds as they are.
    let hasPublishedForm = true

    /// Reads the class that `config.json` names.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let settings = try DictionarySettings(file: location.path(Self.configurationFile))
        let kind = try settings.kind
        let latents = try settings.size("dict_size")
        let k = kind.hasK ? try settings.integer("k") : nil
        let isPublished = location.facts.isPublished
        let modelSize = try settings.size("activation_dim")
        let hook = try location.hook(or: settings.hook(isPublished: isPublished), layout: self)
        let model = try location.model(or: settings.model, layout: self)
        var specification = try AutoencoderSpecification(
            location, kind.architecture(k: k, settings), modelSize: modelSize, latents: latents,
            hook: hook, model: model, subtractingBias: kind.subtractsDecoderBias,
            contextSize: settings.contextSize,
            dataset: isPublished ? "monology/pile-uncopyrighted" : nil,
            tensors: TensorMap(
                recipes: kind.recipes(latents: latents),
                ignored: ["k", "threshold", "group_sizes"], isLenient: isPublished))
        specification.layoutNotes = try settings.check(location)
        if kind.tracksThreshold { specification.trackedK = k }
        // The directory's entries are what SAELens makes of the files, folding included.
        if isPublished { return specification }
        specification.architecture = settings.label(kind)
        specification.function?.foldsDecoderNorms = kind.foldsDecoderNorms
        specification.configuration = customClassConfiguration(
            model: model, modelSize: modelSize, latents: latents, hook: hook,
            layer: try settings.integer("layer"), architecture: specification.architecture)
        return specification
    }

    /// Refuses back-ups, a `k` that differs from the configuration's, and thresholds that training
    /// did not track yet.
    func check(_ weights: any TensorSource, of reference: AutoencoderReference) throws {
        if weights.tensorNames.contains(where: { $0.hasPrefix("ae.") }) {
            throw AutoencoderError(
                .unsupported,
                "\(weights.path) is a back-up written in the middle of training: its weights are "
                    + "stored under `ae`, beside the optimizer's, and its biases are not rescaled",
                advice: "the `ae.pt` that training writes at its end, or one of its checkpoints")
        }
        let function = reference.specification.function
        let isPublished = reference.facts.isPublished
        let k = reference.specification.trackedK ?? (function?.architecture as? TopK)?.k
        if let k, weights.contains("k"), !isPublished {
            let stored = try scalar("k", in: weights)
            guard Int(exactly: stored) == k else {
                throw AutoencoderError(
                    .malformed,
                    "\(weights.path) holds `k` = \(stored), but \(Self.configurationFile) "
                        + "says \(k)",
                    advice: "put back the \(Self.configurationFile) that it was trained with")
            }
        }
        guard case .spread(let name, _)? = function?.tensors.recipes["threshold"] else { return }
        let threshold = try scalar(name, in: weights)
        guard threshold >= 0 || isPublished else {
            throw AutoencoderError(
                .unsupported,
                "\(weights.path) holds `threshold` = \(threshold): training had not yet "
                    + "tracked one when it was written, and without it the latents of a token "
                    + "would depend on its batch",
                advice: "a checkpoint from behind `threshold_start_step`, 1000 by default")
        }
    }

    /// A tensor of one element.
    ///
    /// - Throws: ``AutoencoderError`` when it has more.
    private func scalar(_ name: String, in source: any TensorSource) throws -> Float {
        let tensor = try source.tensor(name)
        guard tensor.count == 1 else {
            throw AutoencoderError(
                .shape, "\(source.path): tensor `\(name)` has shape \(tensor.shape), expected []",
                advice: "export the file again")
        }
        return tensor.value(at: 0)
    }
}

/// The dictionary classes of dictionary_learning.
enum DictionaryKind: String {
    case standard = "AutoEncoder"
    case outputBias = "AutoEncoderNew"
    case topK = "AutoEncoderTopK"
    case batchTopK = "BatchTopKSAE"
    case matryoshka = "MatryoshkaBatchTopKSAE"
    case gated = "GatedAutoEncoder"
    case jumpReLU = "JumpReluAutoEncoder"

    /// Every class.
    static let all: [DictionaryKind] = [
        .standard, .outputBias, .topK, .batchTopK, .matryoshka, .gated, .jumpReLU,
    ]

    /// The architecture of SAELens that computes the same.
    ///
    /// - Parameter k: latents kept for each token, which ``topK`` needs.
    func architecture(
        k: Int?, _ settings: DictionarySettings
    ) throws(AutoencoderError) -> any Architecture {
        switch self {
        case .standard, .outputBias: return Standard()
        case .topK:
            guard let k else { throw settings.missing("k") }
            return TopK(k: k)
        case .batchTopK, .matryoshka, .jumpReLU: return JumpReLU()
        case .gated: return Gated()
        }
    }

    /// Whether training tracked the threshold that stands for the batch's top k.
    var tracksThreshold: Bool { self == .batchTopK || self == .matryoshka }
    /// Whether the decoder's bias is subtracted from the input.
    var subtractsDecoderBias: Bool { self != .outputBias && self != .jumpReLU }
    /// Whether it keeps k latents.
    var hasK: Bool { self == .topK || self == .batchTopK || self == .matryoshka }
    /// Whether SAE Bench folds the norms of its decoder.
    var foldsDecoderNorms: Bool { self == .standard || self == .outputBias }

    /// What SAE Bench calls it in results.
    var label: String {
        switch self {
        case .standard, .outputBias: "standard"
        case .topK: "topk"
        case .batchTopK: "batch_topk"
        case .matryoshka: "matryoshka_batch_topk"
        case .gated: "gated"
        case .jumpReLU: "jumprelu"
        }
    }

    /// Where its tensors are.
    func recipes(latents: Int) -> [String: TensorMap.Recipe] {
        let linear: [String: TensorMap.Recipe] = [
            "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
            "b_enc": .stored("encoder.bias"),
        ]
        let same = Dictionary(
            uniqueKeysWithValues: ["W_enc", "W_dec", "b_enc", "b_dec"].map {
                ($0, TensorMap.Recipe.stored($0))
            })
        let threshold = TensorMap.Recipe.spread("threshold", count: latents)
        switch self {
        case .standard: return linear.merging(["b_dec": .stored("bias")]) { $1 }
        case .outputBias: return linear.merging(["b_dec": .stored("decoder.bias")]) { $1 }
        case .topK: return linear.merging(["b_dec": .stored("b_dec")]) { $1 }
        case .batchTopK:
            return linear.merging(["b_dec": .stored("b_dec"), "threshold": threshold]) { $1 }
        case .gated:
            return [
                "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
                "b_dec": .stored("decoder_bias"), "b_gate": .stored("gate_bias"),
                "b_mag": .stored("mag_bias"), "r_mag": .stored("r_mag"),
            ]
        case .matryoshka: return same.merging(["threshold": threshold]) { $1 }
        case .jumpReLU: return same.merging(["threshold": .stored("threshold")]) { $1 }
        }
    }
}
