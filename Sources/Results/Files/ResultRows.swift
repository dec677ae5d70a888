import Autoencoders
import Basics

/// The lines of `results.csv` for one result file.
///
/// | category | metric | value |
/// | --- | --- | --- |
/// | SAE Bench's | SAE Bench's | the number; nothing where a part is missing that it would be a mean over |
/// | `saeval` | of ours | the number |
/// | `incomplete` | the metric's name and `_partial_mean` | the mean over the parts that are there |
/// | `missing` | a part that is missing | nothing |
package struct ResultRows {
    /// The first line of `results.csv`.
    static let header = "eval,release,sae_id,hook,layer,category,metric,value\n"

    /// The lines, each with its end.
    package private(set) var text = ""
    /// What every line begins with.
    private let start: String

    /// - Parameters:
    ///   - result: the content of a result file.
    ///   - hook: the hook that results go by; nil takes it from the autoencoder's configuration.
    /// - Returns: nil for what is not a result.
    package init?(_ result: JSON, hook: (name: String, layer: Int)? = nil) {
        guard let evaluation = result["eval_type_id"]?.text,
            let release = result["sae_lens_release_id"]?.text,
            let id = result["sae_lens_id"]?.text,
            let metrics = result["eval_result_metrics"]?.members
        else { return nil }
        let stored =
            result["sae_cfg_dict"]?["metadata"]?["hook_name"]
            ?? result["sae_cfg_dict"]?["hook_name"]
        let name = hook?.name ?? stored?.text ?? ""
        let layer = (hook?.layer ?? Autoencoders.layer(ofHook: name)).map { "\($0)" } ?? ""
        start = [evaluation, release, id, name, layer].map(Self.field).joined(separator: ",")
        let own = result["eval_result_unstructured"]?["saeval"]
        let partial = own?["incomplete"]?["partial_means"]
        for category in metrics {
            for metric in category.value.members ?? [] {
                guard let value = metric.value.double else {
                    if partial?[metric.key] != nil { add(category.key, metric.key, nil) }
                    continue
                }
                add(category.key, metric.key, value)
            }
        }
        for addition in own?.members ?? [] {
            if let value = addition.value.double { add("saeval", addition.key, value) }
        }
        for mean in partial?.members ?? [] {
            add("incomplete", "\(mean.key)_partial_mean", mean.value.double)
        }
        for part in own?["incomplete"]?["missing"]?.elements ?? [] {
            add("missing", part.text ?? part.text(), nil)
        }
    }

    private mutating func add(_ category: String, _ metric: String, _ value: Double?) {
        let fields = [category, metric, value.map { "\($0)" } ?? ""].map(Self.field)
        text += "\(start),\(fields.joined(separator: ","))\n"
    }

    private static func field(_ text: String) -> String {
        text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
            ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}
