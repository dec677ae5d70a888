import Basics
import Formats
import Kernels
import Tensors

/// An autoencoder of any layout under the configuration and the tensor names of SAELens.
struct AutoencoderTranslation {
    /// The configuration, brought up to version 6.
    var configuration: AutoencoderConfiguration
    /// Opens the weights; listings do not.
    var tensors: () throws -> TranslatedTensors
    /// The architecture as results call it, where that is not the configuration's.
    var label: String?
    /// Whether decoder norms are folded when that is asked for.
    ///
    /// The custom classes of SAE Bench do so for ReLU alone and refuse the others unless norms are
    /// 1.
    var foldsDecoderNorms = true
    /// The configuration in results, where SAE Bench reads the layout with a class of its own.
    var customConfiguration: JSON?
    /// The 16-bit type that weights are rounded to; nil when they are read as they are stored.
    var roundingType: ElementType?
    /// The k of a batch top-k whose tracked threshold the file holds.
    var trackedK: Int?
    /// What a reader of the results should know, one sentence each.
    var notes: [String] = []
    /// Plain values of a torch file that are read or known to play no part.
    var knownValues: Set<String> = []
    /// Whether SAELens reads the files and passes over tensors and values that it does not know.
    var isLenient = false
    /// Tensors that are never passed over.
    var strictTensors: Set<String> = []

    /// The configuration in results.
    func resultConfiguration() throws -> JSON {
        if let customConfiguration { return customConfiguration }
        return try configuration.resultConfiguration(architecture())
    }

    /// Opens the weights; what `sae.yaml` says to ignore is left out.
    func tensors(of location: AutoencoderLocation) throws -> TranslatedTensors {
        var tensors = try tensors()
        tensors.ignore(try location.ignored)
        if isLenient { tensors.passOver(allBut: strictTensors) }
        return tensors
    }

    /// The hook that the decoder reconstructs; nil when it is the one that was read.
    func outputHookName() throws -> String? {
        if customConfiguration != nil { return nil }
        return try configuration.outputHookName(architecture())
    }

    /// The architecture that the configuration names.
    private func architecture() throws -> any Architecture.Type {
        try Autoencoders.architecture(named: configuration.architecture, path: configuration.path)
    }
}

extension AutoencoderLayout {
    /// Describes what a translation says.
    func reference(to location: AutoencoderLocation, release: String, id: String) throws
        -> AutoencoderReference
    {
        try checkMarks(of: location)
        let translation = try translate(location)
        let configuration = translation.configuration
        var notes = translation.notes
        if translation.isLenient, let tensors = try? translation.tensors(of: location) {
            notes += tensors.passedOver.map {
                "`\($0)` in \(lastComponent(of: location.weights)) is passed over, as SAELens does."
            }
        }
        return AutoencoderReference(
            release: release, id: id, path: location.path, files: location.files, layout: name,
            hookName: try configuration.hookName,
            outputHookName: try translation.outputHookName(), modelName: configuration.modelName,
            modelSize: configuration.modelSize, latents: configuration.latents,
            architecture: translation.label ?? configuration.architecture,
            storedBytes: fileByteCount(location.weights) ?? 0,
            prependsBeginning: configuration.prependsBeginning, facts: location.facts,
            roundingType: translation.roundingType, trackedK: translation.trackedK, notes: notes,
            configuration: try translation.resultConfiguration())
    }

    /// Assembles what a translation says.
    func load(
        _ reference: AutoencoderReference, foldingDecoderNorms: Bool
    ) throws -> any Autoencoder {
        let location = try AutoencoderLocation(reference)
        let translation = try translate(location)
        var tensors = try translation.tensors(of: location)
        tensors.roundingType = reference.roundingType
        try tensors.checkValues(known: translation.knownValues)
        var autoencoder = try assemble(
            translation.configuration, tensors, reference,
            foldingDecoderNorms: foldingDecoderNorms && translation.foldsDecoderNorms)
        autoencoder.description.architecture =
            translation.label ?? translation.configuration.architecture
        autoencoder.description.configuration = try translation.resultConfiguration()
        autoencoder.description.notes += reference.notes
        if !translation.foldsDecoderNorms {
            autoencoder.description.notes += unitNormNotes(autoencoder.decoder.matrix)
        }
        return autoencoder
    }
}

