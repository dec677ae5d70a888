import Basics
import Kernels
import Tensors

/// A causal language model whose residual stream can be read and replaced.
///
/// Weights are used as they are stored: no folding, no centring. One file of this folder per architecture.
public protocol LanguageModel: Sendable {
    /// Sizes and names.
    var description: ModelDescription { get }

    /// Runs a part of the model on one thread.
    ///
    /// - Shapes: tokens and residual rows are `[batch · positions]` resp. `[batch · positions, model]`; captured
    ///   activations are `[batch · positions, model]`, logits `[batch · positions, vocabulary]`.
    /// - Throws: ``LanguageModelError`` when a hook does not exist, a row is longer than the model's context or a
    ///   token lies outside the vocabulary.
    func run(_ pass: ForwardPass) throws -> ForwardResult
}

/// Sizes and names of a language model.
public struct ModelDescription: Sendable, Codable, Equatable {
    /// `model_type` of the config, such as `gpt_neox`.
    public var architecture: String
    public var layers: Int
    public var modelSize: Int
    public var vocabulary: Int
    public var heads: Int
    /// Longest row in positions.
    public var contextSize: Int
    /// Parameters of one block, for cost estimates.
    public var blockParameters: Int
    /// Parameters of embedding and unembedding tables; a tied table counts once.
    public var embeddingParameters: Int

    public init(
        architecture: String, layers: Int, modelSize: Int, vocabulary: Int, heads: Int,
        contextSize: Int,
        blockParameters: Int, embeddingParameters: Int
    ) {
        (self.architecture, self.layers, self.modelSize) = (architecture, layers, modelSize)
        (self.vocabulary, self.heads, self.contextSize) = (vocabulary, heads, contextSize)
        (self.blockParameters, self.embeddingParameters) = (blockParameters, embeddingParameters)
    }
}

/// A place in the model where activations can be read or replaced, under its TransformerLens name.
public struct HookPoint: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Where in the block.
    public enum Site: String, Sendable, Codable, CaseIterable {
        case residPre = "hook_resid_pre"
        case attnOut = "hook_attn_out"
        case residMid = "hook_resid_mid"
        case mlpOut = "hook_mlp_out"
        case residPost = "hook_resid_post"
    }

    public var layer: Int
    public var site: Site

    public init(layer: Int, site: Site) { (self.layer, self.site) = (layer, site) }

    /// Reads a name such as `blocks.12.hook_resid_post`.
    ///
    /// - Throws: ``LanguageModelError`` that lists the known sites.
    public init(parsing name: String) throws(LanguageModelError) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blocks", let layer = Int(parts[1]), layer >= 0,
            let site = Site(rawValue: String(parts[2]))
        else {
            throw LanguageModelError(
                .unknownHook, "Hook `\(name)` is not supported",
                advice: "use blocks.N. followed by one of "
                    + Site.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.init(layer: layer, site: site)
    }

    public var description: String { "blocks.\(layer).\(site.rawValue)" }

    /// The point from which the rest of the model can be run alone: the hook itself when it is the whole residual
    /// stream between blocks, else the input of its block.
    public var restart: HookPoint {
        site == .residPost || site == .residPre ? self : HookPoint(layer: layer, site: .residPre)
    }

    /// The first block that runs after a restart from here.
    public var firstBlockAfter: Int { site == .residPost ? layer + 1 : layer }

    public static func < (first: HookPoint, second: HookPoint) -> Bool {
        let order = { (point: HookPoint) in Site.allCases.firstIndex(of: point.site)! }
        return (first.layer, order(first)) < (second.layer, order(second))
    }
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
        case logits
        /// After the last captured hook; the result has no logits.
        case lastCapture
    }

    public var start: Start
    public var end: End
    public var batch: Int
    public var positions: Int
    /// Activations to keep. They are taken after the interventions at the same hook.
    public var captures: Set<HookPoint>
    /// Replacements at hooks, applied in order; each gets `[batch · positions, model]` and returns the same shape.
    public var interventions: [HookPoint: [(Tensor) throws -> Tensor]]

    public init(
        start: Start, end: End, batch: Int, positions: Int, captures: Set<HookPoint> = [],
        interventions: [HookPoint: [(Tensor) throws -> Tensor]] = [:]
    ) {
        (self.start, self.end, self.batch, self.positions) = (start, end, batch, positions)
        (self.captures, self.interventions) = (captures, interventions)
    }
}

/// What a pass produced.
public struct ForwardResult {
    public var captured: [HookPoint: Tensor]
    public var logits: Tensor?

    public init(captured: [HookPoint: Tensor], logits: Tensor?) {
        (self.captured, self.logits) = (captured, logits)
    }
}

/// What can go wrong with a model.
public enum LanguageModelDomain: FailureDomain {
    public enum Code: String, Sendable {
        case missingFile, badConfig, unsupported, missingTensor, wrongShape, unknownHook,
            layerOutOfRange, rowTooLong
        case tokenOutOfRange
    }
    public static let name = "model"
}

/// An error of loading or running a language model.
public typealias LanguageModelError = Failure<LanguageModelDomain>
