import Autoencoders
import Basics
import Corpora
import LanguageModels

/// The position of an autoencoder in its cohort.
public struct SubjectIndex: Hashable, Sendable, Codable, Comparable {
    /// Counted from 0, in the order of ``Cohort/subjects``.
    public var value: Int

    /// The autoencoder at a position that is counted from 0.
    public init(_ value: Int) { self.value = value }

    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Int.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    public static func < (first: SubjectIndex, second: SubjectIndex) -> Bool {
        first.value < second.value
    }
}

/// How evaluations draw random numbers: the config's `streams`.
public enum RandomStreams: String, Sendable, Codable, CaseIterable {
    /// Every purpose has a stream of its own, so results do not depend on order, cache or ranks.
    case independent
    /// One stream for each autoencoder in SAE Bench's order with a cold cache, for parity.
    case upstream
}

/// An autoencoder under evaluation.
public struct Subject: Sendable, Codable {
    /// Where it is stored and what its config says.
    public var reference: AutoencoderReference
    /// Hash of its files.
    public var key: ContentHash
    /// What readers of its results should know, one sentence each.
    public var notes: [String]

    /// An autoencoder that was found.
    ///
    /// - Parameter key: the hash of its files.
    public init(reference: AutoencoderReference, key: ContentHash, notes: [String] = []) {
        (self.reference, self.key, self.notes) = (reference, key, notes)
    }

    /// `<release>/<id>`.
    public var name: String { "\(reference.release)/\(reference.id)" }
}

/// All autoencoders at one hook of one model whose rows are packed alike. What depends on the model
/// alone is computed once per cohort.
public struct Cohort: Sendable, Codable {
    /// Where in the model the autoencoders take their activations.
    public var hook: HookPoint
    /// The sizes and the architecture of the model.
    public var model: ModelDescription
    /// The name of the evaluated model in results: as the first autoencoder's configuration spells it,
    /// like SAE Bench, where that is this model.
    public var modelName: String
    /// How hooks' activations are stored and handed to autoencoders.
    public var activationType: String
    /// Whether the rows of tokens begin with BOS.
    public var prependsBOS: Bool
    /// Ids of BOS, EOS and padding, which most metrics leave out.
    public var specialTokens: [Int32]
    /// The autoencoders, which a ``SubjectIndex`` counts.
    public var subjects: [Subject]
    /// How random numbers are drawn.
    public var streams: RandomStreams

    /// Width of the activations at the hook, which is what the autoencoders take.
    public var activationSize: Int { model.size(at: hook) }

    /// A cohort of autoencoders at one hook.
    ///
    /// - Parameter activationType: the element type of stored activations, such as `float32`.
    public init(
        hook: HookPoint, model: ModelDescription, modelName: String, activationType: String,
        prependsBOS: Bool,
        specialTokens: [Int32], subjects: [Subject], streams: RandomStreams = .independent
    ) {
        (self.hook, self.model, self.modelName) = (hook, model, modelName)
        (self.activationType, self.prependsBOS) = (activationType, prependsBOS)
        (self.specialTokens, self.subjects) = (specialTokens, subjects)
        self.streams = streams
    }
}

extension Cohort {
    /// Refuses SAE Bench's `llm_dtype` where it is not how the run stores activations.
    ///
    /// - Parameter dtype: empty when it is not given.
    public func check(llmDtype dtype: String, of evaluation: String) throws(EvaluationError) {
        guard !dtype.isEmpty, dtype != activationType else { return }
        throw EvaluationError(
            .unsuitable,
            "`\(evaluation).llm_dtype` is \(dtype), but the run stores activations as "
                + activationType,
            advice: "set `dtype: \(dtype)` or leave `llm_dtype` out")
    }
}
