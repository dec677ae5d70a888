import Basics
import Kernels
import Tensors

/// A causal language model whose residual stream can be read and replaced.
///
/// Weights are used as they are stored: no folding, no centring. One file of this folder per
/// architecture.
public protocol LanguageModel: Sendable {
    /// Sizes and names.
    var description: ModelDescription { get }

    /// Runs a part of the model on one thread.
    ///
    /// - Shapes: tokens and residual rows are `[batch · positions]` resp. `[batch · positions,
    ///   model]`; captured activations are `[batch · positions, size of the hook]`, logits
    ///   `[batch · positions, vocabulary]` or, of chosen tokens, `[chosen, vocabulary]`.
    /// - Throws: ``LanguageModelError`` when a hook does not exist, a row is longer than the
    ///   model's context or a token is outside the vocabulary.
    func run(_ pass: ForwardPass) throws -> ForwardResult
}

/// What to run.
public struct ForwardPass {
    /// Where to begin.
    public enum Start {
        /// From token ids, `[batch · positions]`.
        case tokens([Int32])
        /// From a residual stream `[batch · positions, model]` that enters block `beforeBlock`.
        case residual(Tensor, beforeBlock: Int)
    }

    /// Where to end.
    public enum End: Sendable {
        /// After the unembedding of all tokens.
        case logits
        /// After the unembedding of some tokens alone, given as indices of `[batch · positions]`;
        /// the logits are in their order.
        case logitsAt([Int])
        /// After the last captured hook; the result has no logits.
        case lastCapture
    }

    /// Where to begin.
    public var start: Start
    /// Where to end.
    public var end: End
    /// Rows.
    public var batch: Int
    /// Positions of a row.
    public var positions: Int
    /// Activations to keep. They are taken after the interventions at the same hook.
    public var captures: Set<HookPoint>
    /// Replacements at hooks, applied in order.
    public var interventions: [HookPoint: [Intervention]]

    /// Takes all values.
    public init(
        start: Start, end: End, batch: Int, positions: Int, captures: Set<HookPoint> = [],
        interventions: [HookPoint: [Intervention]] = [:]
    ) {
        (self.start, self.end, self.batch, self.positions) = (start, end, batch, positions)
        (self.captures, self.interventions) = (captures, interventions)
    }
}

/// What a pass produced.
public struct ForwardResult {
    /// Activations at the hooks that were asked for.
    public var captured: [HookPoint: Tensor]
    /// `[batch · positions, vocabulary]` or, of chosen tokens, `[chosen, vocabulary]`; nil when the
    /// pass ended before them.
    public var logits: Tensor?

    /// Takes all values.
    public init(captured: [HookPoint: Tensor], logits: Tensor?) {
        (self.captured, self.logits) = (captured, logits)
    }
}

/// What can go wrong with a model.
public enum LanguageModelDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        case missingFile, badConfig, unsupported, missingTensor, wrongShape, unknownHook,
            layerOutOfRange, rowTooLong
        case tokenOutOfRange

        public var kind: FailureKind {
            switch self {
            case .missingFile, .badConfig, .unsupported, .missingTensor, .wrongShape,
                .unknownHook, .layerOutOfRange, .rowTooLong, .tokenOutOfRange:
                .mistake
            }
        }
    }
    /// The first word of the bracket that ends a message.
    public static let name = "model"
}

/// An error of loading or running a language model.
public typealias LanguageModelError = Failure<LanguageModelDomain>
