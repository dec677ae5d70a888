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

    /// The tensors need no translation; what `sae.yaml` says joins the configuration.
    func translate(_ place: AutoencoderPlace) throws -> AutoencoderTranslation {
        let path = place.path(Self.configurationFile)
        var json = place.facts.applied(to: try JSON(file: path))
        if let stated = place.stated { json = try stated.joined(to: json) }
        return AutoencoderTranslation(
            configuration: try AutoencoderConfiguration(json, path: path),
            tensors: { TranslatedTensors(try SafetensorsFile(path: place.weights), [:]) })
    }
}
