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
    ///   model]`; captured activations are `[batch · positions, model]`, logits `[batch ·
    ///   positions, vocabulary]`.
    /// - Throws: ``LanguageModelError`` when a hook does not exist, a row is longer than the
    ///   model's context or a token lies outside the vocabulary.
    func run(_ pass: ForwardPass) throws -> ForwardResult
}

/// Sizes and names of a language model.
public struct ModelDescription: Sendable, Codable, Equatable {
    /// `model_type` of the config, such as `gpt_neox`.
    public var architecture: String
    /// Number of blocks.
    public var layers: Int
    /// Width of the residual stream.
    public var modelSize: Int
    /// Number of tokens in the table.
    public var vocabulary: Int
    /// Query heads.
    public var heads: Int
    /// Longest row in positions.
    public var contextSize: Int
    /// Parameters of one block, for cost estimates.
    public var blockParameters: Int
    /// Parameters of embedding and unembedding tables; a tied table counts once.
    public var embeddingParameters: Int

    /// Takes all values.
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
        /// The residual stream that enters the block.
        case residPre = "hook_resid_pre"
        /// What attention adds to it, after a norm behind attention if there is one.
        case attnOut = "hook_attn_out"
        /// The sum of the two; parallel blocks have none.
        case residMid = "hook_resid_mid"
        /// What the MLP adds, after a norm behind the MLP if there is one.
        case mlpOut = "hook_mlp_out"
        /// The residual stream that leaves the block.
        case residPost = "hook_resid_post"
    }

    /// The block, counted from 0.
    public var layer: Int
    /// Where in the block.
    public var site: Site

    /// Names a place.
    public init(layer: Int, site: Site) { (self.layer, self.site) = (layer, site) }

    /// Reads a name such as `blocks.12.hook_resid_post`.
    ///
    /// - Throws: ``LanguageModelError`` that lists the known sites.
    public init(parsing name: String) throws(LanguageModelError) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blocks", let layer = Int(parts[1]), layer >= 0,
            String(layer) == parts[1],
            let site = Site(rawValue: String(parts[2]))
        else {
            throw LanguageModelError(
                .unknownHook, "Hook `\(name)` is not supported",
                advice: "use blocks.N. followed by one of "
                    + Site.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.init(layer: layer, site: site)
    }

    /// The TransformerLens name.
    public var description: String { "blocks.\(layer).\(site.rawValue)" }

    /// The point from which the rest of the model can be run alone: the hook itself when it is the
    /// whole residual stream between blocks, else the input of its block.
    public var restart: HookPoint {
        site == .residPost || site == .residPre ? self : HookPoint(layer: layer, site: .residPre)
    }

    /// The first block that runs after a restart from here.
    public var firstBlockAfter: Int { site == .residPost ? layer + 1 : layer }

    /// Whether one place comes before another in a forward pass.
    public static func < (first: HookPoint, second: HookPoint) -> Bool {
        let sites = Site.allCases
        let places = (sites.firstIndex(of: first.site) ?? 0, sites.firstIndex(of: second.site) ?? 0)
        return (first.layer, places.0) < (second.layer, places.1)
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
        /// After the unembedding.
        case logits
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
    /// Replacements at hooks, applied in order; each gets `[batch · positions, model]` and returns
    /// the same shape.
    public var interventions: [HookPoint: [(Tensor) throws -> Tensor]]

    /// Takes all values.
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
    /// Activations at the hooks that were asked for.
    public var captured: [HookPoint: Tensor]
    /// `[batch · positions, vocabulary]`; nil when the pass ended before them.
    public var logits: Tensor?

    /// Takes all values.
    public init(captured: [HookPoint: Tensor], logits: Tensor?) {
        (self.captured, self.logits) = (captured, logits)
    }
}

/// What can go wrong with a model.
public enum LanguageModelDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, Sendable {
        case missingFile, badConfig, unsupported, missingTensor, wrongShape, unknownHook,
            layerOutOfRange, rowTooLong
        case tokenOutOfRange
    }
    /// The first word of the bracket that ends a message.
    public static let name = "model"
}

/// An error of loading or running a language model.
public typealias LanguageModelError = Failure<LanguageModelDomain>
