import Basics
import Formats
import Kernels
import Tensors

/// `cfg.json` and `sae_weights.safetensors`, as SAELens 3 to 6 writes them.
struct SAELensLayout: AutoencoderLayout {
    /// The configuration.
    static let configurationFile = "cfg.json"
    /// The weights.
    static let weightFile = "sae_weights.safetensors"

    /// The name in listings.
    let name = "sae_lens"
    /// Both files.
    let files = [weightFile, configurationFile]
    /// The decoder of every architecture, and the encoder of most.
    let marks = ["W_dec", "W_enc"]

    /// Reads `cfg.json` with what is known besides; the tensors have the names of SAELens already.
    func read(_ location: AutoencoderLocation) throws -> AutoencoderSpecification {
        let path = location.path(Self.configurationFile)
        var json = location.facts.applied(to: try JSON(file: path))
        if let sidecar = location.sidecar { json = try sidecar.joined(to: json) }
        let notes = location.facts.isPublished ? takeAsPublished(&json) : []
        var tensors = TensorMap(ignored: try location.ignored.sorted())
        if !location.facts.isPublished {
            tensors.roundingType = try torchType(json["dtype"], path)?.narrow
        }
        var specification = try AutoencoderSpecification(saeLens: json, path: path, tensors)
        specification.trackedK = trackedK(json, location)
        specification.layoutNotes = notes
        return specification
    }

    /// The k of batch top-k: checkpoints say it themselves, exports among the facts of their training,
    /// and older exports in the runner's configuration beside them; nil for other architectures.
    private func trackedK(_ json: JSON, _ location: AutoencoderLocation) -> Int? {
        func isTracked(_ name: JSON?) -> Bool {
            [BatchTopK.name, MatryoshkaBatchTopK.name].contains(name?.text)
        }
        if isTracked(json["architecture"]) { return json["k"]?.integer }
        guard json["architecture"]?.text == JumpReLU.name else { return nil }
        let metadata = json["metadata"]
        if isTracked(metadata?["training_architecture"]),
            let k = metadata?["training_architecture_details"]?["k"]?.integer
        {
            return k
        }
        let runner = location.path("runner_cfg.json")
        guard fileExists(runner), let trained = (try? JSON(file: runner))?["sae"] else {
            return nil
        }
        return isTracked(trained["architecture"]) ? trained["k"]?.integer : nil
    }
}

/// The element type that a configuration names as torch does, with `torch.` or without; nil when it
/// names none.
///
/// - Source: `str_to_dtype` of SAELens 6.54.12, which refuses all other names too.
func torchType(_ json: JSON?, _ path: String) throws(AutoencoderError) -> ElementType? {
    guard let json, !json.isNull else { return nil }
    let names = ["float32", "float64", "float16", "bfloat16"]
    let name = json.text.map { $0.hasPrefix("torch.") ? String($0.dropFirst(6)) : $0 } ?? ""
    if names.contains(name), let type = ElementType(rawValue: name) { return type }
    throw AutoencoderError(
        .malformed, "\(path): `dtype` is \(json.text()), which is no type of weights",
        advice: suggestion(for: name, among: names))
}

extension ElementType {
    /// The same type if rounding to it loses bits of `float32`; else nil.
    var narrow: ElementType? { self == .bfloat16 || self == .float16 ? self : nil }
}

extension AutoencoderSpecification {
    /// Reads a configuration of SAELens 1 to 6.
    ///
    /// - Parameters:
    ///   - json: the object in the file.
    ///   - path: the file, for messages.
    ///   - tensors: where its tensors are.
    init(saeLens json: JSON, path: String, _ tensors: TensorMap) throws {
        let settings = SAELensSettings(
            path: path, json: try upgradedSAELensConfiguration(json, path: path))
        let name = try settings.text("architecture") ?? Standard.name
        let (modelSize, latents) = (try settings.size("d_in"), try settings.size("d_sae"))
        let type = try Autoencoders.architecture(named: name, path: path)
        let isTranscoder = type.target != .input
        let hook = try settings.hook()
        let reshape = try settings.reshape()
        var function = try AutoencoderFunction(
            type.init(settings), modelSize: modelSize, latents: latents,
            outputSize: isTranscoder ? settings.size("d_out") : nil,
            subtractingBias: settings.subtractsDecoderBias(of: type),
            normalization: TrainedNormalization(
                named: settings.text(TrainedNormalization.key),
                factor: settings.number(TrainedNormalization.factorKey), modelSize: modelSize,
                path: path),
            tensors: tensors, path: path)
        function.isFinetuned = try settings.truth("finetuning_scaling_factor") ?? false
        self.init(
            function, hook: hook,
            outputHook: isTranscoder ? try settings.outputHook(of: type) : nil,
            metadata: settings, reshape: reshape)
    }
}

extension SAELensSettings {
    /// Whether `b_dec` is subtracted from the input; transcoders never do.
    fileprivate func subtractsDecoderBias(
        of architecture: any Architecture.Type
    ) throws(AutoencoderError) -> Bool {
        let setting = try truth("apply_b_dec_to_input")
        if architecture.target == .input { return setting ?? true }
        guard setting != true else {
            throw AutoencoderError(
                .malformed,
                "\(path): `apply_b_dec_to_input` is true, which a \(architecture.name) cannot do",
                advice: "set it to false; the decoder's bias belongs to the output's hook")
        }
        return false
    }

    /// The hook whose activations it takes.
    fileprivate func hook() throws(AutoencoderError) -> String {
        if let name = metadata("hook_name")?.text, !name.isEmpty { return name }
        throw AutoencoderError(
            .missing, "\(path) names no hook",
            advice: "add `\"hook_name\": \"blocks.12.hook_resid_post\"`, with your layer, "
                + "to its `metadata`")
    }

    /// The hook that a transcoder writes to.
    fileprivate func outputHook(
        of architecture: any Architecture.Type
    ) throws(AutoencoderError) -> String {
        if let name = metadata("hook_name_out")?.text, !name.isEmpty { return name }
        throw AutoencoderError(
            .missing, "\(path) names no hook that the \(architecture.name) writes to",
            advice: "add `\"hook_name_out\": \"blocks.12.hook_mlp_out\"`, with your layer, "
                + "to its `metadata`")
    }

    /// How heads are brought into rows; activations of single heads are refused.
    ///
    /// `hook_z` asks for heads side by side, which is how activations are stored here anyway.
    fileprivate func reshape() throws(AutoencoderError) -> String {
        let key = "reshape_activations"
        let reshape = try text(key) ?? "none"
        guard ["none", "hook_z"].contains(reshape) else {
            throw AutoencoderError(
                .unsupported, "\(path): \(key) `\(reshape)` is unknown",
                advice: suggestion(for: reshape, among: ["none", "hook_z"]))
        }
        if let head = metadata("hook_head_index") {
            throw AutoencoderError(
                .unsupported,
                "\(path): `hook_head_index` is \(head.text()), and activations of single heads are "
                    + "not computed",
                advice: "an autoencoder of all heads of `attn.hook_z`")
        }
        return reshape
    }
}
