import Autoencoders
import Basics

/// The lines of `results.csv` for one result.
///
/// | category | metric | value |
/// | --- | --- | --- |
/// | SAE Bench's | SAE Bench's | the number; nothing where a part is missing that it would be a mean over |
/// | `saeval` | of ours | the number |
/// | `interval` | the metric's name and `_low`, `_high` or `_items` | the interval and the items that it rests on |
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
    ///   - file: a result.
    ///   - hook: the hook that results go by; nil takes it from the autoencoder's configuration.
    package init(_ file: ResultFile, hook: (name: String, layer: Int)? = nil) {
        let name = hook?.name ?? file.hookName ?? ""
        let layer = (hook?.layer ?? Autoencoders.layer(ofHook: name)).map { "\($0)" } ?? ""
        start = [file.evaluation, file.release, file.id, name, layer].map(Self.field)
            .joined(separator: ",")
        let (outcome, incomplete) = (file.outcome, file.outcome.incomplete)
        let partial = Set((incomplete?.partialMeans ?? []).map(\.name))
        for metric in outcome.metrics where metric.value != nil || partial.contains(metric.name) {
            add(metric.category, metric.name, metric.value)
        }
        for metric in outcome.metrics {
            guard let interval = metric.interval else { continue }
            add("interval", "\(metric.name)_low", interval.lowerBound)
            add("interval", "\(metric.name)_high", interval.upperBound)
            if let items = metric.items { add("interval", "\(metric.name)_items", Double(items)) }
        }
        for mean in incomplete?.partialMeans ?? [] {
            add("incomplete", "\(mean.name)_partial_mean", mean.value)
        }
        for part in incomplete?.missing ?? [] { add("missing", part, nil) }
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
