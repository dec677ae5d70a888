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

    /// The tensors need no translation; what `sae.yaml` says joins the configuration.
    func translate(_ location: AutoencoderLocation) throws -> AutoencoderTranslation {
        let path = location.path(Self.configurationFile)
        var json = location.facts.applied(to: try JSON(file: path))
        if let sidecar = location.sidecar { json = try sidecar.joined(to: json) }
        let notes = location.facts.isPublished ? takeAsPublished(&json) : []
        return AutoencoderTranslation(
            configuration: try AutoencoderConfiguration(json, path: path),
            tensors: { TranslatedTensors(try SafetensorsFile(path: location.weights), [:]) },
            roundingType: location.facts.isPublished
                ? nil : try torchType(json["dtype"], path)?.narrow,
            trackedK: trackedK(json, location), notes: notes)
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
