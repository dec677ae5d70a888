import Basics

/// A point in the model where activations can be read or replaced, under its TransformerLens name.
public struct HookPoint: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Where in the block, in the order in which a pass meets them.
    public enum Site: String, Sendable, Codable, CaseIterable {
        /// The scaled token embeddings that enter the first block; it belongs to no block.
        case embedding = "hook_embed"
        /// The residual stream that enters the block.
        case residPre = "hook_resid_pre"
        /// The outputs of the heads side by side, before the output map: `[tokens, heads · head]`.
        case headOutputs = "attn.hook_z"
        /// What attention adds to the stream, after a norm behind attention if there is one.
        case attnOut = "hook_attn_out"
        /// The sum of the two; parallel blocks have none.
        case residMid = "hook_resid_mid"
        /// The residual stream as the norm before the MLP reads it; a replacement changes what the
        /// MLP reads and not the stream.
        case mlpIn = "hook_mlp_in"
        /// The same behind that norm, before its weights multiply; where the norm stands behind the
        /// MLP instead, as in OLMo 2, what the MLP gives.
        case mlpNormalized = "ln2.hook_normalized"
        /// What the MLP adds, after a norm behind the MLP if there is one.
        case mlpOut = "hook_mlp_out"
        /// The residual stream that leaves the block.
        case residPost = "hook_resid_post"
    }

    /// The block, counted from 0.
    public var layer: Int
    /// Where in the block.
    public var site: Site

    /// Names a point; the embedding comes before block 0.
    public init(layer: Int, site: Site) {
        (self.layer, self.site) = (site == .embedding ? 0 : layer, site)
    }

    /// Reads a name such as `blocks.12.hook_resid_post`.
    ///
    /// - Throws: ``LanguageModelError`` that lists the known sites.
    public init(parsing name: String) throws(LanguageModelError) {
        if name == Site.embedding.rawValue {
            self.init(layer: 0, site: .embedding)
            return
        }
        let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blocks", let layer = Int(parts[1]), layer >= 0,
            String(layer) == parts[1],
            let site = Site(rawValue: String(parts[2])), site != .embedding
        else {
            let sites = Site.allCases.filter { $0 != .embedding }.map(\.rawValue)
            throw LanguageModelError(
                .unknownHook, "Hook `\(name)` is not supported",
                advice: "use hook_embed or blocks.N. followed by one of "
                    + sites.joined(separator: ", "))
        }
        self.init(layer: layer, site: site)
    }

    /// The TransformerLens name.
    public var description: String {
        site == .embedding ? site.rawValue : "blocks.\(layer).\(site.rawValue)"
    }

    /// Whether the hook is the whole residual stream between blocks.
    public var isStream: Bool { [.embedding, .residPre, .residPost].contains(site) }

    /// The point from which the rest of the model can be run alone: the hook itself when it is the
    /// whole residual stream between blocks, else the input of its block.
    public var restart: HookPoint { isStream ? self : HookPoint(layer: layer, site: .residPre) }

    /// The first block that runs after a restart from here.
    public var firstBlockAfter: Int { site == .residPost ? layer + 1 : layer }

    /// Whether one point comes before another in a forward pass.
    public static func < (first: HookPoint, second: HookPoint) -> Bool {
        let sites = Site.allCases
        let order = (sites.firstIndex(of: first.site) ?? 0, sites.firstIndex(of: second.site) ?? 0)
        return (first.layer, order.0) < (second.layer, order.1)
    }
}
