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

    /// Translates the class that `config.json` names.
    func translate(_ location: AutoencoderLocation) throws -> AutoencoderTranslation {
        let settings = try DictionarySettings(file: location.path(Self.configurationFile))
        let kind = try settings.kind
        let (modelSize, latents) = (
            try settings.size("activation_dim"), try settings.size("dict_size")
        )
        let hook = try location.hook(
            or: settings.hook(isPublished: location.facts.isPublished), layout: self)
        let model = try location.model(or: settings.model, layout: self)
        var more: [JSONMember] = []
        let k = kind.hasK ? try settings.integer("k") : nil
        if kind == .topK {
            guard let k else { throw settings.missing("k") }
            more = [JSONMember(key: "k", value: .integer(k))]
        }
        let configuration = try saeLensConfiguration(
            location, architecture: kind.architecture, modelSize: modelSize, latents: latents,
            hook: hook, model: model, subtracting: kind.subtractsDecoderBias,
            contextSize: settings.contextSize,
            dataset: location.facts.isPublished ? "monology/pile-uncopyrighted" : nil, more: more)
        let notes = try settings.check(location)
        let trackedK = kind == .batchTopK || kind == .matryoshka ? k : nil
        // The directory's entries are what SAELens makes of the files, folding included.
        if location.facts.isPublished {
            return AutoencoderTranslation(
                configuration: configuration,
                tensors: { try tensors(location, kind, k: k, latents: latents) },
                trackedK: trackedK, notes: notes, isLenient: true)
        }
        let label = settings.label(kind)
        return AutoencoderTranslation(
            configuration: configuration,
            tensors: { try tensors(location, kind, k: k, latents: latents) }, label: label,
            foldsDecoderNorms: kind.foldsDecoderNorms,
            customConfiguration: customClassConfiguration(
                model: model, modelSize: modelSize, latents: latents, hook: hook,
                layer: try settings.integer("layer"), architecture: label),
            trackedK: trackedK, notes: notes)
    }

    /// Opens the weights and maps the names of a class.
    private func tensors(
        _ location: AutoencoderLocation, _ kind: DictionaryKind, k: Int?, latents: Int
    ) throws -> TranslatedTensors {
        let source = try openTensors(location.weights)
        if source.tensorNames.contains(where: { $0.hasPrefix("ae.") }) {
            throw AutoencoderError(
                .unsupported,
                "\(location.weights) is a back-up written in the middle of training: its weights lie "
                    + "under `ae`, beside the optimizer's, and its biases are not rescaled",
                advice: "the `ae.pt` that training writes at its end, or one of its checkpoints")
        }
        var recipes = kind.recipes
        if kind.hasK, let k, source.contains("k"), !location.facts.isPublished {
            let stored = try scalar("k", in: source)
            guard Int(exactly: stored) == k else {
                throw AutoencoderError(
                    .malformed,
                    "\(location.weights) holds `k` = \(stored), but \(Self.configurationFile) "
                        + "says \(k)",
                    advice: "put back the \(Self.configurationFile) that it was trained with")
            }
        }
        if kind == .batchTopK || kind == .matryoshka {
            let threshold = try scalar("threshold", in: source)
            guard threshold >= 0 || location.facts.isPublished else {
                throw AutoencoderError(
                    .unsupported,
                    "\(location.weights) holds `threshold` = \(threshold): training had not yet "
                        + "tracked one when it was written, and without it the latents of a token "
                        + "would depend on its batch",
                    advice: "a checkpoint from behind `threshold_start_step`, 1000 by default")
            }
            recipes["threshold"] = .repeated(threshold, count: latents)
        }
        return TranslatedTensors(source, recipes, ignoring: ["k", "threshold", "group_sizes"])
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
    var architecture: String {
        switch self {
        case .standard, .outputBias: Standard.name
        case .topK: TopK.name
        case .batchTopK, .matryoshka, .jumpReLU: JumpReLU.name
        case .gated: Gated.name
        }
    }

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

    /// Where its tensors lie.
    var recipes: [String: TranslatedTensors.Recipe] {
        let linear: [String: TranslatedTensors.Recipe] = [
            "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
            "b_enc": .stored("encoder.bias"),
        ]
        switch self {
        case .standard: return linear.merging(["b_dec": .stored("bias")]) { $1 }
        case .outputBias: return linear.merging(["b_dec": .stored("decoder.bias")]) { $1 }
        case .topK, .batchTopK: return linear.merging(["b_dec": .stored("b_dec")]) { $1 }
        case .gated:
            return [
                "W_enc": .transposed("encoder.weight"), "W_dec": .transposed("decoder.weight"),
                "b_dec": .stored("decoder_bias"), "b_gate": .stored("gate_bias"),
                "b_mag": .stored("mag_bias"), "r_mag": .stored("r_mag"),
            ]
        case .matryoshka, .jumpReLU:
            let names = ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"]
            return Dictionary(uniqueKeysWithValues: names.map { ($0, .stored($0)) })
        }
    }
}