/// What to say about a decoder whose rows SAE Bench would refuse.
///
/// - Source: `check_decoder_norms` of SAE Bench: 1e-5, and 1e-2 for 16-bit weights, beside the
///   1e-5 of `torch.allclose`.
private func unitNormNotes(_ decoder: Tensor) -> [String] {
    let tolerance: Double = decoder.type == .float32 ? 2e-5 : 1e-2 + 1e-5
    let norms = (0..<decoder.rows).map { squaredNorm(of: decoder, row: $0).squareRoot() }
    guard let worst = norms.max(by: { abs($0 - 1) < abs($1 - 1) }), abs(worst - 1) > tolerance
    else { return [] }
    return ["decoder norms are not 1 (\(Float(worst)) at worst), which SAE Bench refuses to load"]
}

/// Makes a configuration of facts that a layout knows, under the keys of SAELens 5.
///
/// - Parameters:
///   - model: the model, nil when nothing says which; `sae.yaml` may overrule it, as it may the
///     context.
///   - more: further keys, such as `k`.
func saeLensConfiguration(
    _ location: AutoencoderLocation, architecture: String, modelSize: Int, latents: Int,
    hook: String,
    model: String?, subtracting: Bool, contextSize: Int? = nil, dataset: String? = nil,
    more: [JSONMember] = []
) throws -> AutoencoderConfiguration {
    var members: [JSONMember] = [
        JSONMember(key: "architecture", value: .string(architecture)),
        JSONMember(key: "d_in", value: .integer(modelSize)),
        JSONMember(key: "d_sae", value: .integer(latents)),
        JSONMember(key: "dtype", value: .string("float32")),
        JSONMember(key: "model_name", value: model.map { .string($0) } ?? .null),
        JSONMember(key: "hook_name", value: .string(hook)),
        JSONMember(key: "hook_head_index", value: .null),
        JSONMember(key: "finetuning_scaling_factor", value: .bool(false)),
        JSONMember(key: "sae_lens_training_version", value: .null),
        JSONMember(
            key: "prepend_bos", value: .bool(try location.sidecar?.truth("prepend_bos") ?? true)),
        JSONMember(key: "dataset_path", value: dataset.map { .string($0) } ?? .null),
        JSONMember(
            key: "context_size",
            value: (try location.sidecar?.integer("context_size") ?? contextSize).map {
                .integer($0)
            }
                ?? .null),
        JSONMember(key: "apply_b_dec_to_input", value: .bool(subtracting)),
    ]
    members += more
    return try AutoencoderConfiguration(
        location.facts.applied(to: .object(members)), path: location.path)
}

/// The configuration that SAE Bench's own classes write into results.
///
/// - Source: `CustomSAEConfig` of SAE Bench 0.6.0, whose keys and defaults these are.
func customClassConfiguration(
    model: String, modelSize: Int, latents: Int, hook: String, layer: Int?, architecture: String
) -> JSON {
    .object([
        "model_name": .string(model), "d_in": .integer(modelSize), "d_sae": .integer(latents),
        "hook_layer": layer.map { .integer($0) } ?? .null, "hook_name": .string(hook),
        "context_size": .null, "hook_head_index": .null, "architecture": .string(architecture),
        "apply_b_dec_to_input": .null, "finetuning_scaling_factor": .null,
        "activation_fn_str": .string(""), "prepend_bos": .bool(true),
        "normalize_activations": .string("none"), "dtype": .string("float32"),
        "device": .string(""), "dataset_path": .string(""),
        "dataset_trust_remote_code": .bool(true), "seqpos_slice": .array([.null]),
        "training_tokens": .integer(-100_000), "sae_lens_training_version": .null,
        "neuronpedia_id": .null,
    ])
}
