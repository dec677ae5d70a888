import Basics
import Testing

@testable import LanguageModels

@Suite("Hook names")
struct HookPointTests {
    @Test("A name of TransformerLens reads and prints", arguments: HookPoint.Site.allCases)
    func roundTrip(site: HookPoint.Site) throws {
        let name = site == .embedding ? "hook_embed" : "blocks.12.\(site.rawValue)"
        let point = try HookPoint(parsing: name)
        #expect(point == HookPoint(layer: 12, site: site))
        #expect(point.description == name)
    }

    @Test(
        "Another name is refused with the known sites",
        arguments: [
            "", "blocks", "blocks.1", "blocks.1.hook_resid_posts", "blocks.-1.hook_resid_post",
            "blocks.+1.hook_resid_post", "blocks.01.hook_resid_post", "blocks..hook_resid_post",
            "blocks.1.hook_resid_post.", "blocks.1.hook_z", "blocks.1.attn.hook_q",
            "block.1.hook_resid_post", "blocks.99999999999999999999.hook_resid_post",
            "blocks.0.hook_embed", "hook_embed.", "hook_pos_embed",
        ])
    func refused(name: String) throws {
        let failure = try #require(throws: LanguageModelError.self) {
            _ = try HookPoint(parsing: name)
        }
        #expect(failure.code == .unknownHook)
        #expect(failure.description.contains("`\(name)`"))
        #expect(failure.description.contains("hook_resid_mid"))
    }

    @Test("Hooks are in the order in which a pass meets them")
    func order() {
        let embedding = HookPoint(layer: 0, site: .embedding)
        let points =
            [embedding]
            + (0..<2).flatMap { layer in
                HookPoint.Site.allCases.dropFirst().map { HookPoint(layer: layer, site: $0) }
            }
        #expect(HookPoint(layer: 7, site: .embedding) == embedding)
        #expect(points.reversed().sorted() == points)
        #expect(HookPoint(layer: 2, site: .residPost) < HookPoint(layer: 10, site: .residPre))
    }

    @Test("A pass restarts at the hook between blocks and at the block's input inside it")
    func restart() {
        let post = HookPoint(layer: 3, site: .residPost)
        #expect(post.restart == post && post.firstBlockAfter == 4)
        let mlp = HookPoint(layer: 3, site: .mlpOut)
        #expect(mlp.restart == HookPoint(layer: 3, site: .residPre) && mlp.firstBlockAfter == 3)
        let embedding = HookPoint(layer: 0, site: .embedding)
        #expect(embedding.restart == embedding && embedding.firstBlockAfter == 0)
    }
}
