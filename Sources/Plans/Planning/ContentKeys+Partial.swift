import Activations
import Basics
import EvalKit
import LanguageModels

extension ContentKeys {
    /// The partial result of one autoencoder in one unit.
    ///
    /// - Parameter subject: nil when the result is the same for all autoencoders.
    static func partial(
        evaluation: RunPlan.EvaluationPlan, unit: String, activations: [ContentHash],
        model: ContentHash,
        subject: Subject?, hook: HookPoint, specialTokens: [Int32], streams: RandomStreams,
        backend: String
    ) -> ContentHash {
        ContentHash.of(parts: [
            ("version", version), ("evaluation", evaluation.identifier),
            ("settings", evaluation.settings),
            ("unit", unit), ("activations", activations.map(\.hex).joined(separator: ",")),
            ("model", model.hex),
            ("sae", subject?.key.hex ?? "all"), ("hook", hook.description),
            ("special", specialTokens.map(String.init).joined(separator: ",")),
            ("streams", streams.rawValue), ("backend", backend),
        ])
    }
}
