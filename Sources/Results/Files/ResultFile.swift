import Basics

/// The result of one evaluation of one autoencoder as a file in the format of SAE Bench 0.6.0 holds
/// it. What SAE Bench has no place for is in `eval_result_unstructured.saeval`.
public struct ResultFile: Sendable {
    /// The evaluation's name: `eval_type_id`.
    public var evaluation: String
    /// A UUID: `eval_id`.
    public var identifier: String
    /// When the file was written, in milliseconds since 1970: `datetime_epoch_millis`.
    public var time: Int
    /// The first part of the autoencoder's name: `sae_lens_release_id`.
    public var release: String
    /// The second part of the autoencoder's name: `sae_lens_id`.
    public var id: String
    /// The autoencoder's configuration as SAE Bench spells it: `sae_cfg_dict`.
    public var configuration: JSON
    /// The numbers, their details and what else SAE Bench has of them.
    public var outcome: Outcome

    /// Takes all values.
    public init(
        evaluation: String, identifier: String, time: Int = 0, release: String, id: String,
        configuration: JSON, outcome: Outcome
    ) {
        (self.evaluation, self.identifier, self.time) = (evaluation, identifier, time)
        (self.release, self.id, self.configuration) = (release, id, configuration)
        self.outcome = outcome
    }

    /// The hook of the autoencoder's configuration; nil where that names none.
    public var hookName: String? {
        (configuration["metadata"]?["hook_name"] ?? configuration["hook_name"])?.text
    }

    /// A version-4 UUID made of a run's key, so that a repeated run has the same one.
    public static func identifier(ofRun key: ContentHash) -> String {
        var digits = Array(key.hex)
        digits[12] = "4"
        digits[16] = "a"
        let parts = [
            digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32],
        ]
        return parts.map { String($0) }.joined(separator: "-")
    }

    /// Keys of what is ours, below `eval_result_unstructured`.
    enum OwnKey {
        /// All that is ours.
        static let all = "saeval"
        /// The parts that are missing, and means over the others.
        static let incomplete = "incomplete"
        /// Intervals of metrics.
        static let intervals = "intervals"
        /// Sentences for the reader.
        static let notes = "notes"
    }
}
